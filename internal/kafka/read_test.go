package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// sendValues sends one record for each value, which is its key too.
func sendValues(t *testing.T, cfg kafka.Config, sc *sarama.Config, topic string, values ...string) {
	t.Helper()
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	if sc.Producer.Transaction.ID != "" {
		err = producer.BeginTxn()
	}
	for _, v := range values {
		_, _, sendErr := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(v), Value: sarama.StringEncoder(v)})
		err = errors.Join(err, sendErr)
	}
	if sc.Producer.Transaction.ID != "" {
		err = errors.Join(err, producer.CommitTxn())
	}
	if err := errors.Join(err, producer.Close()); err != nil {
		t.Fatal(err)
	}
}

func readValues(t *testing.T, admin *admin.Client, topic string) []string {
	t.Helper()
	var values []string
	if err := admin.ReadTopic(t.Context(), topic, func(m *sarama.ConsumerMessage) error {
		values = append(values, string(m.Value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestReadTopic(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	var want []string
	for i := range 100 {
		want = append(want, fmt.Sprintf("%03d", i))
	}
	for partitions := range int32(5) {
		topic := fmt.Sprintf("t%d", partitions)
		createTopic(t, admin, topic, partitions+1)
		if got := readValues(t, admin, topic); len(got) > 0 {
			t.Errorf("an empty topic has %q", got)
		}
		sendValues(t, cfg, saramaConfig(t, cfg), topic, want...)
		got := readValues(t, admin, topic)
		if partitions == 0 && !slices.Equal(got, want) {
			t.Errorf("out of order: %q", got)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%d partitions: %q", partitions+1, got)
		}
	}

	if err := admin.DeleteRecords(t.Context(), "t0", map[int32]int64{0: 98}); err != nil {
		t.Fatal(err)
	}
	if got := readValues(t, admin, "t0"); !slices.Equal(got, []string{"098", "099"}) {
		t.Errorf("after the deletion of the first records: %q", got)
	}
	var p *problem.Problem
	if err := admin.ReadTopic(t.Context(), "nowhere", nil); !errors.As(remedy.Of(err), &p) {
		t.Errorf("a topic that is not there: %v", err)
	}
}

// The last offset of the partition is the marker of the transaction, which sarama does not hand out.
func TestReadTopicThatEndsWithAMarker(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 1)
	sc := saramaConfig(t, cfg)
	sc.Producer.Transaction.ID = "read-test"
	sendValues(t, cfg, sc, "orders", "a", "b")
	if got := readValues(t, admin, "orders"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestReadTopicEnds(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 3)
	sendValues(t, cfg, saramaConfig(t, cfg), "orders", strings.Split("abcdefghij", "")...)

	enough := errors.New("enough")
	seen := 0
	if err := admin.ReadTopic(t.Context(), "orders", func(*sarama.ConsumerMessage) error { seen++; return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v, want %v", err, enough)
	}
	if seen == 0 || seen > 3 { // one of each partition at most
		t.Errorf("%d records after an error", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := admin.ReadTopic(ctx, "orders", func(*sarama.ConsumerMessage) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
