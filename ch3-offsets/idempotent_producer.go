package ch3

import (
	"fmt"

	"kafkahandson/internal/lesson"
)

// IdempotentProducer is ch3-idempotent-producer.
func IdempotentProducer() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-idempotent-producer",
		Title: lesson.Text{EN: "Produce without duplicates", KO: "멱등 프로듀서"},
		Predict: lesson.Text{
			EN: "A producer sends 30 records. The broker stores record 15, and the connection breaks before the acknowledgement gets back. The producer cannot know, so it sends the record again. How many records are in the topic in the end? And if the producer is idempotent?",
			KO: "프로듀서가 레코드 30개를 보냅니다. 브로커가 15번째 레코드를 저장했는데, 확인 응답(ack)이 돌아오기 전에 연결이 끊깁니다. 프로듀서는 저장되었는지 알 수 없으니 다시 보냅니다. 마지막에 토픽에는 레코드가 몇 개 있을까요? 프로듀서가 멱등하다면?",
		},
		Variants: []lesson.Variant{
			{Name: plainProducer, Title: lesson.Text{EN: "acks=all and retries, not idempotent: the wrong way", KO: "acks=all과 재시도, 멱등하지 않음: 잘못된 방법"}},
			{Name: withIdempotence, Title: lesson.Text{EN: "the same, idempotent", KO: "같은 설정에 멱등성만 추가"}},
		},
		Programs: []string{"ch3-offsets/idempotent-producer", "ch3-offsets/reader"},
		Run:      idempotentProducer,
		Why: lesson.Text{
			EN: "No answer can mean that the record was lost or that only the answer was lost, and a producer that wants to lose nothing must send again. An idempotent producer gets an id from the broker and numbers its batches for each partition; the broker sees that it has number 14 of this producer already, stores nothing and acknowledges with the offset it has. The id lives in the producer's memory, so this covers its own retries only: an application that sends the same record again, or restarts and sends it again, sends a new one.",
			KO: "응답이 없다는 것은 레코드가 유실되었다는 뜻일 수도 있고 응답만 유실되었다는 뜻일 수도 있어서, 아무것도 잃지 않으려는 프로듀서는 다시 보낼 수밖에 없습니다. 멱등 프로듀서는 브로커에게서 ID를 받고 파티션마다 배치에 번호를 붙입니다. 브로커는 이 프로듀서의 14번이 이미 있다는 것을 알아보고, 저장하지 않은 채 원래 오프셋으로 확인해 줍니다. 이 ID는 프로듀서의 메모리에만 있으므로 프로듀서 자신의 재시도에만 효과가 있습니다. 애플리케이션이 같은 레코드를 다시 보내거나 재시작한 뒤 다시 보내면 새 레코드입니다.",
		},
		Read: "ch3-offsets/idempotent-producer/main.go, config.Producer.Idempotent",
		Java: "chapter4/clip6, enable.idempotence=true",
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
	network := r.Proxy()
	defer network.Close()
	network.LoseAcks(lostAck-1, 1)

	r.Step(lesson.Text{EN: "Send %d greetings; the connection breaks when the broker has stored #%d, before its acknowledgement gets back", KO: "인사말 %d개를 보냅니다. 브로커가 #%d 레코드를 저장하고 확인 응답이 돌아오기 전에 연결이 끊깁니다"}.With(records, lostAck))
	r.Program("ch3-offsets/idempotent-producer", "-topic", topic, fmt.Sprintf("-idempotent=%t", idempotent)).Through(network).Run()

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
