package kafka_test

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// startPlain starts one that asks for neither TLS nor a login.
func startPlain(t *testing.T) (*embedded.Kafka, kafka.Config) {
	t.Helper()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	return server, kafka.Config{Brokers: server.Brokers()}
}

func newAdmin(t *testing.T, cfg kafka.Config) *admin.Client {
	t.Helper()
	admin, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	return admin
}

func createTopic(t *testing.T, admin *admin.Client, name string, partitions int32) {
	t.Helper()
	if err := admin.CreateTopic(t.Context(), name, partitions, 0, nil); err != nil {
		t.Fatal(err)
	}
}

// saramaConfig is the course's configuration, in which nothing waits long.
func saramaConfig(t *testing.T, cfg kafka.Config) *sarama.Config {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	sc.Consumer.Offsets.AutoCommit.Enable = false
	sc.Consumer.MaxWaitTime = 20 * time.Millisecond
	sc.Consumer.Group.Heartbeat.Interval = 50 * time.Millisecond
	return sc
}

// send sends the values "0" to "n-1", keyed by themselves.
func send(t *testing.T, cfg kafka.Config, topic string, n int) {
	t.Helper()
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, saramaConfig(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	var messages []*sarama.ProducerMessage
	for i := range n {
		v := sarama.StringEncoder(fmt.Sprint(i))
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Key: v, Value: v})
	}
	if err := errors.Join(producer.SendMessages(messages), producer.Close()); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, admin *admin.Client, group, topic string) map[int32]int64 {
	t.Helper()
	offsets, err := admin.Committed(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

// requireProblem checks that an error is one a learner can act on in both languages, and that it names some things.
func requireProblem(t *testing.T, err error, names ...string) {
	t.Helper()
	p := new(problem.Problem)
	if !errors.As(remedy.Of(err), &p) {
		t.Fatalf("got %v, want a problem with a remedy", err)
	}
	if p.What.EN == "" || p.What.KO == "" || p.What.EN == p.What.KO || len(p.Solve) == 0 {
		t.Errorf("%+v lacks a text", p)
	}
	all := p.Error()
	for _, s := range p.Solve {
		if s.EN == "" || s.KO == "" || s.EN == s.KO {
			t.Errorf("%+v lacks a text", s)
		}
		all += "\n" + s.EN
	}
	for _, name := range names {
		if !strings.Contains(all, name) {
			t.Errorf("%q does not name %s", all, name)
		}
	}
}
