package compose_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"kafkahandson/internal/await"
	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/mysql"
)

// envTests is the environment variable that makes the tests run that need the compose stack, and break parts of it.
const envTests = "KAFKAHANDSON_COMPOSE_TESTS"

// patience is how long a condition may take to come true. A dead broker is noticed after 6 s; one that comes back
// starts a JVM and copies what it has missed.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// stack is the running compose stack, whose containers the tests kill, stop and cut off.
type stack struct {
	kafka   kafka.Config
	mysql   mysql.Config
	network string
	names   map[string]string // of the containers, by service
}

// requireStack finds the stack that runs. It is whole when the test starts, and again when the test has ended.
func requireStack(t *testing.T) *stack {
	t.Helper()
	if os.Getenv(envTests) != "1" {
		t.Skipf("it breaks parts of the compose stack: start one (make up) and set %s=1", envTests)
	}
	dir, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := compose.ReadPorts(dir, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{mysql: mysql.Config{Port: ports.MySQL}, names: map[string]string{}}
	for _, port := range ports.Kafka {
		s.kafka.Brokers = append(s.kafka.Brokers, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	for _, service := range []string{"zookeeper", "kafka1", "kafka2", "kafka3", "mysql"} {
		s.names[service] = docker(t, t.Context(), "compose", "--file", filepath.Join(dir, "docker-compose.yml"), "ps", "--all", "--format", "{{.Name}}", service)
		if s.names[service] == "" {
			t.Fatalf("service %s has no container (start the stack: make up)", service)
		}
	}
	s.network = docker(t, t.Context(), "inspect", "--format", "{{.HostConfig.NetworkMode}}", s.names["zookeeper"])

	s.heal(t, t.Context()) // a test that was killed has not cleaned up
	t.Cleanup(func() { s.heal(t, context.Background()) })
	return s
}

// heal starts and connects what a test has stopped and cut off, and waits until the stack is whole.
func (s *stack) heal(t *testing.T, ctx context.Context) {
	t.Helper()
	for service, name := range s.names {
		if docker(t, ctx, "inspect", "--format", "{{len .NetworkSettings.Networks}}", name) == "0" {
			docker(t, ctx, "network", "connect", "--alias", service, s.network, name)
		}
		if docker(t, ctx, "inspect", "--format", "{{.State.Running}}", name) == "false" {
			docker(t, ctx, "start", name)
		}
	}
	await.NoErrorWithin(ctx, t, patience, func(ctx context.Context) error {
		for _, name := range s.names {
			if state := docker(t, ctx, "inspect", "--format", "{{.State.Health.Status}}", name); state != "healthy" {
				return fmt.Errorf("%s is %s", name, state)
			}
		}
		db, err := mysql.Open(ctx, s.mysql)
		if err != nil {
			return err
		}
		return errors.Join(s.inSync(), mysql.Close(db))
	})
}

// inSync tells whether each broker sees all brokers, and all replicas of all partitions in sync.
func (s *stack) inSync() error {
	for _, addr := range s.kafka.Brokers {
		seen, err := metadata(addr)
		if err != nil {
			return err
		}
		if len(seen.Brokers) != len(s.kafka.Brokers) {
			return fmt.Errorf("%s sees %d brokers", addr, len(seen.Brokers))
		}
		for _, topic := range seen.Topics {
			for _, p := range topic.Partitions {
				if p.Err != sarama.ErrNoError || len(p.Isr) != len(p.Replicas) {
					return fmt.Errorf("%s sees %s, partition %d, with the ISR %v of the replicas %v (%v)", addr, topic.Name, p.ID, p.Isr, p.Replicas, p.Err)
				}
			}
		}
	}
	return nil
}

// metadata is what one broker knows of some topics, or of all.
func metadata(addr string, topics ...string) (_ *sarama.MetadataResponse, err error) {
	sc := sarama.NewConfig()
	sc.Net.DialTimeout, sc.Net.ReadTimeout, sc.Net.WriteTimeout = 2*time.Second, 5*time.Second, 2*time.Second
	b := sarama.NewBroker(addr)
	if err := b.Open(sc); err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := b.Close(); err == nil { // a connection that never came up cannot be closed
			err = closeErr
		}
	}()
	return b.GetMetadata(&sarama.MetadataRequest{Version: 5, Topics: topics})
}

// describe is what a broker other than one knows of a topic's partitions.
func (s *stack) describe(topic string, except int32) ([]*sarama.PartitionMetadata, error) {
	for i, addr := range s.kafka.Brokers {
		if int32(i+1) == except {
			continue
		}
		seen, err := metadata(addr, topic)
		if err != nil {
			return nil, err
		}
		return seen.Topics[0].Partitions, nil
	}
	return nil, errors.New("no other broker")
}

// leader is the broker that leads partition 0 of a topic.
func (s *stack) leader(t *testing.T, topic string) int32 {
	t.Helper()
	partitions, err := s.describe(topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(partitions, func(p *sarama.PartitionMetadata) bool { return p.ID == 0 })
	return partitions[i].Leader
}

// awaitGone waits until the cluster has noticed that a broker is gone: it leads no partition of the topic, and is in
// sync nowhere.
func (s *stack) awaitGone(t *testing.T, topic string, broker int32) {
	t.Helper()
	await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
		partitions, err := s.describe(topic, broker)
		if err != nil {
			return err
		}
		for _, p := range partitions {
			if p.Err != sarama.ErrNoError && p.Err != sarama.ErrReplicaNotAvailable || p.Leader == broker || slices.Contains(p.Isr, broker) {
				return fmt.Errorf("%s, partition %d, is led by %d, with the ISR %v (%v)", topic, p.ID, p.Leader, p.Isr, p.Err)
			}
		}
		return nil
	})
}

// container is the name of a broker's container.
func (s *stack) container(broker int32) string { return s.names["kafka"+strconv.Itoa(int(broker))] }

// manage does something with a new connection: one that was made before a broker went away may be broken.
func (s *stack) manage(t *testing.T, ctx context.Context, do func(*admin.Client) error) {
	t.Helper()
	admin, err := admin.Connect(ctx, s.kafka)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(admin), admin.Close()); err != nil {
		t.Fatal(err)
	}
}

const partitions = 6 // each broker leads two

// topic creates a topic of three replicas, of which two must have a record before it is acknowledged. It is deleted with
// the test, when the stack is whole again.
func (s *stack) topic(t *testing.T) string {
	t.Helper()
	name := "faults-" + strings.ToLower(rand.Text()[:8])
	s.manage(t, t.Context(), func(admin *admin.Client) error {
		return admin.CreateTopic(t.Context(), name, partitions, 3, map[string]string{"min.insync.replicas": "2"})
	})
	t.Cleanup(func() {
		ctx := context.Background()
		s.heal(t, ctx)
		s.manage(t, ctx, func(admin *admin.Client) error { return admin.DeleteTopic(ctx, name) })
	})
	return name
}

// docker runs a command of Docker's and returns what it prints.
func docker(t *testing.T, ctx context.Context, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}
