package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson/lessontest"
)

// The numbers that a student is asked to predict.
func TestOffsetResetLosesAndRepeats(t *testing.T) {
	t.Parallel()
	want := map[string]struct{ lost, duplicated int }{
		"earliest":         {0, 20},
		"latest":           {10, 0},
		"timestamp":        {0, 10},
		"shift-by":         {0, 5},
		"to-offset":        {1, 0},
		"new-group-oldest": {0, 0},
		"new-group-newest": {30, 0},
		"deleted-oldest":   {5, 0},
		"deleted-newest":   {10, 0},
	}
	result := lessontest.Pass(t, ch3.OffsetReset())
	if len(result.Variants) != len(want) {
		t.Errorf("%d variants, want %d", len(result.Variants), len(want))
	}
	for _, v := range result.Variants {
		checkTallies(t, v, map[string]int{"lost": want[v.Name].lost, "duplicated": want[v.Name].duplicated, "produced": 31})
	}
}
