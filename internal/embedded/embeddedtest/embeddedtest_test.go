package embeddedtest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// start starts a Kafka with the topics "orders" and "other", and a producer that is not idempotent and tries once.
func start(t *testing.T) (*embedded.Kafka, func(topic string) error) {
	t.Helper()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	cfg := kafka.Config{Brokers: server.Brokers()}
	for _, topic := range []string{"orders", "other"} {
		if err := admin.EnsureTopic(t.Context(), cfg, topic, 1); err != nil {
			t.Fatal(err)
		}
	}
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Producer.Idempotent, sc.Producer.Retry.Max = false, 0
	sc.Metadata.Retry.Backoff = 20 * time.Millisecond
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, func(topic string) error {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")})
		return err
	}
}

func requireStored(t *testing.T, server *embedded.Kafka, topic string, want int64) {
	t.Helper()
	cluster, err := admin.Connect(t.Context(), kafka.Config{Brokers: server.Brokers()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	if d, err := cluster.DescribeTopic(t.Context(), topic); err != nil || d.Records() != want {
		t.Errorf("%d records are stored (%v), want %d", d.Records(), err, want)
	}
}

func TestDropAcks(t *testing.T) {
	t.Parallel()
	server, send := start(t)
	fault := embeddedtest.DropAcks(server, "orders", 2)
	for range 2 {
		if err := send("orders"); !errors.Is(err, sarama.ErrRequestTimedOut) {
			t.Errorf("got %v", err)
		}
	}
	if err := errors.Join(send("orders"), send("other")); err != nil {
		t.Error(err)
	}
	if fault.Hits() != 2 {
		t.Errorf("%d hits, want 2", fault.Hits())
	}
	requireStored(t, server, "orders", 3) // the acknowledgement is lost, not the record
}

func TestNotLeader(t *testing.T) {
	t.Parallel()
	server, send := start(t)
	fault := embeddedtest.NotLeader(server, "orders", 1)
	if err := send("other"); err != nil {
		t.Errorf("the fault is for another topic: %v", err)
	}
	if err := send("orders"); !errors.Is(err, sarama.ErrNotLeaderForPartition) {
		t.Errorf("got %v", err)
	}
	if err := send("orders"); err != nil {
		t.Error(err)
	}
	if fault.Hits() != 1 {
		t.Errorf("%d hits, want 1", fault.Hits())
	}
	requireStored(t, server, "orders", 1)
}

func TestHold(t *testing.T) {
	t.Parallel()
	server, send := start(t)
	held := embeddedtest.Hold(t, server, "orders")
	if err := send("other"); err != nil || held.Hits() != 0 {
		t.Errorf("of another topic %d are held up (%v)", held.Hits(), err)
	}
	sent := make(chan error, 1)
	go func() { sent <- send("orders") }()
	await.NoError(t, func() error {
		if held.Hits() != 1 {
			return fmt.Errorf("%d hits, want 1", held.Hits())
		}
		return nil
	})
	requireStored(t, server, "orders", 0)
	if len(sent) != 0 {
		t.Error("it is acknowledged")
	}
	held.Release()
	if err := errors.Join(<-sent, send("orders")); err != nil || held.Hits() != 1 {
		t.Errorf("after the release: %v, %d hits", err, held.Hits())
	}
	held.Release()
	requireStored(t, server, "orders", 2)
}
