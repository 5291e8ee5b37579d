package lesson_test

import (
	"os"
	"slices"
	"testing"

	"kafkahandson/internal/lesson"
	"kafkahandson/internal/stack"
)

// On the compose stack that is up, as .ci/run has it: a lesson can reach into its containers, and a profile that is not
// started is missing.
func TestOnTheComposeStack(t *testing.T) {
	if os.Getenv("KAFKAHANDSON_COMPOSE_TESTS") != "1" {
		t.Skip("needs the compose stack: KAFKAHANDSON_COMPOSE_TESTS=1")
	}
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	opts := lesson.Options{Stack: stack.Compose}
	l := claims("reaches-in", lesson.Compose(text("why")), lesson.RealKafka(text("why")), lesson.MySQL(), lesson.Exclusive())
	l.Run = func(r *lesson.Run) {
		topic := r.Topic("t", 1)
		list := r.InContainer("kafka1", "kafka-topics", "--bootstrap-server", "kafka1:19092", "--list").Run()
		r.Claim("listed", text("Kafka's own command knows the topic"), lesson.Check{OK: slices.Contains(list.Lines(), topic), Evidence: "-"})
		r.Claim("embedded", text("it is not the embedded one"), lesson.Check{OK: !r.Embedded(), Evidence: "-"})
	}
	if result, err := lesson.Play(t.Context(), l, opts); err != nil || !result.Passed {
		t.Errorf("result %+v, error %v", result, err)
	}
	result, err := lesson.Play(t.Context(), claims("profile", lesson.ComposeProfile("cdc")), opts)
	if err != nil || result.Skipped == nil || result.Skipped.Need != "profile-cdc" {
		t.Errorf("result %+v, error %v", result, err)
	}
}
