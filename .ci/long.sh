# What `.ci/run long` does: whatever must hold many times in a row, or for any input, and the numbers of the benchmarks.
# .ci/run reads this file, so step, and a home of its own, are there. Each number that a note quotes comes from one run.
#
#   LONG_TIMES=3 FUZZ_TIME=10s .ci/run long    fewer repetitions and shorter fuzzing, to try it

times=${LONG_TIMES:-20}
fuzz_time=${FUZZ_TIME:-5m}
kills=${LONG_KILLS:-$((5 * times))}
export KAFKAHANDSON_STACK=embedded

# Whatever was started has the folder of its home in its command line: programs are built there, servers have data there.
nothing_left() {
  local left
  left=$(ps -eo pid,stat,args | grep -F "$KAFKAHANDSON_HOME" | grep -v -e ' Z' -e grep || true)
  [ -z "$left" ] || { echo "left behind: $left"; return 1; }
  left=$(find "$KAFKAHANDSON_HOME/runs" -mindepth 1 -maxdepth 1 ! -name door)
  [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}

step "all lessons of chapter 3, $times times in a row"
make lab
for i in $(seq "$times"); do
  began_run=$SECONDS
  make ch3 ARGS='--quiet' >.out.log 2>&1 || { cat .out.log; exit 1; }
  echo "$i: $((SECONDS - began_run)) s, $(tail -n 1 .out.log)"
done
rm -f .out.log
nothing_left

step "four lessons at once, $times times"
for i in $(seq "$times"); do
  pids=()
  for lesson in ch3-manual-commit ch3-exactly-once ch3-idempotent-consumer ch3-offset-reset; do
    .bin/lab run "$lesson" --quiet &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
done
nothing_left

step "lab killed $kills times at random moments"
KAFKAHANDSON_KILLS=$kills go test -count=1 -timeout 2h -run KillsAtRandom -v ./cmd/lab/

step "the tests of the core, $times times"
go test -count="$times" -timeout 3h ./internal/event/... ./internal/program/ ./internal/leash/ ./internal/pidfile/ ./internal/remedy/ ./internal/lesson/...

step "the tests of Kafka, MySQL and their faults, $times times"
go test -count="$times" -timeout 3h ./internal/kafka/... ./internal/faultproxy/ ./internal/embedded/ ./internal/mysql/ ./internal/mysqld/

step "the tests of chapter 3, $times times"
go test -count="$times" -timeout 3h ./ch3-offsets/...

step "fuzzers, $fuzz_time each"
go test -run '^$' -fuzz FuzzParseReport -fuzztime "$fuzz_time" ./internal/event/
go test -run '^$' -fuzz FuzzVisible -fuzztime "$fuzz_time" ./internal/event/

step "benchmarks"
make bench
