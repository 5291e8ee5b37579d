package lesson_test

import (
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

func TestLess(t *testing.T) {
	for _, tc := range []struct {
		got, than int
		ok        bool
		evidence  string
	}{{1, 2, true, "1 < 2"}, {2, 2, false, "2 ≥ 2"}, {3, 2, false, "3 ≥ 2"}} {
		if c := lesson.Less(tc.got, tc.than); c.OK != tc.ok || c.Evidence != tc.evidence {
			t.Errorf("Less(%d, %d) = %+v", tc.got, tc.than, c)
		}
	}
}

// What a topic holds can be waited for, read back, and weighed.
func TestStored(t *testing.T) {
	lessontest.Pass(t, lesson.Lesson{
		Name: "stored", Programs: []string{producer},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 3)
			r.Claim("empty", text("empty"), lesson.Equal(len(r.ReadBack(topic, greetingID))+r.LogBytes(topic), 0))
			r.WaitStored(topic, 0)
			send := r.Program(producer, "-topic", topic, "-count", "100").Start()
			r.WaitStored(topic, 100)
			send.Wait()
			back := r.ReadBack(topic, greetingID)
			r.Claim("same", text("it holds what was sent"), lesson.SameRecords(back, r.Produced()))
			r.Claim("weight", text("and weighs something"), lesson.Less(100*61, r.LogBytes(topic)))
		},
	})
}

func TestWaitStoredSaysHowFarItIs(t *testing.T) {
	_, err := lessontest.Play(t, lesson.Lesson{
		Name: "waiting", Programs: []string{producer},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 1)
			r.Program(producer, "-topic", topic).Run()
			r.WaitStored(topic, 31)
		},
	}, lesson.Options{Timeout: time.Second})
	var wait *lesson.WaitError
	if !errors.As(err, &wait) || wait.End != lesson.TimedOut || wait.State != "30/31" {
		t.Errorf("error %v", err)
	}
}

// greetingID is the id of the greeting in a record.
func greetingID(m *sarama.ConsumerMessage) (string, error) {
	g, err := greeting.Decode(m.Value)
	return g.MessageID(), err
}

func TestSameOffsets(t *testing.T) {
	of := func(topic string, at map[int32]int64) lesson.Offsets { return lesson.Offsets{Topic: topic, At: at} }
	for _, tc := range []struct {
		got, want lesson.Offsets
		ok        bool
		evidence  string
	}{
		{of("t", map[int32]int64{0: 3, 1: -1}), of("t", map[int32]int64{1: -1, 0: 3}), true, "p0=3 p1=–"},
		{of("t", map[int32]int64{0: 3}), of("t", map[int32]int64{0: 4}), false, "p0=3 ≠ p0=4"},
		{of("t", map[int32]int64{0: 3}), of("u", map[int32]int64{0: 3}), false, "t p0=3 ≠ u p0=3"},
		{of("t", nil), of("t", map[int32]int64{0: -1}), false, "– ≠ p0=–"}, // nothing was found, and that is not a tombstone
	} {
		if c := lesson.SameOffsets(tc.got, tc.want); c.OK != tc.ok || c.Evidence != tc.evidence {
			t.Errorf("SameOffsets(%v, %v) = %+v", tc.got, tc.want, c)
		}
	}
}
