package kafka_test

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
)

// A record that is too large has the same type of error whoever refuses it, the broker or sarama, and however it was sent.
func TestARecordThatIsTooLarge(t *testing.T) {
	_, cfg := startPlain(t)
	if err := newAdmin(t, cfg).CreateTopic(t.Context(), "small", 1, 0, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	record := func(bytes int) *sarama.ProducerMessage {
		return &sarama.ProducerMessage{Topic: "small", Value: sarama.ByteEncoder(make([]byte, bytes))}
	}
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, saramaConfig(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	fates := map[int]error{}
	for _, bytes := range []int{10, 2000, 2_000_000} {
		_, _, fates[bytes] = producer.SendMessage(record(bytes))
	}
	if err := producer.Close(); err != nil {
		t.Error(err)
	}
	requireTooLarge(t, "SendMessage", fates)

	delivered := make(chan error, 1)
	async, err := kafka.NewAsyncProducer(t.Context(), cfg, saramaConfig(t, cfg), func(_ *sarama.ProducerMessage, err error) { delivered <- err })
	if err != nil {
		t.Fatal(err)
	}
	for bytes := range fates {
		if err := async.Send(t.Context(), record(bytes)); err != nil {
			t.Fatal(err)
		}
		fates[bytes] = <-delivered
	}
	if err := async.Close(); err != nil {
		t.Error(err)
	}
	requireTooLarge(t, "Send", fates)
}

func requireTooLarge(t *testing.T, how string, fates map[int]error) {
	t.Helper()
	if fates[10] != nil {
		t.Errorf("%s of a small record: %v", how, fates[10])
	}
	for bytes, refused := range map[int]func(error) bool{
		2000:      func(err error) bool { return errors.Is(err, sarama.ErrMessageSizeTooLarge) },
		2_000_000: func(err error) bool { return errors.As(err, new(sarama.ConfigurationError)) },
	} {
		var large *kafka.RecordTooLargeError
		if !errors.As(fates[bytes], &large) || large.Topic != "small" || !refused(fates[bytes]) {
			t.Errorf("%s of %d bytes: %v", how, bytes, fates[bytes])
		}
	}
}
