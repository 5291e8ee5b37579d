package parallel_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/kafka/parallel"
)

// saramaLog remembers how often sarama gave up feeding a partition, because it tells nobody else.
type saramaLog struct {
	mu        sync.Mutex
	abandoned map[string]int // by "topic/partition"
}

func (l *saramaLog) Print(...any)   {}
func (l *saramaLog) Println(...any) {}
func (l *saramaLog) Printf(format string, args ...any) {
	if !strings.Contains(format, "because consuming was taking too long") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abandoned[fmt.Sprintf("%v/%v", args[1], args[2])]++
}

func (l *saramaLog) times(topic string, partition int32) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.abandoned[fmt.Sprintf("%s/%d", topic, partition)]
}

var abandoned = &saramaLog{abandoned: map[string]int{}}

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	sarama.Logger = abandoned
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// startKafka starts an embedded Kafka with a topic until the end of the test.
func startKafka(t *testing.T, topic string, partitions int32) (kafka.Config, *admin.Client) {
	t.Helper()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	cfg := kafka.Config{Brokers: server.Brokers()}
	admin, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := admin.CreateTopic(t.Context(), topic, partitions, 0, nil); err != nil {
		t.Fatal(err)
	}
	return cfg, admin
}

// saramaConfig is the course's configuration, in which nothing waits long.
func saramaConfig(t testing.TB, cfg kafka.Config) *sarama.Config {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	sc.Consumer.Offsets.AutoCommit.Enable = false // so that the package's own commits are tested
	sc.Consumer.MaxWaitTime = 20 * time.Millisecond
	sc.Consumer.Retry.Backoff = 20 * time.Millisecond
	sc.Consumer.Group.Heartbeat.Interval = 50 * time.Millisecond
	sc.Consumer.Group.Rebalance.Retry.Backoff = 20 * time.Millisecond
	sc.Metadata.Retry.Backoff = 20 * time.Millisecond
	return sc
}

// record is what a test sends; its offset is its place among those of its partition.
type record struct {
	partition int32
	key       string // "" is none
}

// send appends the records to the topic, in order.
func send(t *testing.T, cfg kafka.Config, topic string, records ...record) {
	t.Helper()
	sc := saramaConfig(t, cfg)
	sc.Producer.Partitioner = sarama.NewManualPartitioner
	sc.Producer.Flush.MaxMessages = 500 // a fetch brings whole batches
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	var messages []*sarama.ProducerMessage
	for _, r := range records {
		m := &sarama.ProducerMessage{Topic: topic, Partition: r.partition, Value: sarama.StringEncoder("v")}
		if r.key != "" {
			m.Key = sarama.StringEncoder(r.key)
		}
		messages = append(messages, m)
	}
	if err := errors.Join(producer.SendMessages(messages), producer.Close()); err != nil {
		t.Fatal(err)
	}
}

// keyed are records of one partition with these keys.
func keyed(partition int32, keys ...string) []record {
	var records []record
	for _, k := range keys {
		records = append(records, record{partition, k})
	}
	return records
}

// member runs a consumer group member, and counts its sessions.
type member struct {
	sessions atomic.Int32
	cancel   context.CancelFunc
	done     chan struct{} // closed when ConsumeGroup has returned err
	err      error
}

// join starts a member until the end of the test, or stop.
func join(t *testing.T, cfg kafka.Config, sc *sarama.Config, group, topic string, h sarama.ConsumerGroupHandler, obs kafka.GroupObserver) *member {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{cancel: cancel, done: make(chan struct{})}
	tell := obs.Assigned
	obs.Assigned = func(s sarama.ConsumerGroupSession) {
		m.sessions.Add(1)
		if tell != nil {
			tell(s)
		}
	}
	go func() {
		defer close(m.done)
		m.err = kafka.ConsumeGroup(ctx, cfg, sc, group, []string{topic}, h, obs)
	}()
	t.Cleanup(func() { _ = m.stop() })
	return m
}

// stop ends the member as Ctrl-C does.
func (m *member) stop() error {
	m.cancel()
	<-m.done
	return m.err
}

// wait returns what ConsumeGroup returns by itself.
func (m *member) wait(t *testing.T) error {
	t.Helper()
	await.Value(t, "it consumes no more", m.done)
	return m.err
}

func newHandler(t testing.TB, o parallel.Options) *parallel.Handler {
	t.Helper()
	h, err := parallel.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// stage directs a handler: each record waits on it until the test ends it.
type stage struct {
	mu      sync.Mutex
	running map[string]chan error // by "partition@offset"
	done    map[string]int        // how often
	order   []string              // in which they were started
}

func newStage() *stage {
	return &stage{running: map[string]chan error{}, done: map[string]int{}}
}

func (s *stage) handle(ctx context.Context, m *sarama.ConsumerMessage) error {
	name := fmt.Sprintf("%d@%d", m.Partition, m.Offset)
	end := make(chan error, 1)
	s.mu.Lock()
	s.running[name] = end
	s.order = append(s.order, name)
	s.mu.Unlock()
	var err error
	select {
	case err = <-end:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, name)
	if err == nil {
		s.done[name]++
	}
	return err
}

// end lets running records return this.
func (s *stage) end(err error, names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.running[name] <- err
	}
}

// awaitRunning waits until exactly these records run.
func (s *stage) awaitRunning(t *testing.T, names ...string) {
	t.Helper()
	slices.Sort(names)
	await.NoError(t, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if got := slices.Sorted(maps.Keys(s.running)); !slices.Equal(got, names) {
			return fmt.Errorf("%v are running, want %v", got, names)
		}
		return nil
	})
}

// finishAll ends whatever runs until n records are done.
func (s *stage) finishAll(t *testing.T, n int) {
	t.Helper()
	await.NoError(t, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, end := range s.running {
			select {
			case end <- nil:
			default: // it has been told
			}
		}
		if got := len(s.done); got < n {
			return fmt.Errorf("%d records are done, want %d", got, n)
		}
		return nil
	})
}

// requireOnce checks that n records are done, each of them once.
func (s *stage) requireOnce(t *testing.T, n int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.done) != n {
		t.Errorf("%d records are done, want %d", len(s.done), n)
	}
	for name, times := range s.done {
		if times != 1 {
			t.Errorf("%s was handled %d times", name, times)
		}
	}
}

func names(partition int32, offsets ...int) []string {
	var all []string
	for _, o := range offsets {
		all = append(all, fmt.Sprintf("%d@%d", partition, o))
	}
	return all
}

func requireCommitted(t *testing.T, admin *admin.Client, group, topic string, partition int32, want int64) {
	t.Helper()
	if got := committed(t, admin, group, topic)[partition]; got != want {
		t.Errorf("%d is committed in partition %d, want %d", got, partition, want)
	}
}

func awaitCommitted(t *testing.T, admin *admin.Client, group, topic string, partition int32, want int64) {
	t.Helper()
	await.NoError(t, func() error {
		if got := committed(t, admin, group, topic)[partition]; got != want {
			return fmt.Errorf("%d is committed in partition %d, want %d", got, partition, want)
		}
		return nil
	})
}

func committed(t *testing.T, admin *admin.Client, group, topic string) map[int32]int64 {
	t.Helper()
	offsets, err := admin.Committed(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}
