package containers

import (
	"context"
	"fmt"
	"testing"

	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"kafkahandson/internal/kafka"
)

// StartKafka starts Apache Kafka, one broker that is its own controller (KRaft), from the image KAFKA_IMAGE, and returns
// when it answers. A topic cannot have more than one replica in it. Otherwise the settings are those of the compose
// stack: no automatic topics, groups without a first delay.
func StartKafka(t testing.TB) kafka.Config {
	t.Helper()
	const advertised = "/tmp/advertised-listeners"
	port := network.MustParsePort("9092/tcp")
	c := start(t, "KAFKA_IMAGE", port, 896<<20,
		testcontainers.WithEnv(map[string]string{
			"CLUSTER_ID":                     "a2Fma2FoYW5kc29uLXRlcw", // 16 bytes in base64
			"KAFKA_PROCESS_ROLES":            "broker,controller",
			"KAFKA_NODE_ID":                  "1",
			"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:29093",

			"KAFKA_LISTENERS":                      "INTERNAL://localhost:19092,CONTROLLER://localhost:29093,EXTERNAL://0.0.0.0:9092",
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT",
			"KAFKA_INTER_BROKER_LISTENER_NAME":     "INTERNAL", // to itself: the EXTERNAL address means something outside only
			"KAFKA_CONTROLLER_LISTENER_NAMES":      "CONTROLLER",

			"KAFKA_DEFAULT_REPLICATION_FACTOR":               "1",
			"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":         "1",
			"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
			"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":            "1",
			"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS":             "12",
			"KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS":     "12",
			"KAFKA_AUTO_CREATE_TOPICS_ENABLE":                "false",
			"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":         "0",
			"KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS":             "1000",
			"KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE":           "16777216",
			"KAFKA_HEAP_OPTS":                                "-Xms128m -Xmx320m",
		}),
		// The broker has to tell its clients the published port, which is known only once the container runs.
		testcontainers.WithCmd("bash", "-c", fmt.Sprintf(
			`until [ -s %[1]s ]; do sleep 0.1; done; export KAFKA_ADVERTISED_LISTENERS=$(cat %[1]s); exec /etc/confluent/docker/run`, advertised)),
	)
	addr := loopback(published(t, c, port))
	listeners := "INTERNAL://localhost:19092,EXTERNAL://" + addr
	if err := c.CopyToContainer(t.Context(), []byte(listeners), advertised, 0o644); err != nil {
		t.Fatal(err)
	}
	awaitAnswer(t, c, func(ctx context.Context) error {
		_, err := kafka.ClusterID(ctx, addr)
		return err
	})
	return kafka.Config{Brokers: []string{addr}}
}
