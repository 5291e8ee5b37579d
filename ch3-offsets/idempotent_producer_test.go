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
		checkTallies(t, v, map[string]int{"stored": want[v.Name], "handled": want[v.Name], "produced": 30, "distinct": 30})
	}
}
