package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson/lessontest"
)

// The numbers that a student is asked to predict.
func TestIdempotentProducerStoresOnce(t *testing.T) {
	t.Parallel()
	result := lessontest.Pass(t, ch3.IdempotentProducer())
	want := map[string]int{"plain": 31, "idempotent": 30}
	for _, v := range result.Variants {
		if v.Counts.Stored != want[v.Name] || v.Counts.Handled != want[v.Name] || v.Counts.Produced != 30 || v.Counts.Distinct != 30 {
			t.Errorf("%s: %+v, want %d stored and read, 30 produced", v.Name, v.Counts, want[v.Name])
		}
	}
}
