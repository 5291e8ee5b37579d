package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson/lessontest"
)

// The numbers that a student is asked to predict.
func TestExactlyOnceAnswersOnce(t *testing.T) {
	t.Parallel()
	result := lessontest.Pass(t, ch3.ExactlyOnce())
	want := map[string]int{"at-least-once": 1, "transactions": 0, "zombie": 0}
	for _, v := range result.Variants {
		if v.Counts.Duplicated != want[v.Name] || v.Counts.Lost != 0 || v.Counts.Distinct != 31 || v.Counts.Committed[0] != 31 {
			t.Errorf("%s: %+v, want %d duplicated, 0 lost of 31", v.Name, v.Counts, want[v.Name])
		}
	}
}
