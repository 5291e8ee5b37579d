package ch3_test

import (
	"maps"
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// A lesson looks at what the broker and the database have, not at what programs say: each of these programs, changed in a
// line or two, is found out, by the claims that the change concerns and by no other.
func TestSabotageIsFoundOut(t *testing.T) {
	t.Parallel()
	const folder = "ch3-offsets/"
	mark := "s.MarkMessage(m, \"\") // remember, in this process: the next offset to commit"
	type failed = map[string]string // evidence, "" where it depends on the moment, by variant and claim
	for name, tc := range map[string]struct {
		lesson   lesson.Lesson
		variants []string
		mutate   []lesson.Mutation
		failed   failed
	}{
		"a producer drops a record": {
			lesson: ch3.ManualCommit(), variants: []string{"per-record"},
			mutate: []lesson.Mutation{{File: folder + "producer/main.go", Old: "for _, g := range greetings {", New: "for _, g := range append(greetings[:6:6], greetings[7:]...) {"}},
			failed: failed{
				"per-record acknowledged":         "29 ≠ 30",
				"per-record stored-once":          "29 ≠ 30",
				"per-record committed-in-the-end": "29 ≠ 30",
			},
		},
		"a producer drops a record and hides it": {
			lesson: ch3.ManualCommit(), variants: []string{"per-record"},
			mutate: []lesson.Mutation{{File: folder + "producer/main.go", Old: "if _, _, err := producer.SendMessage(message); err != nil {", New: "if g.ID == 7 {\n} else if _, _, err := producer.SendMessage(message); err != nil {"}},
			failed: failed{
				"per-record stored-once":          "29 ≠ 30",
				"per-record nothing-lost":         "1 ≠ 0",
				"per-record committed-in-the-end": "29 ≠ 30",
			},
		},
		"a consumer commits before it handles": {
			lesson: ch3.ManualCommit(), variants: []string{"per-record"},
			mutate: []lesson.Mutation{
				{File: folder + "manual-commit/main.go", Old: "h.program.Handled(m, g) ", New: "s.MarkMessage(m, \"\"); s.Commit(); h.program.CrashPoint(\"after-handle\"); h.program.Handled(m, g) "},
				{File: folder + "manual-commit/main.go", Old: "h.program.CrashPoint(\"after-handle\") //", New: "//"},
			},
			failed: failed{
				"per-record nothing-lost":   "1 ≠ 0",
				"per-record repeated-count": "0 ≠ 1", // it never came again, so nothing was repeated
			},
		},
		"a consumer that only marks commits all the same": {
			lesson: ch3.ManualCommit(), variants: []string{"mark-only"},
			mutate: []lesson.Mutation{{File: folder + "manual-commit/main.go", Old: mark, New: mark + "\ns.Commit()"}},
			failed: failed{
				"mark-only repeated-count":       "1 ≠ 15",
				"mark-only committed-in-the-end": "30 ≠ -1",
				"mark-only never-committed":      "",
			},
		},
		"an idempotent producer that is not": {
			lesson: ch3.IdempotentProducer(), variants: []string{"idempotent"},
			mutate: []lesson.Mutation{{File: folder + "idempotent-producer/main.go", Old: "config.Producer.Idempotent = *idempotent", New: "config.Producer.Idempotent = *idempotent && false"}},
			failed: failed{"idempotent stored-count": "31 ≠ 30", "idempotent none-stored-twice": "1 ≠ 0"},
		},
		"a reset that does nothing": {
			lesson: ch3.OffsetReset(), variants: []string{"earliest"},
			mutate: []lesson.Mutation{{File: "internal/console/reset.go", Old: "if r.Execute {", New: "if r.Execute && false {"}},
			failed: failed{
				"earliest stands-after":    "20 ≠ 0",
				"earliest next-record":     "1 (#21) ≠ 1 (#1): missing #1, extra #21",
				"earliest repeated-count":  "0 ≠ 20",
				"earliest all-that-follow": "11 ≠ 31: missing #1 #10 #11 #12 #13 #14 #15 #16 #17 #18 #19 #2 #20 #3 #4 #5 #6 #7 #8 #9",
			},
		},
		"a refusal that does not say who is at work": {
			lesson: ch3.OffsetReset(), variants: []string{"earliest"},
			mutate: []lesson.Mutation{{File: "internal/kafka/admin/groups.go", Old: "if len(d.Members) == 0 {", New: "if true {"}},
			failed: failed{"earliest refusal-names-member": ""},
		},
		"an auto commit by hand": {
			lesson: ch3.AutoCommit(), variants: []string{"mark-after"},
			mutate: []lesson.Mutation{{File: folder + "auto-commit/main.go", Old: "s.MarkMessage(m, \"\") // done;", New: "s.MarkMessage(m, \"\"); s.Commit() // done;"}},
			failed: failed{
				"mark-after repeated-all":      "1 ≠ 15",
				"mark-after no-commit-by-hand": "", // the second start commits the rest
			},
		},
		"committed before the work": {
			lesson: ch3.Throughput(), variants: []string{"partitions"},
			mutate: []lesson.Mutation{{File: folder + "throughput/main.go", Old: "err := h.worker.handle(s.Context(), m)", New: "s.MarkMessage(m, \"\"); s.Commit(); err := h.worker.handle(s.Context(), m)"}},
			failed: failed{"partitions nothing-lost": "", "partitions committed-what-was-done": ""},
		},
		"an offset before its transaction": {
			lesson: ch3.ExactlyOnce(), variants: []string{"transactions"},
			mutate: []lesson.Mutation{{File: folder + "exactly-once/main.go", Old: "if err := producer.BeginTxn(); err != nil {", New: "s.MarkMessage(m, \"\"); s.Commit()\nif err := producer.BeginTxn(); err != nil {"}},
			failed: failed{"transactions committed-before": "15 ≠ 14", "transactions nothing-lost": "1 ≠ 0", "transactions one-aborted": "62 ≠ 64"},
		},
		"a memory outside the transaction": {
			lesson: ch3.IdempotentConsumer(), variants: []string{"mysql"},
			mutate: []lesson.Mutation{{File: folder + "idempotent-consumer/main.go", Old: "tx.Create(memory)", New: "db.Create(memory)"}},
			failed: failed{
				"mysql remembered-before-crash": "15 ≠ 14",
				"mysql nobody-left-out":         "29 ≠ 30",
				"mysql row-count":               "29 ≠ 30",
			},
		},
		"a fast producer that forgets a record and hides it": {
			lesson: ch3.ProducerTuning(), variants: []string{"linger"},
			mutate: []lesson.Mutation{
				{File: folder + "producer-tuning/main.go", Old: "return sendAsync(ctx, p, config, records)", New: "return sendAsync(ctx, p, config, append(records[:6:6], records[7:]...))"},
				{File: folder + "producer-tuning/send.go", Old: "sent(p, int(acknowledged.Load()),", New: "sent(p, len(records)+1,"},
			},
			failed: failed{"linger stored-count": "4999 ≠ 5000", "linger stored-once": "4999 ≠ 5000"},
		},
		"a fast producer that sends one record twice, and another not at all": {
			lesson: ch3.ProducerTuning(), variants: []string{"linger"},
			mutate: []lesson.Mutation{{File: folder + "producer-tuning/main.go", Old: "value, err := g.Encode()", New: "if g.ID == 8 { g = greetings[6] }\nvalue, err := g.Encode()"}},
			failed: failed{"linger stored-once": "4999 ≠ 5000"},
		},
		"a fast producer that does not compress": {
			lesson: ch3.ProducerTuning(), variants: []string{"zstd"},
			mutate: []lesson.Mutation{{File: folder + "producer-tuning/main.go", Old: "UnmarshalText([]byte(*codec))", New: "UnmarshalText([]byte((*codec)[:0]+\"none\"))"}},
			failed: failed{"zstd fewer-bytes": ""},
		},
		"a member that skips a record": {
			lesson: ch3.Rebalance(), variants: []string{"range"},
			mutate: []lesson.Mutation{{File: folder + "rebalance/main.go", Old: "h.program.Handled(m, g)", New: "if g.ID != 40 { h.program.Handled(m, g) }"}},
			failed: failed{"range nothing-lost": "1 ≠ 0"},
		},
		"a member that is eager, whatever it is told to be": {
			lesson: ch3.Rebalance(), variants: []string{"cooperative-sticky"},
			mutate: []lesson.Mutation{{File: folder + "rebalance/main.go", Old: "strategies[*strategy]()", New: "strategies[(*strategy)[:0]+sarama.RangeBalanceStrategyName]()"}},
			failed: failed{
				"cooperative-sticky interrupted-by-b":        "",
				"cooperative-sticky interrupted-by-c":        "",
				"cooperative-sticky kept-by-a":               "",
				"cooperative-sticky kept-without-repetition": "",
			},
		},
		"a member that is dynamic, whatever it is told to be": {
			lesson: ch3.Rebalance(), variants: []string{"static"},
			mutate: []lesson.Mutation{{File: folder + "rebalance/main.go", Old: "config.Consumer.Group.InstanceId = *instanceID", New: "_ = *instanceID"}},
			failed: failed{"static interrupted-by-restart": "", "static no-rebalance": "", "static still-a-member": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := lessontest.Play(t, tc.lesson, lesson.Options{Variants: tc.variants, Mutate: tc.mutate})
			lessontest.Need(t, result, err)
			if result.Passed {
				t.Error("the verdict is PASS")
			}
			left := maps.Clone(tc.failed)
			for _, v := range result.Variants {
				for _, c := range v.Claims {
					id := v.Name + " " + c.ID
					want, expected := tc.failed[id]
					if c.OK == expected || (expected && want != "" && c.Evidence != want) {
						t.Errorf("claim %q: holds %t, evidence %q, want %q", id, c.OK, c.Evidence, want)
					}
					delete(left, id)
				}
			}
			if len(left) > 0 {
				t.Errorf("not claimed: %v", left)
			}
		})
	}
}
