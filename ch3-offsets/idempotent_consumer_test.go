package ch3_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// A rebalance in the middle of the work is no error, and no reason to do anything twice.
func TestIdempotentConsumerGoesOnAfterARebalance(t *testing.T) {
	t.Parallel()
	const name, messages = "ch3-offsets/idempotent-consumer", 300
	passAfterRebalance(t, lesson.Lesson{
		Name: "test-rebalance-idempotent", Programs: []string{"ch3-offsets/producer", name}, Needs: []lesson.Need{lesson.MySQL()},
	}, messages, "after-handle", func(r *lesson.Run, topic, group string) (consumer func(client string) *lesson.Command, check func()) {
		consumer = func(client string) *lesson.Command {
			return r.Program(name, "-topic", topic, "-group", group, "-client-id", client)
		}
		check = func() {
			for _, table := range []string{"consumed_messages", "welcomes"} {
				var rows int64
				r.Must(r.Database().Table(table).Count(&rows).Error)
				r.Claim(strings.ReplaceAll(table, "_", "-"), i18n.Verbatim(table), lesson.Equal(int(rows), messages))
			}
		}
		return consumer, check
	})
}

// passAfterRebalance runs a lesson: two consumers of one group, the second of which comes while the first has a record
// in hand, at a crash point, and hundreds more in its buffer. Both must go on to the end; then check looks at what they
// did.
func passAfterRebalance(t *testing.T, l lesson.Lesson, messages int, point string,
	prepare func(r *lesson.Run, topic, group string) (consumer func(client string) *lesson.Command, check func()),
) {
	t.Helper()
	over := make(chan struct{}) // the first one's session is over: it has given up the partition that has no records
	giveUp := sync.OnceFunc(func() { close(over) })
	l.Run = func(r *lesson.Run) {
		topic := r.Topic("my-json-topic", 1)
		r.Program("ch3-offsets/producer", "-topic", topic, "-count", fmt.Sprint(messages)).Run()
		r.Must(r.Admin().AddPartitions(r.Context(), topic, 2))
		group := r.Group("test-consumer-group")
		consumer, check := prepare(r, topic, group)

		first := consumer("A").HoldAt(point, 20).Start()
		first.WaitHeld()
		second := consumer("B").Start()
		select {
		case <-over:
		case <-r.Context().Done():
			r.Must(r.Context().Err())
		}
		first.Resume()
		r.WaitOwners(map[string]int{"A": 1, "B": 1})
		r.WaitCommitted(group, topic, 0, int64(messages))
		first.Kill() // a program that was held may only end so
		second.Stop()
		check()
	}
	result, err := lessontest.Play(t, l, lesson.Options{Emit: func(e event.Event) {
		if e.Type == event.Released && e.Assignment.Client == "A" {
			giveUp()
		}
	}})
	lessontest.Need(t, result, err)
	for id, evidence := range lessontest.Failed(result.Variants[0]) {
		t.Errorf("%s: %s", id, evidence)
	}
	if !result.Passed {
		t.Error("the verdict is not PASS")
	}
}
