package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/lesson/lessontest"
)

func TestMain(m *testing.M) { lessontest.Main(m) }

// What lessons show beside what they claim is looked at in the same run.
func TestLessons(t *testing.T) {
	lessontest.Chapter(t, ch3.Chapter(), map[string]lessontest.Check{
		"ch3-producer-tuning": comparesProducers,
		"ch3-rebalance":       drawsTimelines,
	})
}
