// Package conformance says what the course relies on from a Kafka cluster, as tests that are written once and run over
// every kind of cluster: what a lesson shows on the embedded Kafka is what Apache Kafka does.
package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// Backend is a cluster to test.
type Backend struct {
	// Kafka says how to reach the cluster.
	Kafka kafka.Config
	// DropAck makes the next Produce request to a topic store its records and answer that it has timed out; lost tells
	// whether that has happened. Default: none, for a cluster that lacks [DroppedAcknowledgements].
	DropAck func(topic string) (lost func() bool)
	// Lacks says why the cluster lacks a feature, whose tests are then skipped with the reason. Default: it has all.
	Lacks map[Feature]string
}

// Feature is something that a cluster can do, or lack.
type Feature string

const (
	Topics         Feature = "topics"
	Records        Feature = "records"
	Groups         Feature = "groups"
	RefusedMembers Feature = "refused members"
	Offsets        Feature = "offsets"
	Producers      Feature = "producers"
	// CutAcknowledgements are those of which a proxy breaks the connection: it must be able to read what goes by.
	CutAcknowledgements Feature = "cut acknowledgements"
	// DroppedAcknowledgements are those that the cluster itself can be told to drop.
	DroppedAcknowledgements Feature = "dropped acknowledgements"
	Transactions            Feature = "transactions"
)

// features are all that is tested, in the order in which the tests start: what stands on something comes after it.
func features() []feature {
	return []feature{
		{Topics, topicTests()},
		{Records, recordTests()},
		{Producers, producerTests()},
		{CutAcknowledgements, cutAcknowledgementTests()},
		{DroppedAcknowledgements, droppedAcknowledgementTests()},
		{Groups, groupTests()},
		{RefusedMembers, refusedMemberTests()},
		{Offsets, offsetTests()},
		{Transactions, transactionTests()},
	}
}

type feature struct {
	name  Feature
	tests []test
}

// test is a sub-test. It may run beside any other.
type test struct {
	name string
	run  func(*testing.T, *cluster)
}

// lacks says why a cluster lacks a feature.
func (b Backend) lacks(f Feature) (why string, lacks bool) {
	if why, lacks = b.Lacks[f]; lacks {
		return why, true
	}
	if f == CutAcknowledgements && b.Kafka.TLS.Enabled {
		return "on an encrypted connection the proxy cannot tell which answer is an acknowledgement", true
	}
	return "", false
}

// check finds what a backend says wrongly of itself.
func (b Backend) check() error {
	var errs []error
	for name, why := range b.Lacks {
		if why == "" {
			errs = append(errs, fmt.Errorf("it lacks %q without a reason", name))
		}
		if !slices.ContainsFunc(features(), func(f feature) bool { return f.name == name }) {
			errs = append(errs, fmt.Errorf("it lacks %q, which is no feature", name))
		}
	}
	if _, lacks := b.lacks(DroppedAcknowledgements); lacks == (b.DropAck != nil) {
		errs = append(errs, fmt.Errorf("it has DropAck: %t, and lacks %q: %t", b.DropAck != nil, DroppedAcknowledgements, lacks))
	}
	return errors.Join(errs...)
}

// Run tests a cluster, feature by feature. The sub-tests run in parallel. Their topics and groups have names of their
// own, beside which the cluster may hold anything, and are deleted again.
func Run(t *testing.T, b Backend) {
	if err := b.check(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), await.Patience)
	defer cancel()
	admin, err := admin.Connect(ctx, b.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := &cluster{Backend: b, admin: admin, run: "conformance-" + strings.ToLower(rand.Text()[:8])}
	if err := admin.WaitForCoordinator(ctx, c.name()); err != nil {
		t.Fatal(err)
	}

	t.Run("parallel", func(t *testing.T) { // ends when all of them have
		for _, f := range features() {
			t.Run(string(f.name), func(t *testing.T) {
				if why, lacks := b.lacks(f.name); lacks {
					t.Skip(why)
				}
				t.Parallel()
				for _, test := range f.tests {
					t.Run(test.name, func(t *testing.T) {
						t.Parallel()
						test.run(t, c)
					})
				}
			})
		}
	})
	c.requireNothingLeft(t)
}

// cluster is what a sub-test works with.
type cluster struct {
	Backend
	admin *admin.Client
	run   string // begins the name of everything that is created
}

func (c *cluster) name() string { return c.run + "-" + strings.ToLower(rand.Text()[:8]) }

// topic creates a topic that is deleted with the test.
func (c *cluster) topic(t *testing.T, partitions int32) string {
	t.Helper()
	name := c.name()
	if err := c.admin.CreateTopic(t.Context(), name, partitions, 0, nil); err != nil {
		t.Fatal(err)
	}
	cleanup(t, func(ctx context.Context) error { return c.admin.DeleteTopic(ctx, name) })
	return name
}

// group returns the name of a new group that is deleted with the test, if it has come into being.
func (c *cluster) group(t *testing.T) string {
	t.Helper()
	name := c.name()
	cleanup(t, func(ctx context.Context) error {
		deleted := c.admin.DeleteGroup(ctx, name)
		if d, err := c.admin.DescribeGroup(ctx, name); err != nil || d.State == "Dead" {
			return err
		}
		return deleted
	})
	return name
}

// cleanup does something when the test has ended, whose own context has ended by then.
func cleanup(t *testing.T, do func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), await.Patience)
		defer cancel()
		if err := do(ctx); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}

func (c *cluster) requireNothingLeft(t *testing.T) {
	t.Helper()
	topics, err := c.admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	groups, err := c.admin.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(topics, groups...) {
		if strings.HasPrefix(name, c.run) {
			t.Errorf("%s is left behind", name)
		}
	}
}

// sarama is the course's configuration, in which nothing waits long.
func (c *cluster) sarama(t *testing.T) *sarama.Config {
	t.Helper()
	sc, err := c.Kafka.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	sc.Consumer.Offsets.AutoCommit.Enable = false
	sc.Consumer.MaxWaitTime = 20 * time.Millisecond
	sc.Consumer.Group.Heartbeat.Interval = 50 * time.Millisecond
	sc.Metadata.Retry.Backoff = 50 * time.Millisecond
	return sc
}

// client connects until the end of the test.
func (c *cluster) client(t *testing.T, sc *sarama.Config) sarama.Client {
	t.Helper()
	client, err := kafka.NewClient(t.Context(), c.Kafka, sc)
	if err != nil {
		t.Fatal(err)
	}
	cleanup(t, func(context.Context) error { return client.Close() })
	return client
}

// producer connects until the end of the test.
func (c *cluster) producer(t *testing.T, sc *sarama.Config) sarama.SyncProducer {
	t.Helper()
	producer, err := kafka.NewSyncProducer(t.Context(), c.Kafka, sc)
	if err != nil {
		t.Fatal(err)
	}
	cleanup(t, func(context.Context) error { return producer.Close() })
	return producer
}

// send sends the messages in one go; afterwards they have their partition and offset.
func (c *cluster) send(t *testing.T, messages ...*sarama.ProducerMessage) {
	t.Helper()
	if err := c.producer(t, c.sarama(t)).SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

// fill sends n records "0", "1" … to one partition.
func (c *cluster) fill(t *testing.T, topic string, partition int32, n int) {
	t.Helper()
	sc := c.sarama(t)
	sc.Producer.Partitioner = sarama.NewManualPartitioner
	var messages []*sarama.ProducerMessage
	for i := range n {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: partition, Value: sarama.StringEncoder(fmt.Sprint(i))})
	}
	if err := c.producer(t, sc).SendMessages(messages); err != nil {
		t.Fatal(err)
	}
}

// sendGreetings sends the 30 samples, keyed by age.
func (c *cluster) sendGreetings(t *testing.T, topic string) []greeting.Greeting {
	t.Helper()
	greetings, err := greeting.Samples()
	if err != nil {
		t.Fatal(err)
	}
	var messages []*sarama.ProducerMessage
	for _, g := range greetings {
		value, err := g.Encode()
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(g.Key()), Value: sarama.ByteEncoder(value)})
	}
	c.send(t, messages...)
	return greetings
}

// describe returns a topic with its offsets.
func (c *cluster) describe(t *testing.T, topic string) admin.Topic {
	t.Helper()
	d, err := c.admin.DescribeTopic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// committed returns a group's committed offsets by partition.
func (c *cluster) committed(t *testing.T, group, topic string) map[int32]int64 {
	t.Helper()
	offsets, err := c.admin.Committed(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

// consumer connects until the end of the test.
func (c *cluster) consumer(t *testing.T, sc *sarama.Config) sarama.Consumer {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(c.client(t, sc))
	if err != nil {
		t.Fatal(err)
	}
	cleanup(t, func(context.Context) error { return consumer.Close() })
	return consumer
}

// read reads n records of a partition from an offset on.
func read(t *testing.T, consumer sarama.Consumer, topic string, partition int32, from int64, n int) []*sarama.ConsumerMessage {
	t.Helper()
	if n == 0 {
		return nil
	}
	records, err := consumer.ConsumePartition(topic, partition, from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), await.Patience)
	defer cancel()
	var got []*sarama.ConsumerMessage
	for len(got) < n {
		select {
		case m := <-records.Messages():
			got = append(got, m)
		case err := <-records.Errors():
			t.Fatal(err)
		case <-ctx.Done():
			t.Fatalf("read %d of %d records of %s, partition %d: %v", len(got), n, topic, partition, ctx.Err())
		}
	}
	return got
}

// readIsolated reads n records of partition 0 from an offset on, with an isolation level.
func (c *cluster) readIsolated(t *testing.T, level sarama.IsolationLevel, topic string, from int64, n int) []*sarama.ConsumerMessage {
	t.Helper()
	sc := c.sarama(t)
	sc.Consumer.IsolationLevel = level
	return read(t, c.consumer(t, sc), topic, 0, from, n)
}

// readAll reads all records of a topic that has no transactions, partition by partition.
func (c *cluster) readAll(t *testing.T, topic string) []*sarama.ConsumerMessage {
	t.Helper()
	consumer := c.consumer(t, c.sarama(t))
	var all []*sarama.ConsumerMessage
	for _, p := range c.describe(t, topic).Partitions {
		all = append(all, read(t, consumer, topic, p.ID, p.Start, int(p.End-p.Start))...)
	}
	return all
}
