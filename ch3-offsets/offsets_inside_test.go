package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// The embedded Kafka cannot show it, and must not pretend to.
func TestOffsetsInsideIsSkippedOnEmbedded(t *testing.T) {
	t.Parallel()
	result, err := lessontest.Play(t, ch3.OffsetsInside(), lesson.Options{})
	if err != nil || result.Passed || len(result.Variants) > 0 || result.Skipped == nil || result.Skipped.Need != "real-kafka" {
		t.Errorf("%+v, error %v", result, err)
	}
}
