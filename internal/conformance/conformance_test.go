package conformance_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"

	"kafkahandson/internal/conformance"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

func TestEmbedded(t *testing.T) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	conformance.Run(t, conformance.Backend{
		Kafka: kafka.Config{Brokers: server.Brokers()},
		DropAck: func(topic string) func() bool {
			fault := embeddedtest.DropAcks(server, topic, 1)
			return func() bool { return fault.Hits() == 1 }
		},
	})
}

// TestEnvironment tests the cluster that KAFKA_BROKERS names:
//
//	KAFKAHANDSON_CONFORMANCE=env KAFKA_BROKERS=localhost:9092 go test ./internal/conformance -run Environment -count=1
func TestEnvironment(t *testing.T) {
	if os.Getenv("KAFKAHANDSON_CONFORMANCE") != "env" {
		t.Skip("KAFKAHANDSON_CONFORMANCE=env tests the cluster that KAFKA_BROKERS names")
	}
	cfg, err := kafka.FromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	conformance.Run(t, conformance.Backend{Kafka: cfg, Lacks: map[conformance.Feature]string{
		conformance.DroppedAcknowledgements: "no faults can be injected into this cluster",
	}})
}
