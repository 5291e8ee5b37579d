package ch3_test

import (
	"os"
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/stack"
)

// The embedded Kafka cannot show it, and must not pretend to.
func TestOffsetsInsideIsSkippedOnEmbedded(t *testing.T) {
	t.Parallel()
	result, err := lessontest.Play(t, ch3.OffsetsInside(), lesson.Options{})
	if err != nil || result.Passed || len(result.Variants) > 0 || result.Skipped == nil || result.Skipped.Need != "real-kafka" {
		t.Errorf("%+v, error %v", result, err)
	}
}

// On the compose stack that is up, as .ci/run has it: there its events are seen, and are as their schema has them.
func TestOffsetsInsideOnTheComposeStack(t *testing.T) {
	if os.Getenv("KAFKAHANDSON_COMPOSE_TESTS") != "1" {
		t.Skip("needs the compose stack: KAFKAHANDSON_COMPOSE_TESTS=1")
	}
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	schema, err := eventtest.Load()
	if err != nil {
		t.Fatal(err)
	}
	play := func(lang i18n.Lang) (result lesson.Result, events []event.Event, err error) {
		result, err = lesson.Play(t.Context(), ch3.OffsetsInside(), lesson.Options{Stack: stack.Compose, Lang: lang, Emit: func(e event.Event) {
			if err := schema.Check(e); err != nil {
				t.Error(err)
			}
			events = append(events, e)
		}})
		return result, events, err
	}
	result, events, err := play(i18n.English)
	observed := 0
	for _, e := range events {
		if e.Type == event.Observed {
			observed++
		}
	}
	if err != nil || !result.Passed || observed == 0 {
		t.Errorf("result %+v, error %v, %d observations", result, err, observed)
	}
	lessontest.CheckGuide(t, ch3.OffsetsInside(), events, func(lang i18n.Lang) []event.Event {
		_, events, err := play(lang)
		if err != nil {
			t.Error(err)
		}
		return events
	})
}
