package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
)

// reasons remembers why a member was idle.
type reasons struct {
	mu      sync.Mutex
	all     []i18n.Text
	awaited int
}

func (r *reasons) observer() kafka.GroupObserver {
	return kafka.GroupObserver{
		IdleAfter: 200 * time.Millisecond,
		Idle: func(why i18n.Text) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.all = append(r.all, why)
		},
	}
}

// find looks for a reason that names some things, after the one found last. On a slow machine there are others too: a
// member that takes its time to join says so.
func (r *reasons) find(names ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, why := range r.all[r.awaited:] {
		if !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(why.EN, name) }) {
			r.awaited += i + 1
			if why.KO == "" || why.KO == why.EN {
				return fmt.Errorf("%q is not translated", why.EN)
			}
			return nil
		}
	}
	return fmt.Errorf("%q is not among %v", names, r.all[r.awaited:])
}

func (r *reasons) await(t *testing.T, names ...string) {
	t.Helper()
	await.NoError(t, func() error { return r.find(names...) })
}

// count counts the reasons that name something.
func (r *reasons) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, why := range r.all {
		if strings.Contains(why.EN, name) {
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
	why.await(t, "caught up", "p0@5")
	send(t, cfg, "orders", 2)
	m.awaitRecords(t, 7)
	why.await(t, "caught up", "p0@7") // and once for each silence
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	if n := why.count("p0@7"); n != 1 {
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
	why.await(t, "newest", "p0@5")
	send(t, cfg, "orders", 1)
	m.awaitRecords(t, 1)
	why.await(t, "caught up")
}

func TestIdleMoreMembersThanPartitions(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	var first, second reasons
	consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, first.observer())
	first.await(t, "caught up")
	m := consume(t, cfg, saramaConfig(t, cfg), "shop", "orders", markEach, second.observer())
	await.NoError(t, func() error { // either of them may get the partition
		none := []string{"no partition is assigned", "shop", "orders"}
		if err := first.find(none...); err != nil {
			return second.find(none...)
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
	why.await(t, "not in group shop yet", "PreparingRebalance, 2 members")
	release()
	why.await(t)
}

func TestIdleWithoutLeader(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 1)
	sc := saramaConfig(t, cfg)
	sc.Metadata.Retry.Max = 0
	var why reasons
	consume(t, cfg, sc, "shop", "orders", markEach, why.observer())
	why.await(t, "caught up")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	await.NoError(t, func() error {
		if err := why.find("does not answer"); err != nil {
			return why.find("not in group shop yet")
		}
		return nil
	})
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
	before := why.count("caught up") // on a very slow machine, before the first record came
	consume(t, cfg, saramaConfig(t, cfg), "idlers", "orders", markEach, clock.observer())
	clock.await(t, "caught up") // the time after which an idle member says so has passed
	if why.count("caught up") != before {
		t.Error("a busy member is called idle")
	}
	release()
	m.awaitRecords(t, 3)
	why.await(t, "caught up", "p0@3")
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
	why.await(t, "caught up")
	if why.count("newest") > 0 {
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
	why.await(t, "open transaction", "read_committed", "p0@2")
	consume(t, cfg, saramaConfig(t, cfg), "rivals", "orders", markEach, uncommitted.observer())
	uncommitted.await(t, "caught up", "p0@3")
	if uncommitted.count("transaction") > 0 {
		t.Error("a member that reads all records waits for a transaction")
	}
	commit()
	m.awaitRecords(t, 3)
	why.await(t, "caught up", "p0@4") // after the marker

	begin()
	send(t, cfg, "orders", 1) // behind the transaction
	why.await(t, "open transaction", "p0@4")
	commit()
	m.awaitRecords(t, 5)
	why.await(t, "caught up", "p0@7")
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
	why.await(t, "has been fetched", "p0@0 is not marked")
	if why.count("caught up") > 0 {
		t.Error("a busy member is said to wait for records")
	}
	release()
	m.awaitRecords(t, 1)
	why.await(t, "caught up", "p0@1")
}
