package lesson_test

import (
	"context"
	"strings"
	"testing"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

// claims is a lesson that passes wherever it can run.
func claims(name string, needs ...lesson.Need) lesson.Lesson {
	return lesson.Lesson{Name: name, Needs: needs, Run: func(r *lesson.Run) {
		r.Claim("fine", text("fine"), lesson.Equal(1, 1))
	}}
}

// startShared starts a Kafka that outlives the runs on it, as named in KAFKA_BROKERS.
func startShared(t *testing.T) lesson.Options {
	t.Helper()
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	k := embeddedtest.Start(t, embedded.KafkaOptions{})
	return lesson.Options{Stack: stack.Env, Kafka: kafka.Config{Brokers: k.Brokers()}}
}

// A need that is not met skips the lesson, says which it is and why, in both languages, and how to meet it.
func TestNeeds(t *testing.T) {
	const produce, heartbeat = 0, 68 // keys of requests; the embedded Kafka has both
	for name, tc := range map[string]struct {
		need    lesson.Need
		missing string
	}{
		"a Kafka that is not embedded":   {lesson.RealKafka(text("why")), "real-kafka"},
		"the compose stack":              {lesson.Compose(text("why")), "compose"},
		"a profile of the compose stack": {lesson.ComposeProfile("cdc"), "profile-cdc"},
		"a command that is there":        {lesson.Binary("sh"), ""},
		"a command that is not":          {lesson.Binary("no-such-command-here", text("install it")), "binary-no-such-command-here"},
		"a request that brokers know":    {lesson.BrokerAPI(produce, 9, text("why")), ""},
		"in a version that none knows":   {lesson.BrokerAPI(produce, 999, text("why")), "api-0-v999"},
		"a request that none knows":      {lesson.BrokerAPI(9999, 0, text("why")), "api-9999-v0"},
		"a Kafka of its own":             {lesson.Exclusive(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var skipped *event.Event
			result, err := lessontest.Play(t, claims("needy", tc.need), lesson.Options{Emit: func(e event.Event) {
				if e.Type == event.Skipped {
					skipped = &e
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if tc.missing == "" {
				if !result.Passed || result.Skipped != nil || skipped != nil {
					t.Errorf("result %+v", result)
				}
				return
			}
			if result.Passed || result.Skipped == nil || len(result.Variants) > 0 || skipped == nil {
				t.Fatalf("result %+v", result)
			}
			m := result.Skipped
			if m.Need != tc.missing || skipped.Need != tc.missing || *skipped.Text != m.Why || m.Why.EN == "" || m.Why.KO == "" || len(m.Solve) == 0 {
				t.Errorf("missing %+v, told as %+v", m, skipped)
			}
		})
	}
}

// A lesson that needs a MySQL is skipped where none answers. One that was named in a way that cannot be read is a mistake.
func TestNeedsMySQL(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a MySQL")
	}
	opts := startShared(t)
	t.Setenv("MYSQL_DSN", "ann:secret@tcp(127.0.0.1:1)/campus")
	result, err := lesson.Play(t.Context(), claims("needy", lesson.MySQL()), opts)
	if err != nil || result.Skipped == nil || result.Skipped.Need != "mysql" {
		t.Fatalf("result %+v, error %v", result, err)
	}
	for _, said := range []string{result.Skipped.Why.EN, result.Skipped.Why.KO} {
		if !strings.Contains(said, "127.0.0.1:1") || strings.Contains(said, "secret") {
			t.Errorf("it says %q", said)
		}
	}
	t.Setenv("MYSQL_DSN", "nonsense")
	if result, err := lesson.Play(t.Context(), claims("needy", lesson.MySQL()), opts); remedy.ExitCode(err) != problem.ExitUsage {
		t.Errorf("result %+v, error %v", result, err)
	}
}

// Whether it is the embedded Kafka does not depend on how it was found.
func TestEmbedded(t *testing.T) {
	asked := claims("asked")
	asked.Run = func(r *lesson.Run) {
		r.Claim("embedded", text("it is"), lesson.Check{OK: r.Embedded(), Evidence: "-"})
	}
	lessontest.Pass(t, asked)
	opts := startShared(t)
	if result, err := lesson.Play(t.Context(), asked, opts); err != nil || !result.Passed {
		t.Errorf("named in KAFKA_BROKERS: %+v, %v", result, err)
	}
}

// A lesson that stops brokers does not start beside another run on the same cluster, and no other beside it.
func TestExclusive(t *testing.T) {
	opts := startShared(t)
	play := func(l lesson.Lesson, during func()) lesson.Result {
		t.Helper()
		o := opts
		if during != nil {
			o.Keep = func(context.Context, stack.Kafka) error { during(); return nil }
		}
		result, err := lesson.Play(t.Context(), l, o)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	ordinary, alone := claims("ordinary"), claims("stops-brokers", lesson.Exclusive())
	refused := func(l lesson.Lesson, because string) {
		t.Helper()
		result := play(l, nil)
		if result.Skipped == nil || result.Skipped.Need != "exclusive" || !strings.Contains(result.Skipped.Why.EN, because) || !strings.Contains(result.Skipped.Why.KO, because) {
			t.Errorf("%s beside %s: %+v", l.Name, because, result.Skipped)
		}
	}
	passed := func(l lesson.Lesson, during func()) {
		t.Helper()
		if result := play(l, during); !result.Passed {
			t.Errorf("%s: %+v", l.Name, result)
		}
	}
	passed(ordinary, func() {
		passed(ordinary, nil) // two of these share it
		refused(alone, "ordinary (r")
	})
	passed(alone, func() {
		refused(ordinary, "stops-brokers (r")
		refused(alone, "stops-brokers (r")
		own := opts
		own.Stack = stack.Own // another cluster
		if result, err := lesson.Play(t.Context(), alone, own); err != nil || !result.Passed {
			t.Errorf("on a cluster of its own: %+v, %v", result, err)
		}
	})
	passed(alone, nil)
}
