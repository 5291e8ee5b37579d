package ch3_test

import (
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
