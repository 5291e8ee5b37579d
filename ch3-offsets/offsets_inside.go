package ch3

import (
	"slices"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/lesson"
)

// OffsetsInside is ch3-offsets-inside.
func OffsetsInside() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-offsets-inside",
		Title: lesson.Text{EN: "Where committed offsets live", KO: "커밋된 오프셋이 사는 곳"},
		Predict: lesson.Text{
			EN: "A group reads 30 records from three partitions and commits after each of them. Where does Kafka write that down: does it keep three numbers, or thirty? And what is left of them when the group is deleted?",
			KO: "한 그룹이 파티션 세 개에서 레코드 30개를 읽으면서 하나마다 커밋합니다. Kafka는 그것을 어디에 적어 둘까요? 남는 숫자는 세 개일까요, 서른 개일까요? 그룹을 삭제하면 그 가운데 무엇이 남을까요?",
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/manual-commit", "ch3-offsets/offsets-inside"},
		Run:      offsetsInside,
		Why: lesson.Text{
			EN: "Kafka's memory of a group is a topic like yours: a commit is a record in __consumer_offsets, with group, topic and partition as its key and the next offset to read as its value. Only the last record of a key counts, and compaction removes the others in time, so it stays small however often you commit; but each commit is a write to every replica, which is why commits are not free. Nothing can be taken out of a log, so deleting a group appends a record with the same key and no value, a tombstone: from then on the broker has forgotten, while the old records stay until compaction comes by.",
			KO: "Kafka가 그룹을 기억하는 곳도 여러분의 토픽과 똑같은 토픽입니다. 커밋은 __consumer_offsets에 쓰는 레코드 하나이고, 키는 그룹·토픽·파티션, 값은 다음에 읽을 오프셋입니다. 같은 키에서는 마지막 레코드만 유효하고 나머지는 때가 되면 컴팩션이 지우므로 아무리 자주 커밋해도 크기는 작게 유지됩니다. 그래도 커밋마다 모든 복제본에 쓰기 때문에 공짜는 아닙니다. 로그에서는 아무것도 빼낼 수 없으므로, 그룹을 삭제하면 같은 키에 값이 없는 레코드, 즉 툼스톤을 덧붙입니다. 그때부터 브로커는 잊어버리고, 옛 레코드는 컴팩션이 올 때까지 남아 있습니다.",
		},
		Read: "ch3-offsets/offsets-inside/decode.go, decode",
		Java: "chapter4/clip5, kafka-consumer-groups --describe",
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
