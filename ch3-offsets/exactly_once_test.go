package ch3_test

import (
	"math"
	"testing"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

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
			reader.WaitHandled(r.Produced().As(to))
			reader.Stop()
			r.Claim("each-once", i18n.Verbatim("each answer is there once"), lesson.SameRecords(r.Handled(), r.Produced().As(to)))
		}
		return answering, check
	})
}

// A transaction that fails is aborted at once, so that readers need not wait until it times out.
func TestExactlyOnceAborts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		fenced int
		fail   func(r *lesson.Run, answering *lesson.Command) *lesson.Process
	}{
		{
			// Nobody has taken over yet, so the epoch of the transactional id is still good. The generation is not.
			name: "of a member that the group has given up", fenced: 1,
			fail: func(_ *lesson.Run, answering *lesson.Command) *lesson.Process {
				p := answering.HoldAt("after-send", 15).Start()
				p.WaitHeld()
				p.Freeze() // and out of the group
				p.Resume()
				return p
			},
		},
		{
			name: "when no acknowledgement arrives",
			fail: func(r *lesson.Run, answering *lesson.Command) *lesson.Process {
				network := r.AckLoser()
				t.Cleanup(network.Close)
				p := answering.Through(network.Proxy).HoldAt("after-send", 14).Start()
				p.WaitHeld()
				network.LoseAcks(0, math.MaxInt)
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
					failed := tc.fail(r, r.Program(exactlyOnce, "-from", from, "-to", to, "-group", group))
					exitCode, _ := failed.WaitFailed()
					stable, err := r.Admin().LastStable(r.Context(), to, 0)
					r.Must(err)
					r.Claim("gives-up", i18n.Verbatim("it gives up"), lesson.Equal(exitCode, 1))
					r.Claim("fenced", i18n.Verbatim("fenced off"), lesson.Equal(len(lesson.Observed[observation.Fenced](failed)), tc.fenced))
					r.Claim("not-committed", i18n.Verbatim("what it did not commit is not committed"), lesson.Equal(int(r.Committed(group, from).At[0]), 14))
					r.Claim("aborted", i18n.Verbatim("15 answers, and a marker after each"), lesson.Equal(r.Stored(to), 30))
					r.Claim("read-to-end", i18n.Verbatim("read_committed reads up to the end"), lesson.Equal(int(stable), 30))
				},
			})
		})
	}
}
