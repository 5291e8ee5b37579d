package kafka_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// batchHeader is the least that a batch of one record takes beyond its key and value, and slack what it may take more:
// varints of lengths, of the timestamp and the offset.
const batchHeader, slack = 61, 20

func TestLogBytes(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	random := make([]byte, 10_000)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name       string
		value      []byte
		codec      sarama.CompressionCodec
		least, max int64 // of one record
	}{
		{"random", random, sarama.CompressionNone, 10_000 + batchHeader, 10_000 + batchHeader + slack},
		{"zeros", make([]byte, 10_000), sarama.CompressionNone, 10_000 + batchHeader, 10_000 + batchHeader + slack},
		{"zeros, gzip", make([]byte, 10_000), sarama.CompressionGZIP, batchHeader, 1000},
		{"zeros, zstd", make([]byte, 10_000), sarama.CompressionZSTD, batchHeader, 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			topic := strings.NewReplacer("/", ".", ",", "").Replace(t.Name())
			createTopic(t, admin, topic, 3)
			if n, err := admin.LogBytes(t.Context(), topic); err != nil || n != 0 {
				t.Fatalf("an empty topic: %d, %v", n, err)
			}
			sc := saramaConfig(t, cfg)
			sc.Producer.Compression = tc.codec
			const records = 5
			producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
			if err != nil {
				t.Fatal(err)
			}
			for range records {
				_, _, sendErr := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(tc.value)})
				err = errors.Join(err, sendErr)
			}
			if err := errors.Join(err, producer.Close()); err != nil {
				t.Fatal(err)
			}
			n, err := admin.LogBytes(t.Context(), topic)
			if err != nil || n < records*tc.least || n > records*tc.max {
				t.Errorf("%d bytes, want %d to %d; error %v", n, records*tc.least, records*tc.max, err)
			}
		})
	}
	var p *problem.Problem
	if _, err := admin.LogBytes(t.Context(), "nowhere"); !errors.As(remedy.Of(err), &p) {
		t.Errorf("a topic that is not there: %v", err)
	}
}
