package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
)

func TestHandlerErrorEndsTheGroup(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 1)
	send(t, cfg, "orders", 10)
	sc := saramaConfig(t, cfg)
	sc.Consumer.Offsets.AutoCommit.Enable = true
	broken := errors.New("record 4 is broken")

	m := consume(t, cfg, sc, "shop", "orders", func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		if r.Offset == 4 {
			return broken
		}
		return markEach(s, r)
	}, kafka.GroupObserver{Error: func(err error) { t.Errorf("the handler's own error is reported as the loop's: %v", err) }})
	err := m.wait(t)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "orders") || !strings.Contains(err.Error(), "partition 0") {
		t.Errorf("got %v, want the handler's error with its topic and partition", err)
	}
	if got := len(m.received()); got != 4 {
		t.Errorf("%d records were handled, want 4", got)
	}
	if offsets := committed(t, admin, "shop", "orders"); offsets[0] != 4 {
		t.Errorf("committed %v, want 4: the broken record comes again", offsets)
	}
	if d, err := admin.DescribeGroup(t.Context(), "shop"); err != nil || len(d.Members) != 0 {
		t.Errorf("the member did not leave: %+v (%v)", d, err)
	}

	m = consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, kafka.GroupObserver{})
	if again := m.awaitRecords(t, 6); again[0].Offset != 4 {
		t.Errorf("after a restart it goes on at %d, want 4", again[0].Offset)
	}
}

func TestSetupErrorEndsTheGroup(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 1)
	broken := errors.New("no database")
	m := &member{handle: markEach, setup: func() error { return broken }}
	m.start(t, cfg, saramaConfig(t, cfg), "shop", "orders", kafka.GroupObserver{})
	if err := m.wait(t); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestGracefulStopCommitsMarks(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 3)
	send(t, cfg, "orders", 30)
	sc := saramaConfig(t, cfg)
	sc.Consumer.Offsets.AutoCommit.Enable = true
	sc.Consumer.Offsets.AutoCommit.Interval = time.Hour // so that only the stop can commit
	m := consume(t, cfg, sc, "shop", "orders", markEach, kafka.GroupObserver{})
	m.awaitRecords(t, 30)
	for p, offset := range committed(t, admin, "shop", "orders") {
		if offset != -1 {
			t.Errorf("partition %d: %d is committed too early", p, offset)
		}
	}
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, offset := range committed(t, admin, "shop", "orders") {
		sum += offset
	}
	if sum != 30 {
		t.Errorf("%d records are committed, want 30", sum)
	}
	if d, err := admin.DescribeGroup(t.Context(), "shop"); err != nil || d.State != "Empty" {
		t.Errorf("the group is %+v (%v), want it empty", d, err)
	}
}

// TestStopWhileJoining stops a member that waits for another one to join the next generation.
func TestStopWhileJoining(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 1)
	send(t, cfg, "orders", 1)
	stuck, entered, release := stuckAt0()
	consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", stuck, kafka.GroupObserver{})
	t.Cleanup(release)
	<-entered
	members := func(want int) {
		t.Helper()
		await.NoError(t, func() error {
			d, err := admin.DescribeGroup(t.Context(), "shop")
			if err == nil && len(d.Members) != want {
				err = fmt.Errorf("the group is %+v, want %d members", d, want)
			}
			return err
		})
	}
	joining := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, kafka.GroupObserver{})
	members(2)
	start := time.Now()
	if err := joining.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
	members(1) // it left: nobody has to wait for its session timeout
}

func TestMissingTopic(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "missing", markEach, kafka.GroupObserver{})
	err := m.wait(t)
	requireProblem(t, err, "missing", "lab topic create")
	if !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("got %v", err)
	}
	_, err = newAdmin(t, cfg).DescribeTopic(t.Context(), "missing")
	requireProblem(t, err, "missing")
}

// TestObserver checks what an observer is told over two generations of a group.
func TestObserver(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 2)
	send(t, cfg, "orders", 10)
	var (
		mu   sync.Mutex
		told []string
	)
	tell := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf(format, args...))
	}
	var commits atomic.Int32
	obs := kafka.GroupObserver{
		Assigned: func(s sarama.ConsumerGroupSession) { tell("assigned %d", len(s.Claims()["orders"])) },
		Revoked:  func(s sarama.ConsumerGroupSession) { tell("revoked %d", len(s.Claims()["orders"])) },
		Committed: func(took time.Duration) {
			if took <= 0 {
				t.Errorf("a commit took %v", took)
			}
			commits.Add(1)
		},
		Error: func(err error) { t.Error(err) },
	}
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		s.MarkMessage(r, "")
		s.Commit()
		return nil
	}, obs)
	m.awaitRecords(t, 10)
	second := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, kafka.GroupObserver{})
	await.NoError(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(told) < 3 {
			return fmt.Errorf("told %v", told)
		}
		return nil
	})
	for _, m := range []*member{second, m} {
		if err := m.stop(); err != nil {
			t.Error(err)
		}
	}
	if len(told)%2 != 0 { // between the stops the first may have had both partitions once more
		t.Errorf("told %v: an assignment was not revoked", told)
	}
	if got := strings.Join(told[:3], ", "); got != "assigned 2, revoked 2, assigned 1" {
		t.Errorf("told %v", told)
	}
	if commits.Load() != 10 {
		t.Errorf("%d commits, want 10", commits.Load())
	}
}

// TestCommitErrorIsTold commits for a member that is no longer in its group.
func TestCommitErrorIsTold(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 1)
	send(t, cfg, "orders", 1)
	sc := saramaConfig(t, cfg)
	sc.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond // so that the commit hears of it first
	told := make(chan error, 100)
	var removed atomic.Bool
	m := consume(t, cfg, sc, "shop", "orders", func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		if removed.CompareAndSwap(false, true) {
			if err := admin.RemoveMember(t.Context(), "shop", s.MemberID()); err != nil {
				return err
			}
		}
		s.MarkMessage(r, "")
		s.Commit()
		return nil
	}, kafka.GroupObserver{Error: func(err error) { told <- err }})
	if err := await.Value(t, "the observer is told", told); !errors.Is(err, sarama.ErrUnknownMemberId) && !errors.Is(err, sarama.ErrIllegalGeneration) { // Kafka's and kfake's answer
		t.Errorf("told %v", err)
	}
	m.awaitRecords(t, 2) // it joins again, and the record that was not committed comes again
	await.NoError(t, func() error {
		if offsets := committed(t, admin, "shop", "orders"); offsets[0] != 1 {
			return fmt.Errorf("committed %v, want 1", offsets)
		}
		return nil
	})
}

// produceUntil sends "0", "1" … one after another until stop is called, which returns how many were acknowledged.
func produceUntil(t *testing.T, cfg kafka.Config, topic string) (sent *atomic.Int64, stop func() int) {
	t.Helper()
	sc := saramaConfig(t, cfg)
	sc.Producer.Retry.Max = 100
	sc.Producer.Retry.Backoff = 20 * time.Millisecond
	sc.Metadata.Retry.Max = 100
	sc.Metadata.Retry.Backoff = 20 * time.Millisecond
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sent = new(atomic.Int64)
	done := make(chan error)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			v := sarama.StringEncoder(fmt.Sprint(sent.Load()))
			if _, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: v, Value: v}); err == nil {
				sent.Add(1)
			}
		}
		done <- errors.Join(err, producer.Close())
	}()
	return sent, sync.OnceValue(func() int {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		return int(sent.Load())
	})
}

// awaitSent waits until n more records have been sent.
func awaitSent(t *testing.T, sent *atomic.Int64, n int64) {
	t.Helper()
	target := sent.Load() + n
	await.NoError(t, func() error {
		if got := sent.Load(); got < target {
			return fmt.Errorf("%d records were sent, want %d", got, target)
		}
		return nil
	})
}

func requireAll(t *testing.T, m *member, n int, exactlyOnce bool) {
	t.Helper()
	await.NoError(t, func() error {
		if got := len(m.values()); got < n {
			return fmt.Errorf("%d different records, want %d", got, n)
		}
		return nil
	})
	for value, times := range m.values() {
		if exactlyOnce && times != 1 {
			t.Errorf("record %s came %d times", value, times)
		}
	}
}

// quickRetries makes a consumer come back soon after a failure.
func quickRetries(sc *sarama.Config) *sarama.Config {
	sc.Consumer.Retry.Backoff = 20 * time.Millisecond
	sc.Consumer.Group.Rebalance.Retry.Backoff = 20 * time.Millisecond
	sc.Metadata.Retry.Max = 20
	sc.Metadata.Retry.Backoff = 20 * time.Millisecond
	return sc
}

func TestBrokersStopAndStart(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 6)
	var told, sessions atomic.Int64
	m := consume(t, cfg, quickRetries(saramaConfig(t, cfg)), "shop", "orders", func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		s.MarkMessage(r, "")
		s.Commit()
		return nil
	}, kafka.GroupObserver{
		Assigned: func(sarama.ConsumerGroupSession) { sessions.Add(1) },
		Error: func(err error) {
			t.Log("recovered from:", err)
			told.Add(1)
		},
	})
	sent, stop := produceUntil(t, cfg, "orders")
	awaitSent(t, sent, 20)
	for _, broker := range []int32{0, 1} {
		if err := server.StopBroker(broker); err != nil {
			t.Fatal(err)
		}
		awaitSent(t, sent, 20)
		await.NoError(t, func() error {
			if told.Load() == 0 {
				return fmt.Errorf("nobody was told that broker %d is gone", broker)
			}
			return nil
		})
		if err := server.StartBroker(broker); err != nil {
			t.Fatal(err)
		}
		awaitSent(t, sent, 20)
	}
	n := stop()
	requireAll(t, m, n, false)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	if n, most := told.Load(), sessions.Load(); n > most { // of many that failed because of it
		t.Errorf("brokers that are gone were told %d times in %d sessions", n, most)
	}
	if d, err := admin.DescribeTopic(t.Context(), "orders"); err != nil || d.Records() != int64(n) {
		t.Errorf("%d records are stored (%v), want %d: the producer is idempotent", d.Records(), err, n)
	}
}

func TestNotLeader(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	admin := newAdmin(t, cfg)
	createTopic(t, admin, "orders", 3)
	m := consume(t, cfg, quickRetries(saramaConfig(t, cfg)), "shop", "orders", markEach, kafka.GroupObserver{Error: func(err error) { t.Log("recovered from:", err) }})
	sent, stop := produceUntil(t, cfg, "orders")
	for range 3 {
		awaitSent(t, sent, 20)
		fault := embeddedtest.NotLeader(server, "orders", 5)
		await.NoError(t, func() error {
			if hits := fault.Hits(); hits < 5 {
				return fmt.Errorf("%d hits, want 5", hits)
			}
			return nil
		})
	}
	awaitSent(t, sent, 20)
	requireAll(t, m, stop(), true)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	held := embeddedtest.Hold(t, server, "orders")
	sc := saramaConfig(t, cfg)
	sc.ChannelBufferSize = 0 // nothing is buffered between sarama's stages
	sc.Producer.Flush.MaxMessages = 1
	var told atomic.Int32
	producer, err := kafka.NewAsyncProducer(t.Context(), cfg, sc, func(_ *sarama.ProducerMessage, err error) {
		if err != nil {
			t.Error(err)
		}
		told.Add(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	handed := int32(0)
	for err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err = producer.Send(ctx, &sarama.ProducerMessage{Topic: "orders"}); err == nil {
			handed++
		}
		cancel()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	held.Release()
	if err := producer.Close(); err != nil {
		t.Error(err)
	}
	if told.Load() != handed {
		t.Errorf("%d fates were told of %d records", told.Load(), handed)
	}
}
