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

// What a topic holds can be waited for, read back, and weighed.
func TestStored(t *testing.T) {
	t.Parallel()
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
