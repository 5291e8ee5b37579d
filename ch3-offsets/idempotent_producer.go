package ch3

import (
	"fmt"

	"kafkahandson/internal/lesson"
)

// IdempotentProducer is ch3-idempotent-producer.
func IdempotentProducer() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-idempotent-producer",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: plainProducer, Title: lesson.Text{EN: "acks=all and retries, not idempotent: the wrong way", KO: "acks=all과 재시도, 멱등하지 않음: 잘못된 방법"}},
			{Name: withIdempotence, Title: lesson.Text{EN: "the same, idempotent", KO: "같은 설정에 멱등성만 추가"}},
		},
		Programs: []string{"ch3-offsets/idempotent-producer", "ch3-offsets/reader"},
		Run:      idempotentProducer,
	}
}

const (
	plainProducer   = "plain"
	withIdempotence = "idempotent"
)

func idempotentProducer(r *lesson.Run) {
	topic, group := r.Topic("my-json-topic", 1), r.Group("test-consumer-group")
	account := r.Account(topic, group)
	idempotent := r.Variant == withIdempotence
	lostAck := crashAt // the record whose acknowledgement is lost

	// A proxy between the producer and each broker. The producer sends one record a request.
	network := r.AckLoser()
	defer network.Close()
	network.LoseAcks(lostAck-1, 1)

	r.Step(lesson.Text{EN: "Send %d greetings; the connection breaks when the broker has stored #%d, before its acknowledgement gets back", KO: "인사말 %d개를 보냅니다. 브로커가 #%d 레코드를 저장하고 확인 응답이 돌아오기 전에 연결이 끊깁니다"}.With(records, lostAck))
	r.Program("ch3-offsets/idempotent-producer", "-topic", topic, fmt.Sprintf("-idempotent=%t", idempotent)).Through(network.Proxy).Run()

	r.Claim("one-ack-lost", lesson.Text{EN: "one acknowledgement was lost on the way", KO: "확인 응답 하나가 도중에 유실되었습니다"}, lesson.Equal(network.Lost(), 1))
	r.Claim("believed-sent", lesson.Text{EN: "the producer believes that it sent %d records", KO: "프로듀서는 레코드 %d개를 보냈다고 믿습니다"}.With(records), lesson.Equal(len(account.Produced()), records))
	r.Claim("believed-once", lesson.Text{EN: "each of them once", KO: "한 번씩만 보냈다고 믿습니다"}, lesson.Equal(account.Produced().Distinct(), records))

	r.Step(lesson.Text{EN: "Read what is in the topic", KO: "토픽에 무엇이 들어 있는지 읽습니다"})
	r.Program("ch3-offsets/reader", "-topic", topic, "-group", group).RunUntilCaughtUp(topic, group)

	twice := account.Handled().Repeated()
	r.Claim("nothing-lost", lesson.Text{EN: "nothing is missing", KO: "빠진 레코드는 없습니다"}, lesson.Equal(len(account.Lost()), 0))
	if idempotent {
		r.Claim("stored-count", lesson.Text{EN: "the topic holds %d records", KO: "토픽에 있는 레코드는 %d개입니다"}.With(records), lesson.Equal(r.Stored(topic), records))
		r.Claim("none-stored-twice", lesson.Text{EN: "none is stored twice", KO: "두 번 저장된 레코드는 없습니다"}, lesson.Equal(len(twice), 0))
		return
	}
	r.Claim("stored-count", lesson.Text{EN: "the topic holds %d records", KO: "토픽에 있는 레코드는 %d개입니다"}.With(records+1), lesson.Equal(r.Stored(topic), records+1))
	r.Claim("twice-is-unacknowledged", lesson.Text{EN: "the one that is stored twice is the one whose acknowledgement was lost", KO: "두 번 저장된 것은 확인 응답이 유실된 바로 그 레코드입니다"},
		lesson.SameRecords(twice, account.Produced().After(lostAck-1).First(1)))
}
