package lesson_test

import (
	"testing"

	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/lesson/testdata/shape"
)

// A lesson cuts its programs off from Kafka, or from MySQL, and lets them back.
func TestCutOff(t *testing.T) {
	t.Parallel()
	const api = "internal/lesson/testdata/api"
	result, err := lessontest.Play(t, lesson.Lesson{
		Name: "cut-off", Programs: []string{producer, api}, Needs: []lesson.Need{lesson.MySQL()},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 1)
			brokers, database := r.Proxy(), r.MySQLProxy()
			defer brokers.Close()
			defer database.Close()
			server := r.Program(api, "-changes", topic, "-audit", topic).Through(brokers).Through(database).Start()
			at := lesson.WaitObserved[shape.Listening](server).Addr
			r.Claim("one", text("a row"), lesson.Equal(post(r, at, "e1", "Jiwoo"), 0))
			database.Cut(faultproxy.Refuse)
			r.Claim("refused", text("none without a database"), lesson.Equal(post(r, at, "e2", "Mina"), 1))
			database.Restore()
			r.Claim("two", text("and another one"), lesson.Equal(post(r, at, "e3", "Omar"), 0))
			server.Stop()
			var rows []shape.Row
			r.Must(r.Database().Find(&rows).Error)
			r.Claim("rows", text("two rows"), lesson.Equal(len(rows), 2))

			stored := r.Stored(topic)
			brokers.Cut(faultproxy.Refuse)
			send := func() *lesson.Process { return r.Program(producer, "-topic", topic).Through(brokers).Start() }
			exitCode, _ := send().WaitFailed()
			r.Claim("cut", text("nothing gets through"), lesson.Equal(exitCode, 3))
			r.Claim("nothing-stored", text("nothing is stored"), lesson.Equal(r.Stored(topic), stored))
			brokers.Restore()
			send().Wait()
			r.Claim("restored", text("as before"), lesson.Equal(r.Stored(topic), stored+30))
		},
	}, lesson.Options{})
	lessontest.Need(t, result, err)
	if failed := lessontest.Failed(result.Variants[0]); len(failed) > 0 || !result.Passed {
		t.Errorf("claims that failed: %v", failed)
	}
}
