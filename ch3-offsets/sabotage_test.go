package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// Lessons look at what the broker has, not at what programs say: a program that does not do what it should is found out.
func TestSabotageIsFoundOut(t *testing.T) {
	for _, tc := range []struct {
		name, program, instead string
		lesson                 lesson.Lesson
		variant                string
		failed                 map[string]string // claim: evidence, "" where it depends on the moment
	}{
		{
			name: "an idempotent producer that is not", lesson: ch3.IdempotentProducer(), variant: "idempotent",
			program: "ch3-offsets/idempotent-producer", instead: "ch3-offsets/testdata/never-idempotent",
			failed: map[string]string{"stored-count": "31 ≠ 30", "none-stored-twice": "1 ≠ 0"},
		},
		{
			name: "a reset that does nothing", lesson: ch3.OffsetReset(), variant: "earliest",
			program: "cmd/lab", instead: "ch3-offsets/testdata/does-nothing",
			failed: map[string]string{
				"refused":              "0 ≠ 1",
				"refusal-names-member": "0 ≠ 1",
				"stands-after":         "20 ≠ 0",
				"next-record":          "1 (#21) ≠ 1 (#1): missing #1, extra #21",
				"repeated-count":       "0 ≠ 20",
				"all-that-follow":      "11 ≠ 31: missing #1 #10 #11 #12 #13 #14 #15 #16 #17 #18 #19 #2 #20 #3 #4 #5 #6 #7 #8 #9",
			},
		},
		{
			name: "an auto commit by hand", lesson: ch3.AutoCommit(), variant: "mark-after",
			program: "ch3-offsets/auto-commit", instead: "ch3-offsets/testdata/commits-by-hand",
			failed: map[string]string{
				"repeated-all":      "1 ≠ 15",
				"no-commit-by-hand": "", // the second start commits the rest
			},
		},
		{
			name: "a pool that marks before the work", lesson: ch3.Throughput(), variant: "ordered-pool",
			program: "ch3-offsets/throughput", instead: "ch3-offsets/testdata/marks-first",
			failed: map[string]string{
				"nothing-lost":            "",
				"committed-what-was-done": "",
			},
		},
		{
			name: "an offset outside the transaction", lesson: ch3.ExactlyOnce(), variant: "transactions",
			program: "ch3-offsets/exactly-once", instead: "ch3-offsets/testdata/offset-first",
			failed: map[string]string{
				"committed-before": "15 ≠ 14",
				"nothing-lost":     "1 ≠ 0",
				"one-aborted":      "62 ≠ 64",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result, err := lessontest.Play(t, tc.lesson, lesson.Options{
				Variants: []string{tc.variant},
				Replace:  map[string]string{tc.program: tc.instead},
			})
			if err != nil {
				t.Fatal(err)
			}
			if result.Passed {
				t.Error("the verdict is PASS")
			}
			for _, c := range result.Variants[0].Claims {
				want, expected := tc.failed[c.ID]
				if c.OK == expected || (expected && want != "" && c.Evidence != want) {
					t.Errorf("claim %q: holds %t, evidence %q, want %q", c.ID, c.OK, c.Evidence, want)
				}
				delete(tc.failed, c.ID)
			}
			if len(tc.failed) > 0 {
				t.Errorf("not claimed: %v", tc.failed)
			}
		})
	}
}
