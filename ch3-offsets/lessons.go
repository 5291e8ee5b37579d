// Package ch3 holds the lessons about offsets: who remembers how far a consumer has come, and what that memory is
// worth when the power fails.
package ch3

import (
	"embed"

	"kafkahandson/internal/lesson"
)

//go:embed text README.md README.ko.md
var texts embed.FS

// Chapter returns chapter 3, its lessons in the order of the lectures.
func Chapter() lesson.Chapter {
	return lesson.Chapter{
		Number: 3,
		Title:  lesson.Text{EN: "Offsets", KO: "오프셋"},
		Folder: "ch3-offsets",
		Lessons: []lesson.Lesson{
			AutoCommit(), ManualCommit(), OffsetReset(), OffsetsInside(), IdempotentProducer(), IdempotentConsumer(),
			Throughput(), ProducerTuning(), Rebalance(), ExactlyOnce(),
		},
	}
}

// records is how many greetings a lesson sends; crashAt is the one during which the consumer dies: in the middle, and
// not where a batch of ten ends.
const (
	records = 30
	crashAt = 15
)

// send produces the greetings and claims that all of them are stored. One partition gives all records one order, so
// that a student can predict a number.
func send(r *lesson.Run) (topic string) {
	topic = r.Topic("my-json-topic", 1)
	r.Step(lesson.Text{EN: "Send %d greetings", KO: "인사말 %d개를 보냅니다"}.With(records))
	r.Program("ch3-offsets/producer", "-topic", topic).Run()
	r.Claim("acknowledged", lesson.Text{EN: "the broker acknowledged all %d", KO: "브로커가 %d개를 모두 확인해 주었습니다"}.With(records), lesson.Equal(len(r.Produced().Of(topic)), records))
	r.Claim("stored-once", lesson.Text{EN: "and has stored each of them once", KO: "그리고 한 번씩만 저장했습니다"}, lesson.Equal(r.Stored(topic), records))
	return topic
}
