package ch3

import (
	"slices"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/lesson"
)

// OffsetsInside is ch3-offsets-inside.
func OffsetsInside() lesson.Lesson {
	return lesson.Lesson{
		Name:     "ch3-offsets-inside",
		Texts:    texts,
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/manual-commit", "ch3-offsets/offsets-inside"},
		Run:      offsetsInside,
		Needs: []lesson.Need{lesson.RealKafka(lesson.Text{
			EN: "it needs the compose stack (make up): the embedded Kafka does not keep offsets in a topic, so there is no __consumer_offsets to look into",
			KO: "compose 스택(make up)이 필요합니다. 내장 Kafka는 오프셋을 토픽에 보관하지 않아서 들여다볼 __consumer_offsets가 없습니다",
		})},
	}
}

func offsetsInside(r *lesson.Run) {
	topic, group := r.Topic("my-json-topic", 3), r.Group("test-consumer-group")
	r.Account(topic, group)
	r.Step(lesson.Text{EN: "Send %d greetings to three partitions", KO: "인사말 %d개를 파티션 세 개에 보냅니다"}.With(records))
	r.Program("ch3-offsets/producer", "-topic", topic).Run()

	r.Step(lesson.Text{EN: "Consume them and commit after each", KO: "소비하면서 하나마다 커밋합니다"})
	r.Program("ch3-offsets/manual-commit", "-topic", topic, "-group", group, "-commit", perRecord).RunUntilCaughtUp(topic, group)
	committed := r.Committed(group, topic)

	r.Step(lesson.Text{EN: "Read Kafka's own memory: the group's partition of __consumer_offsets", KO: "Kafka의 기억을 들여다봅니다. __consumer_offsets에서 이 그룹을 맡은 파티션을 읽습니다"})
	look := func() []observation.OffsetFound {
		found := lesson.Observed[observation.OffsetFound](r.Program("ch3-offsets/offsets-inside", "-group", group).Run())
		return slices.DeleteFunc(found, func(o observation.OffsetFound) bool { return o.Group != group || o.Topic != topic })
	}
	found := look()
	// sarama commits what all partitions have marked and not yet seen committed, so an offset may be there twice.
	r.Claim("each-offset-once", lesson.Text{EN: "each of the %d offsets that were committed is there, in a record of its own", KO: "커밋한 오프셋 %d개가 저마다 레코드로 남아 있습니다"}.With(records), lesson.Equal(different(found), records))
	r.Claim("last-is-the-answer", lesson.Text{EN: "the last record of each partition says what the broker answers when it is asked for the offsets (OffsetFetch)", KO: "파티션마다 마지막 레코드의 값은, 브로커에게 오프셋을 물었을 때(OffsetFetch) 돌아오는 답과 같습니다"},
		lesson.SameOffsets(last(topic, found), committed))

	r.Step(lesson.Text{EN: "Delete the group", KO: "그룹을 삭제합니다"})
	before := r.Stored(offsetsTopic)
	r.Must(r.Admin().DeleteGroup(r.Context(), group))
	r.WaitStored(offsetsTopic, before+len(committed.At)) // tombstones are records, too
	forgotten := lesson.Offsets{Topic: topic, At: map[int32]int64{}}
	for partition := range committed.At {
		forgotten.At[partition] = observation.Forgotten
	}
	r.Claim("broker-has-forgotten", lesson.Text{EN: "asked for the offsets, the broker knows none any more", KO: "오프셋을 물으면 브로커는 이제 아무것도 모릅니다"},
		lesson.SameOffsets(r.Committed(group, topic), forgotten))

	r.Step(lesson.Text{EN: "Read its memory again", KO: "Kafka의 기억을 다시 읽습니다"})
	r.Claim("last-is-a-tombstone", lesson.Text{EN: "the last record of each partition is a tombstone", KO: "파티션마다 마지막 레코드는 툼스톤입니다"},
		lesson.SameOffsets(last(topic, look()), forgotten))
}

// different is how many different offsets of partitions were found.
func different(found []observation.OffsetFound) int {
	set := map[observation.OffsetFound]bool{}
	for _, o := range found {
		set[o] = true
	}
	return len(set)
}

// last are the offsets that were found last, by partition.
func last(topic string, found []observation.OffsetFound) lesson.Offsets {
	offsets := lesson.Offsets{Topic: topic, At: map[int32]int64{}}
	for _, o := range found {
		offsets.At[o.Partition] = o.Offset
	}
	return offsets
}

// offsetsTopic is where Kafka keeps the offsets of groups.
const offsetsTopic = "__consumer_offsets"
