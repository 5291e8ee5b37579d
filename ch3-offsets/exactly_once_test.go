package ch3_test

import (
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// The numbers that a student is asked to predict.
func TestExactlyOnceAnswersOnce(t *testing.T) {
	t.Parallel()
	result := lessontest.Pass(t, ch3.ExactlyOnce())
	want := map[string]int{"at-least-once": 1, "transactions": 0, "zombie": 0}
	for _, v := range result.Variants {
		if v.Counts.Duplicated != want[v.Name] || v.Counts.Lost != 0 || v.Counts.Distinct != 31 || v.Counts.Committed[0] != 31 {
			t.Errorf("%s: %+v, want %d duplicated, 0 lost of 31", v.Name, v.Counts, want[v.Name])
		}
	}
}

const exactlyOnce = "ch3-offsets/exactly-once"

// A rebalance in the middle of a transaction is no error, and no reason to answer twice.
func TestExactlyOnceGoesOnAfterARebalance(t *testing.T) {
	t.Parallel()
	passAfterRebalance(t, lesson.Lesson{
		Name: "test-rebalance-exactly-once", Programs: []string{"ch3-offsets/producer", exactlyOnce, "ch3-offsets/reader"},
	}, 100, "after-send", func(r *lesson.Run, from, group string) (answering func(client string) *lesson.Command, check func()) {
		to, readers := r.Topic("my-second-topic", 1), r.Group("reader-group")
		answering = func(client string) *lesson.Command {
			return r.Program(exactlyOnce, "-from", from, "-to", to, "-group", group, "-client-id", client)
		}
		check = func() {
			reader := r.Program("ch3-offsets/reader", "-topic", to, "-group", readers, "-isolation", "read_committed").Start()
			reader.WaitHandled(r.Produced())
			reader.Stop()
			r.Claim(lesson.Text{EN: "each answer is there once"}, lesson.SameRecords(r.Handled(), r.Produced()))
		}
		return answering, check
	})
}

// A transaction that fails is aborted at once, so that readers need not wait until it times out.
func TestExactlyOnceAborts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fenced int
		fail   func(r *lesson.Run, to string, answering *lesson.Command) *lesson.Process
	}{
		{
			// Nobody has taken over yet, so the epoch of the transactional id is still good. The generation is not.
			name: "of a member that the group has given up", fenced: 1,
			fail: func(_ *lesson.Run, _ string, answering *lesson.Command) *lesson.Process {
				p := answering.HoldAt("after-send", 15).Start()
				p.WaitHeld()
				p.Freeze() // and out of the group
				p.Resume()
				return p
			},
		},
		{
			name: "when no acknowledgement arrives",
			fail: func(r *lesson.Run, to string, answering *lesson.Command) *lesson.Process {
				p := answering.HoldAt("after-send", 14).Start()
				p.WaitHeld()
				_, err := r.Control().Inject(r.Context(), embedded.Fault{Kind: embedded.DropAck, Topic: to})
				r.Must(err)
				p.Resume()
				return p
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			lessontest.Pass(t, lesson.Lesson{
				Name: "test-abort", Programs: []string{"ch3-offsets/producer", exactlyOnce},
				Run: func(r *lesson.Run) {
					from, to := r.Topic("my-json-topic", 1), r.Topic("my-second-topic", 1)
					group := r.Group("test-consumer-group")
					r.Program("ch3-offsets/producer", "-topic", from).Run()
					failed := tc.fail(r, to, r.Program(exactlyOnce, "-from", from, "-to", to, "-group", group))
					exitCode, _ := failed.WaitFailed()
					stable, err := r.Admin().LastStable(r.Context(), to, 0)
					r.Must(err)
					r.Claim(lesson.Text{EN: "it gives up"}, lesson.Equal(exitCode, 1))
					r.Claim(lesson.Text{EN: "fenced off"}, lesson.Equal(failed.Reported(event.Fenced), tc.fenced))
					r.Claim(lesson.Text{EN: "what it did not commit is not committed"}, lesson.Equal(int(r.Committed(group, from)[0]), 14))
					r.Claim(lesson.Text{EN: "15 answers, and a marker after each"}, lesson.Equal(r.Stored(to), 30))
					r.Claim(lesson.Text{EN: "read_committed reads up to the end"}, lesson.Equal(int(stable), 30))
				},
			})
		})
	}
}
