package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/parallel"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, *sarama.ConsumerMessage) error { return nil }
	for name, o := range map[string]parallel.Options{
		"Handle":         {},
		"Mode":           {Handle: handle, Mode: "random"},
		"Workers":        {Handle: handle, Workers: -1},
		"MaxInFlight":    {Handle: handle, MaxInFlight: -1},
		"CommitInterval": {Handle: handle, CommitInterval: -1},
		"DrainTimeout":   {Handle: handle, DrainTimeout: -1},
	} {
		if _, err := parallel.New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error about %s", err, name)
		}
	}
}

// TestModes checks which of the first records run at the same time, with workers for all. Records are started in the
// order in which they become ready, so once the last of those expected runs, one that wrongly runs would run too.
func TestModes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode    parallel.Mode
		records []record
		running []string
	}{
		"key": {
			mode:    parallel.Key,
			records: slices.Concat(keyed(0, "a", "a", "b", "b", "c"), keyed(1, "a", "b")), // a key's order is kept in a partition
			running: slices.Concat(names(0, 0, 2, 4), names(1, 0, 1)),
		},
		"key, and records without one": {
			mode:    parallel.Key,
			records: slices.Concat(keyed(0, "a", "", "", "b"), keyed(1, "", "")),
			running: slices.Concat(names(0, 0, 1, 3), names(1, 0)),
		},
		"partition": {
			mode:    parallel.Partition,
			records: slices.Concat(keyed(0, "a", "b", "", "c"), keyed(1, "a", "b")),
			running: slices.Concat(names(0, 0), names(1, 0)),
		},
		"unordered": {
			mode:    parallel.Unordered,
			records: slices.Concat(keyed(0, "a", "a", "", ""), keyed(1, "a", "a")),
			running: slices.Concat(names(0, 0, 1, 2, 3), names(1, 0, 1)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, admin := startKafka(t, "orders", 2)
			send(t, cfg, "orders", test.records...)
			s := newStage()
			m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", newHandler(t, parallel.Options{Handle: s.handle, Mode: test.mode}), kafka.GroupObserver{})
			s.awaitRunning(t, test.running...)
			s.finishAll(t, len(test.records))
			if err := m.stop(); err != nil {
				t.Error(err)
			}
			s.requireOnce(t, len(test.records))
			total := int64(0)
			for _, offset := range committed(t, admin, "shop", "orders") {
				total += offset
			}
			if total != int64(len(test.records)) {
				t.Errorf("%d records are committed, want %d", total, len(test.records))
			}
		})
	}
}

// TestOrderOfAKey ends the records of one key one by one.
func TestOrderOfAKey(t *testing.T) {
	t.Parallel()
	cfg, admin := startKafka(t, "orders", 1)
	send(t, cfg, "orders", keyed(0, "a", "b", "a", "b", "a")...)
	s := newStage()
	h := newHandler(t, parallel.Options{Handle: s.handle, CommitInterval: 10 * time.Millisecond})
	join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	s.awaitRunning(t, names(0, 0, 1)...)
	s.end(nil, names(0, 1)...)
	s.awaitRunning(t, names(0, 0, 3)...)
	s.end(nil, names(0, 3)...)
	s.awaitRunning(t, names(0, 0)...)
	requireCommitted(t, admin, "shop", "orders", 0, -1) // the first is not done
	s.end(nil, names(0, 0)...)
	s.awaitRunning(t, names(0, 2)...)
	awaitCommitted(t, admin, "shop", "orders", 0, 2) // 3 is done, 2 is not
	s.end(nil, names(0, 2)...)
	s.awaitRunning(t, names(0, 4)...)
	awaitCommitted(t, admin, "shop", "orders", 0, 4)
	s.end(nil, names(0, 4)...)
	awaitCommitted(t, admin, "shop", "orders", 0, 5)
}

// TestWorkersAreTheLimit has more partitions and keys than workers.
func TestWorkersAreTheLimit(t *testing.T) {
	t.Parallel()
	const workers, count = 3, 200
	cfg, _ := startKafka(t, "orders", 4)
	var records []record
	for i := range count {
		records = append(records, record{int32(i % 4), fmt.Sprint(i)})
	}
	send(t, cfg, "orders", records...)
	var running, most, done atomic.Int32
	full := make(chan struct{}) // closed when all workers have work
	h := newHandler(t, parallel.Options{Workers: workers, Handle: func(context.Context, *sarama.ConsumerMessage) error {
		defer done.Add(1)
		defer running.Add(-1)
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == workers && done.Load() == 0 {
			close(full)
		}
		<-full
		return nil
	}})
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	await.NoError(t, func() error {
		if n := done.Load(); n < count {
			return fmt.Errorf("%d records are done, want %d", n, count)
		}
		return nil
	})
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	if most.Load() != workers {
		t.Errorf("%d records were handled at the same time, want %d", most.Load(), workers)
	}
}

// TestMaxInFlight holds the first record of a partition: the others go on, up to the limit.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	const limit, count = 20, 500
	cfg, _ := startKafka(t, "orders", 1)
	send(t, cfg, "orders", make([]record, count)...)
	s := newStage()
	h := newHandler(t, parallel.Options{Handle: s.handle, Mode: parallel.Unordered, Workers: 2 * limit, MaxInFlight: limit})
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	var first []int
	for i := range limit {
		first = append(first, i)
	}
	s.awaitRunning(t, names(0, first...)...)
	s.end(nil, names(0, first[1:]...)...)
	s.awaitRunning(t, names(0, 0)...) // the others are done, and nothing more is read
	s.end(nil, names(0, 0)...)
	for i := range first {
		first[i] += limit
	}
	s.awaitRunning(t, names(0, first...)...)
	s.finishAll(t, count)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	s.requireOnce(t, count)
}

// TestBlockedPartition reads nothing for much longer than MaxProcessingTime. sarama stops fetching the partition, and
// that is all: no rebalance, nothing lost, nothing twice, and another partition of the same broker goes on.
func TestBlockedPartition(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits until sarama has given a partition up, for long enough that nobody can doubt it")
	}
	t.Parallel()
	const topic, limit, count, later = "blocked", 8, 1000, 300
	cfg, _ := startKafka(t, topic, 6)
	slow, neighbour := neighbours(t, cfg, topic)
	send(t, cfg, topic, slices.Concat(slices.Repeat([]record{{partition: slow}}, count), []record{{partition: neighbour}})...)
	sc := saramaConfig(t, cfg)
	sc.Consumer.MaxProcessingTime = 20 * time.Millisecond
	s := newStage()
	var passed atomic.Int32 // the neighbour's records
	h := newHandler(t, parallel.Options{Mode: parallel.Unordered, Workers: 2 * limit, MaxInFlight: limit,
		Handle: func(ctx context.Context, m *sarama.ConsumerMessage) error {
			if m.Partition == neighbour {
				passed.Add(1)
				return nil
			}
			return s.handle(ctx, m)
		}})
	m := join(t, cfg, sc, "shop", topic, h, kafka.GroupObserver{Error: func(err error) { t.Error(err) }})
	await.NoError(t, func() error {
		if abandoned.times(topic, slow) == 0 {
			return errors.New("sarama still feeds the partition")
		}
		return nil
	})
	send(t, cfg, topic, slices.Repeat([]record{{partition: neighbour}}, later)...)
	await.NoError(t, func() error {
		if n := passed.Load(); n != later+1 {
			return fmt.Errorf("%d records of the neighbour, want %d", n, later+1)
		}
		return nil
	})
	s.finishAll(t, count)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	s.requireOnce(t, count)
	if n := m.sessions.Load(); n != 1 {
		t.Errorf("%d sessions, want 1: no rebalance", n)
	}
}

// TestSlowPartition has a partition that is slow but never stops, beside a quick one of the same broker. The quick one
// is done first, although each batch of the slow one takes seconds.
func TestSlowPartition(t *testing.T) {
	t.Parallel()
	const topic, count, many = "slow", 2000, 10_000
	cfg, _ := startKafka(t, topic, 6)
	slow, quick := neighbours(t, cfg, topic)
	send(t, cfg, topic, slices.Concat(slices.Repeat([]record{{partition: slow}}, count), slices.Repeat([]record{{partition: quick}}, many))...)
	sc := saramaConfig(t, cfg)
	sc.Consumer.Fetch.Default = 1 // a batch at a time: many fetches for the quick one
	var slowDone, quickDone atomic.Int32
	h := newHandler(t, parallel.Options{Mode: parallel.Partition, MaxInFlight: 256, Handle: func(ctx context.Context, m *sarama.ConsumerMessage) error {
		if m.Partition == quick {
			quickDone.Add(1)
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
			slowDone.Add(1)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	m := join(t, cfg, sc, "shop", topic, h, kafka.GroupObserver{})
	await.NoError(t, func() error {
		if n := quickDone.Load(); n < many {
			return fmt.Errorf("%d quick records are done, want %d", n, many)
		}
		return nil
	})
	if n := slowDone.Load(); n > count/2 {
		t.Errorf("the quick partition waited for %d records of the slow one", n)
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}

// TestPausingDoesNotHelp shows why the package does not pause partitions: one that is paused as soon as its first record
// is there runs into MaxProcessingTime all the same, because of what has been fetched.
func TestPausingDoesNotHelp(t *testing.T) {
	t.Parallel()
	const topic = "paused"
	cfg, _ := startKafka(t, topic, 1)
	send(t, cfg, topic, make([]record, 1000)...)
	sc := saramaConfig(t, cfg)
	sc.Consumer.MaxProcessingTime = 20 * time.Millisecond
	join(t, cfg, sc, "shop", topic, pauser{}, kafka.GroupObserver{})
	await.NoError(t, func() error {
		if abandoned.times(topic, 0) == 0 {
			return errors.New("sarama does not mind")
		}
		return nil
	})
}

// pauser takes the first record, pauses the partition and takes no more.
type pauser struct{}

func (pauser) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (pauser) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (pauser) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	select {
	case <-c.Messages():
		c.(interface{ Pause() }).Pause()
	case <-s.Context().Done():
	}
	<-s.Context().Done()
	return nil
}

// neighbours are two partitions with the same leader.
func neighbours(t *testing.T, cfg kafka.Config, topic string) (int32, int32) {
	t.Helper()
	client, err := kafka.NewClient(t.Context(), cfg, saramaConfig(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	partitions, err := client.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	led := map[int32]int32{} // by leader
	for _, p := range partitions {
		leader, err := client.Leader(topic, p)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := led[leader.ID()]; ok {
			return other, p
		}
		led[leader.ID()] = p
	}
	t.Fatalf("no leader has two of the partitions %v", partitions)
	return 0, 0
}

func TestFirstErrorEndsAll(t *testing.T) {
	t.Parallel()
	cfg, admin := startKafka(t, "orders", 2)
	send(t, cfg, "orders", slices.Concat(keyed(0, "a", "b", "c", "b", "d", "a"), keyed(1, "x", "x"))...)
	s := newStage()
	h := newHandler(t, parallel.Options{Handle: s.handle})
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	s.awaitRunning(t, slices.Concat(names(0, 0, 1, 2, 4), names(1, 0))...)
	broken := errors.New("broken")
	s.end(broken, names(0, 2)...)
	s.awaitRunning(t, slices.Concat(names(0, 0, 1, 4), names(1, 0))...)
	s.end(nil, names(0, 4)...) // so that this end is counted after the failure
	s.awaitRunning(t, slices.Concat(names(0, 0, 1), names(1, 0))...)
	s.end(nil, slices.Concat(names(0, 0, 1), names(1, 0))...)
	err := m.wait(t)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "orders, partition 0, offset 2") {
		t.Errorf("got %v, want the handler's error with its topic, partition and offset", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) != 5 {
		t.Errorf("%v were started, want nothing after the failure", s.order)
	}
	requireCommitted(t, admin, "shop", "orders", 0, 2) // 4 is done, and comes again
	requireCommitted(t, admin, "shop", "orders", 1, 1)
}

// TestErrorOfAnIdleMember fails a record while the other partition waits for records.
func TestErrorOfAnIdleMember(t *testing.T) {
	t.Parallel()
	cfg, _ := startKafka(t, "orders", 2)
	send(t, cfg, "orders", record{partition: 0})
	broken := errors.New("broken")
	h := newHandler(t, parallel.Options{Handle: func(context.Context, *sarama.ConsumerMessage) error { return broken }})
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	if err := m.wait(t); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestStopRepeatsNothing stops a member in the middle. What it has started is done, and what lies below that too, so
// that the next member goes on where this one ended.
func TestStopRepeatsNothing(t *testing.T) {
	t.Parallel()
	cfg, admin := startKafka(t, "orders", 1)
	send(t, cfg, "orders", keyed(0, "a", "a", "a", "b", "a")...)
	s := newStage()
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", newHandler(t, parallel.Options{Handle: s.handle}), kafka.GroupObserver{})
	s.awaitRunning(t, names(0, 0, 3)...)
	m.cancel()
	s.end(nil, names(0, 3)...)
	s.awaitRunning(t, names(0, 0)...)
	s.end(nil, names(0, 0)...)
	s.awaitRunning(t, names(0, 1)...) // it lies below 3
	s.end(nil, names(0, 1)...)
	s.awaitRunning(t, names(0, 2)...)
	s.end(nil, names(0, 2)...)
	if err := m.wait(t); err != nil {
		t.Error(err)
	}
	requireCommitted(t, admin, "shop", "orders", 0, 4)
	m = join(t, cfg, saramaConfig(t, cfg), "shop", "orders", newHandler(t, parallel.Options{Handle: s.handle}), kafka.GroupObserver{})
	s.finishAll(t, 5)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	s.requireOnce(t, 5)
}

// TestDrainTimeout stops a member whose records never end by themselves.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	cfg, admin := startKafka(t, "orders", 1)
	send(t, cfg, "orders", keyed(0, "a", "b", "c", "b")...)
	s := newStage()
	h := newHandler(t, parallel.Options{Handle: s.handle, DrainTimeout: 50 * time.Millisecond})
	m := join(t, cfg, saramaConfig(t, cfg), "shop", "orders", h, kafka.GroupObserver{})
	s.awaitRunning(t, names(0, 0, 1, 2)...)
	s.end(nil, names(0, 0, 2)...)
	s.awaitRunning(t, names(0, 1)...)
	if err := m.stop(); err != nil { // offset 1 was cancelled: that is no error
		t.Error(err)
	}
	requireCommitted(t, admin, "shop", "orders", 0, 1)
	join(t, cfg, saramaConfig(t, cfg), "shop", "orders", newHandler(t, parallel.Options{Handle: s.handle}), kafka.GroupObserver{})
	s.awaitRunning(t, names(0, 1, 2)...)
	s.finishAll(t, 4)
}

// strategies are one of each kind of rebalance.
var strategies = map[string]func() sarama.BalanceStrategy{
	"eager":       sarama.NewBalanceStrategyRange,
	"cooperative": sarama.NewBalanceStrategyCooperativeSticky,
}

// TestRebalance lets a second member join while the first works, with both kinds of rebalance.
func TestRebalance(t *testing.T) {
	t.Parallel()
	for name, strategy := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, admin := startKafka(t, "orders", 2)
			send(t, cfg, "orders", slices.Concat(keyed(0, "a", "b", "a"), keyed(1, "a", "b", "a"))...)
			stages := []*stage{newStage(), newStage()}
			var owners [2]sync.Map // partitions of each member
			var members []*member
			start := func(i int) {
				sc := saramaConfig(t, cfg)
				sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy()}
				members = append(members, join(t, cfg, sc, "shop", "orders", newHandler(t, parallel.Options{Handle: stages[i].handle}), kafka.GroupObserver{
					Acquired: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) { owners[i].Store(c.Partition(), true) },
					Released: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) { owners[i].Delete(c.Partition()) },
				}))
			}
			start(0)
			stages[0].awaitRunning(t, slices.Concat(names(0, 0, 1), names(1, 0, 1))...)
			start(1)
			total := func() int {
				n := 0
				for _, s := range stages {
					s.mu.Lock()
					n += len(s.done)
					s.mu.Unlock()
				}
				return n
			}
			await.NoError(t, func() error {
				for _, s := range stages {
					s.mu.Lock()
					for _, end := range s.running {
						select {
						case end <- nil:
						default:
						}
					}
					s.mu.Unlock()
				}
				var shares [2]int
				for i := range owners {
					owners[i].Range(func(any, any) bool { shares[i]++; return true })
				}
				if total() < 6 || shares != [2]int{1, 1} {
					return fmt.Errorf("%d records are done, want 6; the members have %v partitions", total(), shares)
				}
				return nil
			})
			for _, m := range members {
				if err := m.stop(); err != nil {
					t.Error(err)
				}
			}
			for i, s := range stages {
				for name, times := range s.done {
					if times != 1 || stages[1-i].done[name] != 0 {
						t.Errorf("%s was handled more than once", name)
					}
				}
			}
			for p := range int32(2) {
				requireCommitted(t, admin, "shop", "orders", p, 3)
			}
		})
	}
}

// TestGivesUpAFullPartition lets a second member join while the window of each partition of the first is full behind a
// record that never ends by itself. A cooperative rebalance takes one partition away and leaves the session as it is.
func TestGivesUpAFullPartition(t *testing.T) {
	t.Parallel()
	const limit = 4
	cfg, _ := startKafka(t, "orders", 2)
	send(t, cfg, "orders", slices.Concat(slices.Repeat([]record{{partition: 0}}, 1000), slices.Repeat([]record{{partition: 1}}, 1000))...)
	start := func(s *stage) (*member, *sync.Map) {
		var owned sync.Map
		sc := saramaConfig(t, cfg)
		sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
		h := newHandler(t, parallel.Options{Handle: s.handle, Mode: parallel.Unordered, MaxInFlight: limit, DrainTimeout: 50 * time.Millisecond})
		return join(t, cfg, sc, "shop", "orders", h, kafka.GroupObserver{
			Acquired: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) { owned.Store(c.Partition(), true) },
		}), &owned
	}
	first, second := newStage(), newStage()
	m, _ := start(first)
	first.awaitRunning(t, slices.Concat(names(0, 0, 1, 2, 3), names(1, 0, 1, 2, 3))...)
	_, owned := start(second)
	var moved any
	await.NoError(t, func() error {
		owned.Range(func(p, _ any) bool { moved = p; return false })
		if moved == nil {
			return errors.New("the first member keeps its partitions")
		}
		return nil
	})
	second.awaitRunning(t, names(moved.(int32), 0, 1, 2, 3)...)
	first.awaitRunning(t, names(1-moved.(int32), 0, 1, 2, 3)...) // it goes on
	if n := m.sessions.Load(); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// TestCommit checks when commits come: by the package alone, and beside sarama's own.
func TestCommit(t *testing.T) {
	t.Parallel()
	for _, auto := range []bool{false, true} {
		t.Run(fmt.Sprintf("AutoCommit %v", auto), func(t *testing.T) {
			t.Parallel()
			cfg, admin := startKafka(t, "orders", 1)
			sc := saramaConfig(t, cfg)
			sc.Consumer.Offsets.AutoCommit.Enable = auto
			sc.Consumer.Offsets.AutoCommit.Interval = 10 * time.Millisecond
			s := newStage()
			h := newHandler(t, parallel.Options{Handle: s.handle, Mode: parallel.Unordered, CommitInterval: 10 * time.Millisecond})
			m := join(t, cfg, sc, "shop", "orders", h, kafka.GroupObserver{})
			send(t, cfg, "orders", make([]record, 3)...)
			s.awaitRunning(t, names(0, 0, 1, 2)...)
			s.end(nil, names(0, 0, 2)...)
			awaitCommitted(t, admin, "shop", "orders", 0, 1)
			s.end(nil, names(0, 1)...)
			awaitCommitted(t, admin, "shop", "orders", 0, 3)
			if err := m.stop(); err != nil {
				t.Error(err)
			}
			requireCommitted(t, admin, "shop", "orders", 0, 3)
		})
	}
}
