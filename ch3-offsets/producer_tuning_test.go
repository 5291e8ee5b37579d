package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// What a student is asked to predict, as far as it does not depend on the computer.
func TestProducerTuningCompares(t *testing.T) {
	t.Parallel()
	measured := map[string]map[string]float64{} // by variant and name
	result, err := lessontest.Play(t, ch3.ProducerTuning(), lesson.Options{
		Variants: []string{"sync", "linger", "zstd"},
		Emit: func(e event.Event) {
			switch e.Type {
			case event.VariantStarted:
				measured[e.Variant] = map[string]float64{}
			case event.Compared:
				measured[e.Variant][e.Measurement.ID] = e.Measurement.Value
			}
		},
	})
	if err != nil || !result.Passed {
		t.Fatalf("passed: %v, error %v", result.Passed, err)
	}
	sync, linger, zstd := measured["sync"], measured["linger"], measured["zstd"]
	if sync["together"] != 1 || linger["together"] < 2 || zstd["together"] < 2 {
		t.Errorf("records in a request: sync %.1f, linger %.1f, zstd %.1f", sync["together"], linger["together"], zstd["together"])
	}
	if sync["on-disk"] <= linger["on-disk"] || linger["on-disk"] <= zstd["on-disk"] || zstd["on-disk"] <= 0 {
		t.Errorf("bytes of a record: sync %.1f, linger %.1f, zstd %.1f", sync["on-disk"], linger["on-disk"], zstd["on-disk"])
	}
	for variant, m := range measured {
		if len(m) != 3 || m["rate"] <= 0 {
			t.Errorf("%s compares %v", variant, m)
		}
	}
}
