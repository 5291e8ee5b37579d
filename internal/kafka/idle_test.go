package kafka_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

// reasons remembers why a member was idle.
type reasons struct {
	mu      sync.Mutex
	all     []kafka.Idle
	awaited int
}

func (r *reasons) observer() kafka.GroupObserver {
	return kafka.GroupObserver{
		IdleAfter: 200 * time.Millisecond,
		Idle: func(why kafka.Idle) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.all = append(r.all, why)
		},
	}
}

// find looks for a reason whose text names some things (offsets, names), after the one found last. On a slow machine there
// are others too: a member that takes its time to join says so.
func (r *reasons) find(reason kafka.IdleReason, names ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, why := range r.all[r.awaited:] {
		if (reason == "" || why.Reason == reason) && !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(why.Text.EN, name) }) {
			r.awaited += i + 1
			if why.Text.KO == "" || why.Text.KO == why.Text.EN {
				return fmt.Errorf("%q is not translated", why.Text.EN)
			}
			if upTo := why.Reason == kafka.IdleCaughtUp || why.Reason == kafka.IdleAtNewest; upTo != (len(why.Ends) > 0) {
				return fmt.Errorf("%s with the ends %v", why.Reason, why.Ends)
			}
			return nil
		}
	}
	return fmt.Errorf("%s %q is not among %v", reason, names, r.all[r.awaited:])
}

func (r *reasons) await(t *testing.T, reason kafka.IdleReason, names ...string) {
	t.Helper()
	await.NoError(t, func() error { return r.find(reason, names...) })
}

// count counts the times of a reason whose text names some things.
func (r *reasons) count(reason kafka.IdleReason, names ...string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, why := range r.all {
		if why.Reason == reason && !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(why.Text.EN, name) }) {
			n++
		}
	}
	return n
}

func TestIdleCaughtUp(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 5)
	var why reasons
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, why.observer())
	m.awaitRecords(t, 5)
	why.await(t, kafka.IdleCaughtUp, "p0@5")
	send(t, cfg, "orders", 2)
	m.awaitRecords(t, 7)
	why.await(t, kafka.IdleCaughtUp, "p0@7") // and once for each silence
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	if n := why.count(kafka.IdleCaughtUp, "p0@7"); n != 1 {
		t.Errorf("a silence was told %d times", n)
	}
}

func TestIdleStartsAtNewest(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 5)
	sc := saramaConfig(t, cfg)
	sc.Consumer.Offsets.Initial = sarama.OffsetNewest
	var why reasons
	m := consume(t, cfg, sc, "shop", "orders", markEach, why.observer())
	why.await(t, kafka.IdleAtNewest, "p0@5")
	send(t, cfg, "orders", 1)
	m.awaitRecords(t, 1)
	why.await(t, kafka.IdleCaughtUp)
}

func TestIdleMoreMembersThanPartitions(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	var first, second reasons
	consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, first.observer())
	first.await(t, kafka.IdleCaughtUp)
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, second.observer())
	await.NoError(t, func() error { // either of them may get the partition
		if err := first.find(kafka.IdleNoPartition, "shop", "orders"); err != nil {
			return second.find(kafka.IdleNoPartition, "shop", "orders")
		}
		return nil
	})
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

// TestIdleWhileJoining waits for a member that does not join the next generation, because its handler does not return.
func TestIdleWhileJoining(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 1)
	stuck, entered, release := stuckAt0()
	consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", stuck, kafka.GroupObserver{})
	t.Cleanup(release) // before the member is stopped
	<-entered
	var why reasons
	consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, why.observer())
	why.await(t, kafka.IdleJoining, "shop", "PreparingRebalance, 2 members")
	release()
	why.await(t, "")
}

// TestIdleWithoutBrokers checks that nobody is said to wait for a group whose coordinator is gone.
func TestIdleWithoutBrokers(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	sc := saramaConfig(t, cfg)
	sc.Metadata.Retry.Max = 0
	var why reasons
	var gone atomic.Int64
	var dials countedDials
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, &dials
	obs := why.observer()
	obs.Error = func(err error) {
		if kafka.IsGone(err) {
			gone.Add(1)
		}
	}
	consume(t, cfg, sc, "shop", "orders", markEach, obs)
	why.await(t, kafka.IdleCaughtUp)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	await.NoError(t, func() error {
		if gone.Load() == 0 {
			return errors.New("nobody was told that the brokers are gone")
		}
		return nil
	})
	tries := dials.Load()
	await.True(t, "that it tries again and again", func() bool { return dials.Load() > tries+12 }) // with pauses longer than IdleAfter
	if n := why.count(kafka.IdleJoining); n > 0 || gone.Load() > 1 {
		t.Errorf("told %d times that the brokers are gone, and %d times that the group lets it wait: %v", gone.Load(), n, why.all)
	}
}

// countedDials counts the connections that are tried.
type countedDials struct{ atomic.Int64 }

func (d *countedDials) Dial(network, addr string) (net.Conn, error) {
	d.Add(1)
	return net.Dial(network, addr)
}

// TestIdleAfterBusy checks that a handler which takes long over its records is not called idle, and that the silence
// after them is told all the same.
func TestIdleAfterBusy(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 3)
	var why, clock reasons
	stuck, entered, release := stuckAt0()
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", stuck, why.observer())
	t.Cleanup(release)
	<-entered
	before := why.count(kafka.IdleCaughtUp) // on a very slow machine, before the first record came
	consume(t, cfg, saramaConfig(t, cfg), "idlers", "orders", markEach, clock.observer())
	clock.await(t, kafka.IdleCaughtUp) // the time after which an idle member says so has passed
	if why.count(kafka.IdleCaughtUp) != before {
		t.Error("a busy member is called idle")
	}
	release()
	m.awaitRecords(t, 3)
	why.await(t, kafka.IdleCaughtUp, "p0@3")
}

// TestIdleCommitsAtTheEnd starts a group again that has read everything: nothing is skipped, whatever its setting for a
// group without offsets says.
func TestIdleCommitsAtTheEnd(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 2)
	send(t, cfg, "orders", 5)
	commitEach := func(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error {
		s.MarkMessage(m, "")
		s.Commit()
		return nil
	}
	first := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", commitEach, kafka.GroupObserver{})
	first.awaitRecords(t, 5)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	sc := saramaConfig(t, cfg)
	sc.Consumer.Offsets.Initial = sarama.OffsetNewest
	var why reasons
	consume(t, cfg, sc, "shop", "orders", commitEach, why.observer())
	why.await(t, kafka.IdleCaughtUp)
	if why.count(kafka.IdleAtNewest) > 0 {
		t.Error("a group with committed offsets is told that it skips records")
	}
}

// TestIdleOpenTransaction reads committed records only, behind a transaction that was there before the member joins, and
// one that begins later.
func TestIdleOpenTransaction(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 2)
	sc := saramaConfig(t, cfg)
	sc.Producer.Transaction.ID = "till"
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	}()
	begin := func() {
		t.Helper()
		if err := producer.BeginTxn(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "orders", Value: sarama.StringEncoder("in doubt")}); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() {
		t.Helper()
		if err := producer.CommitTxn(); err != nil {
			t.Fatal(err)
		}
	}

	begin()
	sc = saramaConfig(t, cfg)
	sc.Consumer.IsolationLevel = sarama.ReadCommitted
	var why, uncommitted reasons
	m := consume(t, cfg, sc, "shop", "orders", markEach, why.observer())
	m.awaitRecords(t, 2)
	why.await(t, kafka.IdleOpenTransaction, "p0@2")
	consume(t, cfg, saramaConfig(t, cfg), "rivals", "orders", markEach, uncommitted.observer())
	uncommitted.await(t, kafka.IdleCaughtUp, "p0@3")
	if uncommitted.count(kafka.IdleOpenTransaction) > 0 {
		t.Error("a member that reads all records waits for a transaction")
	}
	commit()
	m.awaitRecords(t, 3)
	why.await(t, kafka.IdleCaughtUp, "p0@4") // after the marker

	begin()
	send(t, cfg, "orders", 1) // behind the transaction
	why.await(t, kafka.IdleOpenTransaction, "p0@4")
	commit()
	m.awaitRecords(t, 5)
	why.await(t, kafka.IdleCaughtUp, "p0@7")
}

// TestIdleBusyWithTheLast has a handler that takes long over the last record: there is nothing to fetch any more, and
// yet the member does not wait for records.
func TestIdleBusyWithTheLast(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	send(t, cfg, "orders", 1)
	var why reasons
	stuck, entered, release := stuckAt0()
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", stuck, why.observer())
	t.Cleanup(release)
	<-entered
	why.await(t, kafka.IdleUnmarked, "p0@0")
	if why.count(kafka.IdleCaughtUp) > 0 {
		t.Error("a busy member is said to wait for records")
	}
	release()
	m.awaitRecords(t, 1)
	why.await(t, kafka.IdleCaughtUp, "p0@1")
}
