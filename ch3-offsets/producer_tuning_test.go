package ch3_test

import (
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
)

// comparesProducers checks what a student is asked to predict, as far as it does not depend on the computer.
func comparesProducers(t *testing.T, _ lesson.Result, events []event.Event) {
	measured := map[string]map[string]float64{} // by variant and name
	for _, e := range events {
		switch e.Type {
		case event.VariantStarted:
			measured[e.Variant] = map[string]float64{}
		case event.Compared:
			measured[e.Variant][e.Measurement.ID] = e.Measurement.Value
		}
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
