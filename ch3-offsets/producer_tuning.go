package ch3

import (
	"strconv"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/lesson"
)

// ProducerTuning is ch3-producer-tuning.
func ProducerTuning() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-producer-tuning",
		Title: lesson.Text{EN: "Make the producer fast", KO: "프로듀서 빠르게 만들기"},
		Predict: lesson.Text{
			EN: "Greetings are sent in eight ways, and all of them arrive each time. How many times faster is it not to wait for each record? How much room does a record take on disk when the producer compresses it, and how much when each record travels alone?",
			KO: "인사말을 여덟 가지 방법으로 보내고, 매번 모두 도착합니다. 레코드마다 기다리지 않으면 몇 배나 빨라질까요? 프로듀서가 압축하면 레코드 하나가 디스크를 얼마나 차지할까요? 레코드를 하나씩 따로 보낼 때는요?",
		},
		Variants: []lesson.Variant{
			{Name: "sync", Title: lesson.Text{EN: "wait for each record's acknowledgement", KO: "레코드마다 확인 응답(ack)을 기다리기"}},
			{Name: "async", Title: lesson.Text{EN: "do not wait: what gathers while a request is on its way goes with the next", KO: "기다리지 않기: 요청이 오가는 동안 모인 것은 다음 요청에 함께 보냄"}},
			{Name: "linger", Title: lesson.Text{EN: "gather for 5 ms, or until 64 KiB are together (linger.ms, batch.size)", KO: "5ms 동안, 또는 64KiB가 될 때까지 모으기 (linger.ms, batch.size)"}},
			{Name: "gzip", Title: lesson.Text{EN: "linger, and compress each batch with gzip", KO: "모아서 배치마다 gzip으로 압축"}},
			{Name: "snappy", Title: lesson.Text{EN: "linger, and compress each batch with snappy", KO: "모아서 배치마다 snappy로 압축"}},
			{Name: "lz4", Title: lesson.Text{EN: "linger, and compress each batch with lz4", KO: "모아서 배치마다 lz4로 압축"}},
			{Name: "zstd", Title: lesson.Text{EN: "linger, and compress each batch with zstd", KO: "모아서 배치마다 zstd로 압축"}},
			{Name: "acks-1", Title: lesson.Text{EN: "linger, and be content when the leader has it (acks=1): not idempotent any more", KO: "모아서 보내고 리더만 저장하면 성공으로 보기 (acks=1): 더는 멱등하지 않음"}},
		},
		Programs: []string{"ch3-offsets/producer-tuning"},
		Run:      producerTuning,
		Why: lesson.Text{
			EN: "A request costs a round trip whether it carries one record or a thousand, so a producer is fast when it does not wait for each record: sarama then sends together whatever has gathered while a request was on its way, and linger gathers more on purpose, which helps most where records trickle in. Batches are compressed as a whole and stored as they came, so the saving counts in the network, on every replica's disk and for every consumer (30 texts again and again are kinder to a codec than your data will be), while a record that travels alone drags a batch header of 61 bytes along. acks=1 spares the wait for the followers, and its price is not in the table: what only the leader had is lost with the leader, and without idempotence a retry may store a record twice. Before you choose a codec by its rate, run it again: the fast ways differ by how busy this computer is, too.",
			KO: "요청 한 번은 레코드를 하나 싣든 천 개 싣든 왕복 한 번의 비용이 듭니다. 그래서 레코드마다 기다리지 않아야 빠릅니다. 그러면 sarama는 요청이 오가는 동안 모인 것을 함께 보내고, linger는 일부러 더 모읍니다. linger는 레코드가 띄엄띄엄 들어올 때 특히 도움이 됩니다. 배치는 통째로 압축되고 받은 그대로 저장되므로 네트워크에서도, 모든 복제본의 디스크에서도, 모든 컨슈머에서도 절약됩니다(같은 글 30개가 반복되니 실제 데이터보다 훨씬 잘 압축됩니다). 반면에 혼자 가는 레코드에는 61바이트짜리 배치 헤더가 매번 붙습니다. acks=1은 팔로워를 기다리는 시간을 아끼지만 그 대가는 표에 나오지 않습니다. 리더만 가지고 있던 레코드는 리더와 함께 사라지고, 멱등성이 없으니 재시도하면 같은 레코드가 두 번 저장될 수 있습니다. 속도만 보고 코덱을 고르기 전에 한 번 더 실행해 보세요. 빠른 방법들끼리의 차이에는 지금 이 컴퓨터가 얼마나 바쁜지도 섞여 있습니다.",
		},
		Read: "ch3-offsets/producer-tuning/main.go, run",
		Java: "chapter4/clip8, application.yml: linger.ms, batch.size, compression.type, acks",
	}
}

func producerTuning(r *lesson.Run) {
	sent := 5000
	linger := []string{"-flush-frequency", "5ms", "-flush-bytes", "65536"} // 64 KiB are some 400 greetings
	var settings []string
	compressed := false
	switch r.Variant {
	case "sync":
		settings = []string{"-sync"}
		sent = 1000 // a round trip each: more would take minutes on a busy cluster
	case "async":
	case "linger":
		settings = linger
	case "acks-1":
		settings = append(linger, "-required-acks", "1")
	default:
		settings = append(linger, "-compression", r.Variant)
		compressed = true
	}

	topic := r.Topic("my-json-topic", 3)
	r.AccountStored(topic) // the producer is too fast to report each record
	r.Step(lesson.Text{EN: "Send %d greetings as fast as possible", KO: "인사말 %d개를 최대한 빠르게 보냅니다"}.With(sent))
	p := r.Program("ch3-offsets/producer-tuning", append([]string{"-topic", topic, "-count", strconv.Itoa(sent)}, settings...)...).Run()
	fate := lesson.WaitObserved[observation.Sent](p)
	took := lesson.TimeObserved[observation.Sent](p).Sub(lesson.TimeObserved[observation.Sending](p))
	r.Claim("acknowledged", lesson.Text{EN: "all of them are acknowledged", KO: "모두 확인 응답(ack)을 받았습니다"}, lesson.Equal(fate.Acknowledged, sent))

	if r.Variant == "acks-1" {
		step := lesson.Text{EN: "The producer is done, and the followers may not be: consumers see a record when every in-sync replica has it", KO: "프로듀서는 끝났지만 팔로워는 아직일 수 있습니다. 컨슈머는 동기화된 모든 복제본이 저장한 레코드만 볼 수 있습니다"}
		if r.Embedded() {
			step = lesson.Text{EN: "The embedded Kafka has one copy of each record and no followers, so acks=1 and acks=all are the same here: see the difference on the compose stack (make up)", KO: "내장 Kafka에는 레코드의 사본이 하나뿐이고 팔로워가 없어 acks=1과 acks=all이 똑같습니다. 차이는 compose 스택에서 볼 수 있습니다 (make up)"}
		}
		r.Step(step)
		r.WaitStored(topic, sent)
	}
	r.Step(lesson.Text{EN: "Ask the broker what it has stored, and read it back", KO: "브로커가 무엇을 저장했는지 묻고, 다시 읽어 봅니다"})
	r.Claim("stored-count", lesson.Text{EN: "as many are stored", KO: "같은 수만큼 저장되었습니다"}, lesson.Equal(r.Stored(topic), sent))
	r.Claim("stored-once", lesson.Text{EN: "each of them once", KO: "한 번씩만 저장되었습니다"}, lesson.Equal(r.ReadBack(topic, greetingID).Distinct(), sent))

	onDisk, payload := r.LogBytes(topic), payload(r, sent)
	if compressed {
		r.Claim("fewer-bytes", lesson.Text{EN: "they take fewer bytes on disk than their keys and values alone", KO: "디스크에서 키와 값만 합친 것보다도 적은 바이트를 차지합니다"}, lesson.Less(onDisk, payload))
	} else {
		r.Claim("more-bytes", lesson.Text{EN: "uncompressed, they take more bytes on disk than their keys and values alone", KO: "압축하지 않으면 디스크에서 키와 값을 합친 것보다 많은 바이트를 차지합니다"}, lesson.Less(payload, onDisk))
	}
	r.Compare("rate", lesson.Text{EN: "rate", KO: "속도"}, float64(sent)/took.Seconds(), "records/s")
	r.Compare("together", lesson.Text{EN: "together", KO: "묶음"}, float64(sent)/float64(fate.Requests), "records/request")
	r.Compare("on-disk", lesson.Text{EN: "on disk", KO: "디스크"}, float64(onDisk)/float64(sent), "B/record")
}

// greetingID is the id of the greeting in a record.
func greetingID(m *sarama.ConsumerMessage) (string, error) {
	g, err := greeting.Decode(m.Value)
	return g.MessageID(), err
}

// payload is how many bytes the keys and values of the first n greetings have: the least that n records take
// uncompressed.
func payload(r *lesson.Run, n int) int {
	greetings, err := greeting.Numbered(1, n)
	r.Must(err)
	bytes := 0
	for _, g := range greetings {
		value, err := g.Encode()
		r.Must(err)
		bytes += len(g.Key()) + len(value)
	}
	return bytes
}
