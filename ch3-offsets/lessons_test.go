package ch3_test

import (
	"maps"
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

func TestMain(m *testing.M) { lessontest.Main(m) }

// checkTallies checks numbers of a variant's accounting, by their ids.
func checkTallies(t *testing.T, v lesson.VariantResult, want map[string]int) {
	t.Helper()
	for id, value := range want {
		if got := lessontest.Tally(t, v, id); got != value {
			t.Errorf("%s: %s %d, want %d", v.Name, id, got, value)
		}
	}
}

// Lessons that have no test of their own. The others look at the numbers too that a student is asked to predict.
func TestLessons(t *testing.T) {
	own := map[string]bool{
		"ch3-manual-commit": true, "ch3-offset-reset": true, "ch3-offsets-inside": true, "ch3-idempotent-producer": true,
		"ch3-idempotent-consumer": true, "ch3-rebalance": true, "ch3-exactly-once": true,
	}
	for _, l := range ch3.Chapter().Lessons {
		if own[l.Name] {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			lessontest.Pass(t, l)
		})
	}
}

// The numbers that a student is asked to predict.
func TestManualCommitRepeats(t *testing.T) {
	t.Parallel()
	result := lessontest.Pass(t, ch3.ManualCommit())
	want := map[string]int{"per-record": 1, "per-batch": 5, "mark-only": 15}
	for _, v := range result.Variants {
		checkTallies(t, v, map[string]int{"duplicated": want[v.Name], "lost": 0, "produced": 30})
	}
}

// A lesson must notice a program that does not do what it teaches, and say by how much.
func TestSabotageShows(t *testing.T) {
	const producer, consumer = "internal/lesson/testdata/sabotaged-producer", "internal/lesson/testdata/sabotaged-consumer"
	for _, tc := range []struct {
		name, sabotage, program, instead string
		failed                           map[string]string // claim: evidence
	}{
		{
			name: "a consumer commits before it handles", program: "ch3-offsets/manual-commit", instead: consumer,
			failed: map[string]string{
				"nothing-lost": "1 ≠ 0",
				// It never came again, so nothing was repeated.
				"repeated-count": "0 ≠ 1",
			},
		},
		{
			name: "a producer drops a record", sabotage: "drop", program: "ch3-offsets/producer", instead: producer,
			failed: map[string]string{
				"acknowledged":         "29 ≠ 30",
				"stored-once":          "29 ≠ 30",
				"committed-in-the-end": "29 ≠ 30",
			},
		},
		{
			name: "a producer drops a record and hides it", sabotage: "lie", program: "ch3-offsets/producer", instead: producer,
			failed: map[string]string{
				"stored-once":          "29 ≠ 30",
				"nothing-lost":         "1 ≠ 0",
				"committed-in-the-end": "29 ≠ 30",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("SABOTAGE", tc.sabotage)
			result, err := lessontest.Play(t, ch3.ManualCommit(), lesson.Options{
				Variants: []string{"per-record"},
				Replace:  map[string]string{tc.program: tc.instead},
			})
			if err != nil {
				t.Fatal(err)
			}
			if result.Passed {
				t.Error("the verdict is PASS")
			}
			if failed := lessontest.Failed(result.Variants[0]); !maps.Equal(failed, tc.failed) {
				t.Errorf("claims that failed: %q, want %q", failed, tc.failed)
			}
		})
	}
}
