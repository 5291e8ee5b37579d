# The lab command in short words. Everything here needs only Go; make up needs Docker.
#   make ch3-manual-commit                      run a lesson
#   make ch3-manual-commit ARGS='--step'        … with options of `lab run`
#   make ch3-producer ARGS='-count 100'         run one program by hand

SHELL := /bin/sh
LAB   := .bin/lab
ARGS  ?=

.DEFAULT_GOAL := help
.PHONY: help list hint explain lab smoke test bench lint up up-embedded down nuke doctor status reset \
  ch3 ch3-auto-commit ch3-manual-commit ch3-offset-reset ch3-offsets-inside ch3-idempotent-producer \
  ch3-idempotent-consumer ch3-throughput ch3-throughput-bench ch3-producer-tuning ch3-rebalance ch3-exactly-once \
  ch3-producer ch3-auto-commit-consumer ch3-manual-commit-consumer

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  make %-28s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# go build does nothing when nothing has changed. (`go run` would hide the exit code of a lesson.)
lab:
	@go build -o $(LAB) ./cmd/lab

##@ Lessons of chapter 3: offsets

ch3: lab ## run all lessons of chapter 3
	@$(LAB) run $@ $(ARGS)

ch3-auto-commit: lab ## Let the client commit
	@$(LAB) run $@ $(ARGS)

ch3-manual-commit: lab ## Commit by hand
	@$(LAB) run $@ $(ARGS)

ch3-offset-reset: lab ## Move a group's offsets
	@$(LAB) run $@ $(ARGS)

ch3-offsets-inside: lab ## Where committed offsets live
	@$(LAB) run $@ $(ARGS)

ch3-idempotent-producer: lab ## Produce without duplicates
	@$(LAB) run $@ $(ARGS)

ch3-idempotent-consumer: lab ## Handle each message once
	@$(LAB) run $@ $(ARGS)

ch3-throughput: lab ## Consume faster, and lose nothing
	@$(LAB) run $@ $(ARGS)

ch3-throughput-bench: lab ## measure the ways of ch3-throughput against each other, as bar charts
	@$(LAB) bench ch3-throughput $(ARGS)

ch3-producer-tuning: lab ## Make the producer fast
	@$(LAB) run $@ $(ARGS)

ch3-rebalance: lab ## Who owns which partition when
	@$(LAB) run $@ $(ARGS)

ch3-exactly-once: lab ## Read, answer and commit exactly once
	@$(LAB) run $@ $(ARGS)

##@ Programs of chapter 3, by hand in two terminals (start a Kafka first: make up-embedded)

ch3-producer: ## send 30 greetings to my-json-topic
	@go run ./ch3-offsets/producer $(ARGS)

ch3-auto-commit-consumer: ## consume my-json-topic, committing in the background
	@go run ./ch3-offsets/auto-commit $(ARGS)

ch3-manual-commit-consumer: ## consume my-json-topic, committing by hand
	@go run ./ch3-offsets/manual-commit $(ARGS)

##@ Kafka and the other servers

up-embedded: lab ## keep an embedded Kafka up for several terminals, until Ctrl-C
	@$(LAB) up --embedded $(ARGS)

up: lab ## start the Docker Compose stack, wait until it is healthy, check it as a client
	@$(LAB) up $(ARGS)

down: lab ## end what is up, embedded or compose; the data stays
	@$(LAB) down $(ARGS)

nuke: lab ## the same, and delete all topics, offsets and tables
	@$(LAB) down --volumes $(ARGS)

doctor: lab ## look the computer and the stack over
	@$(LAB) doctor $(ARGS)

status: lab ## tell which Kafka lessons and programs would use
	@$(LAB) status $(ARGS)

reset: lab ## remove the topics and groups that lessons left on the cluster
	@$(LAB) reset $(ARGS)

##@ The course itself

list: lab ## list the lessons
	@$(LAB) list $(ARGS)

hint: lab ## show the next hint for a lesson: make hint ARGS=ch3-manual-commit
	@$(LAB) hint $(ARGS)

explain: lab ## explain the outcome of a lesson: make explain ARGS=ch3-manual-commit
	@$(LAB) explain $(ARGS)

smoke: lab ## run every lesson on the compose stack (start it first: make up); verdicts in .out/smoke.xml
	@$(LAB) run all --stack compose --quiet --junit .out/smoke.xml $(ARGS)

# Three packages at a time, also on two processors: the tests wait more than they compute. Those that take long come
# first, or one of them would run alone at the end.
test: ## run all tests; make test ARGS=-short: those that take less than a minute together
	@go test -p 3 $(ARGS) ./internal/lesson ./cmd/lab ./...

bench: ## run the benchmarks
	@go test -run '^$$' -bench . $(ARGS) ./...

lint: ## check formatting, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...
