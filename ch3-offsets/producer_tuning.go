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
		Texts: texts,
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
