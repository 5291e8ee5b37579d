package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/parallel"
)

// ledger knows everything that happens in a group and checks it against what the package promises:
//
//   - A tenure is the time in which one member has a partition. In each tenure every record is started at most once, and
//     only when the record before it, of the same key, was done: in this tenure if it belongs to it, else in an earlier
//     one. So repetitions after a crash start further back, and go on in order.
//   - From the first record of a tenure that is not done to the last that was started there are MaxInFlight at most.
//   - A member handles no more than Workers records at a time, and none outside of its tenures.
//   - What is committed is done.
type ledger struct {
	workers, maxInFlight int64

	mu         sync.Mutex
	before     [][]int64 // by partition and offset: the record before it, of the same key, or -1
	done       [][]bool  // by partition and offset, in whatever tenure
	handled    int       // records, with repetitions
	distinct   int       // without
	tenures    map[tenureID]*tenure
	violations []string
}

type tenureID struct {
	member    *chaosMember
	partition int32
}

type tenure struct {
	first     int64 // offset
	firstOpen int64
	done      map[int64]bool
	running   map[int64]bool
}

func newLedger(partitions int, records []record, workers, maxInFlight int64) *ledger {
	l := &ledger{workers: workers, maxInFlight: maxInFlight, before: make([][]int64, partitions), done: make([][]bool, partitions), tenures: map[tenureID]*tenure{}}
	last := map[record]int64{}
	for _, r := range records {
		before, ok := last[r]
		if !ok {
			before = -1
		}
		last[r] = int64(len(l.before[r.partition]))
		l.before[r.partition] = append(l.before[r.partition], before)
		l.done[r.partition] = append(l.done[r.partition], false)
	}
	return l
}

func (l *ledger) violated(format string, args ...any) {
	l.violations = append(l.violations, fmt.Sprintf(format, args...))
}

func (l *ledger) begin(m *chaosMember, partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	offset = max(offset, 0) // sarama.OffsetOldest
	l.tenures[tenureID{m, partition}] = &tenure{first: offset, firstOpen: offset, done: map[int64]bool{}, running: map[int64]bool{}}
}

func (l *ledger) end(m *chaosMember, partition int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.tenures[tenureID{m, partition}].running); n > 0 && !m.dead {
		l.violated("%s gives up partition %d while %d records run", m.name, partition, n)
	}
	delete(l.tenures, tenureID{m, partition})
}

var errDead = errors.New("the member is dead")

// start is called before the work for a record. It fails in a member that was killed: nothing happens there any more.
func (l *ledger) start(m *chaosMember, partition int32, offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.dead {
		return errDead
	}
	t := l.tenures[tenureID{m, partition}]
	if t == nil {
		l.violated("%s handles %d@%d, which it does not have", m.name, partition, offset)
		return nil
	}
	if m.running++; m.running > l.workers {
		l.violated("%s handles %d records at a time", m.name, m.running)
	}
	if t.running[offset] || t.done[offset] {
		l.violated("%s started %d@%d twice in a tenure", m.name, partition, offset)
	}
	if before := l.before[partition][offset]; before >= 0 {
		if before >= t.first && !t.done[before] || !l.done[partition][before] {
			l.violated("%s started %d@%d before %d of the same key was done", m.name, partition, offset, before)
		}
	}
	if inFlight := offset - t.firstOpen + 1; inFlight > l.maxInFlight {
		l.violated("%s has %d records of partition %d in flight", m.name, inFlight, partition)
	}
	t.running[offset] = true
	return nil
}

// finish is called after the work.
func (l *ledger) finish(m *chaosMember, partition int32, offset int64, done bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.dead {
		return errDead
	}
	m.running--
	t := l.tenures[tenureID{m, partition}]
	if t == nil {
		l.violated("%s finishes %d@%d, which it does not have", m.name, partition, offset)
		return nil
	}
	delete(t.running, offset)
	if !done {
		return nil
	}
	t.done[offset] = true
	for t.done[t.firstOpen] {
		t.firstOpen++
	}
	l.handled++
	if !l.done[partition][offset] {
		l.done[partition][offset] = true
		l.distinct++
	}
	return nil
}

// check compares with what is committed now.
func (l *ledger) check(committed map[int32]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, offset := range committed {
		if offset > 0 {
			if open := slices.Index(l.done[p][:offset], false); open >= 0 {
				l.violated("%d is committed in partition %d, where %d is not done", offset, p, open)
			}
		}
	}
}

func (l *ledger) progress() (handled, distinct int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handled, l.distinct
}

// chaosMember is a member that can be killed: what it does afterwards has no effect, and nobody hears of it.
type chaosMember struct {
	*member
	name    string
	running int64 // guarded by ledger.mu, as dead
	dead    bool
	mu      sync.Mutex
	conns   []net.Conn
	cut     bool
}

// Dial makes it a proxy.Dialer: sarama connects through it.
func (m *chaosMember) Dial(network, addr string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut {
		return nil, errDead
	}
	conn, err := net.DialTimeout(network, addr, time.Second)
	if err == nil {
		m.conns = append(m.conns, conn)
	}
	return conn, err
}

// pullPlug breaks the member's connections for good.
func (m *chaosMember) pullPlug() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = true
	for _, conn := range m.conns {
		_ = conn.Close() // it may be closed already
	}
}

// removeMembers takes the members with this client id out of the group.
func removeMembers(t *testing.T, admin *kafka.Admin, group, clientID string) {
	t.Helper()
	d, err := admin.DescribeGroup(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Members {
		if m.ClientID != clientID {
			continue
		}
		if err := admin.RemoveMember(t.Context(), group, m.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// TestModel lets members join, leave, be thrown out of the group and be killed while they work, and checks with a
// ledger that the package keeps its promises.
func TestModel(t *testing.T) {
	t.Parallel()
	for name, strategy := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			chaos(t, strategy, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func chaos(t *testing.T, strategy func() sarama.BalanceStrategy, random *rand.Rand) {
	const (
		topic, group = "orders", "shop"
		partitions   = 4
		count        = 3000
		workers      = 8
		maxInFlight  = 50
		events       = 15
	)
	cfg, admin := startKafka(t, topic, partitions)
	records := make([]record, count)
	for i := range records {
		records[i] = record{random.Int32N(partitions), string(rune('a' + int(random.ExpFloat64()*4)))} // some keys are hot
	}
	send(t, cfg, topic, records...)
	l := newLedger(partitions, records, workers, maxInFlight)

	handle := func(m *chaosMember) func(context.Context, *sarama.ConsumerMessage) error {
		return func(ctx context.Context, r *sarama.ConsumerMessage) error {
			if err := l.start(m, r.Partition, r.Offset); err != nil {
				return err
			}
			var err error
			if n := rand.ExpFloat64(); n > 0.5 { // the work
				select {
				case <-time.After(time.Duration(n * float64(2*time.Millisecond))):
				case <-ctx.Done():
					err = ctx.Err()
				}
			}
			return errors.Join(l.finish(m, r.Partition, r.Offset, err == nil), err)
		}
	}
	started := 0
	start := func() *chaosMember {
		started++
		m := &chaosMember{name: fmt.Sprintf("member-%d", started)}
		h := newHandler(t, parallel.Options{
			Handle:         handle(m),
			Workers:        workers,
			MaxInFlight:    maxInFlight,
			CommitInterval: 10 * time.Millisecond,
			DrainTimeout:   time.Duration(random.IntN(20)) * time.Millisecond, // sometimes too short, 0 is the default
		})
		sc := saramaConfig(t, cfg)
		sc.ClientID = m.name
		sc.Consumer.Group.Session.Timeout = 6 * time.Second // the least that kfake takes
		sc.Consumer.Group.Rebalance.Timeout = 2 * time.Second
		sc.Net.ReadTimeout = 3 * time.Second // kfake never answers the JoinGroup of a member that is thrown out meanwhile
		sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, m
		sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy()}
		m.member = join(t, cfg, sc, group, topic, h, kafka.GroupObserver{
			Acquired: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
				l.begin(m, c.Partition(), c.(interface{ InitialOffset() int64 }).InitialOffset())
			},
			Released: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) { l.end(m, c.Partition()) },
		})
		return m
	}

	// Somebody looks now and then at what is committed.
	watching, stopWatch := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-time.After(rand.N(10 * time.Millisecond)):
			case <-watching.Done():
				return
			}
			offsets, err := admin.Committed(watching, group, topic)
			if err != nil {
				t.Error(err)
				return
			}
			l.check(offsets)
		}
	})
	defer wg.Wait()
	defer stopWatch()

	members := []*chaosMember{start()}
	var ended []*chaosMember
	for range events {
		handled, distinct := l.progress()
		goal := handled + 20 + random.IntN(count/events)
		eventually(t, func() error {
			if now, all := l.progress(); now < goal && all < count {
				return fmt.Errorf("%d records were handled, want %d", now, goal)
			}
			return nil
		})
		if distinct == count {
			break
		}
		i := random.IntN(len(members))
		m := members[i]
		switch action := random.IntN(5); {
		case len(members) < 2 || action < 2 && len(members) < 4:
			members = append(members, start())
		case action == 2: // it leaves
			m.cancel()
			members, ended = slices.Delete(members, i, i+1), append(ended, m)
		case action == 3: // it is thrown out, and may come back
			removeMembers(t, admin, group, m.name)
		default: // it dies
			l.mu.Lock()
			m.dead = true
			l.mu.Unlock()
			m.pullPlug()
			m.cancel() // a dead process needs no memory
			members = slices.Delete(members, i, i+1)
			removeMembers(t, admin, group, m.name) // nobody wants to wait for its session timeout
		}
	}
	eventually(t, func() error {
		if _, distinct := l.progress(); distinct < count {
			return fmt.Errorf("%d different records were handled, want %d", distinct, count)
		}
		return nil
	})
	for _, m := range append(ended, members...) {
		m.cancel()
	}
	for _, m := range append(ended, members...) {
		if err := m.wait(t); err != nil && !errors.Is(err, context.Canceled) { // that is one that had not connected yet
			t.Errorf("%s: %v", m.name, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.violations[:min(len(l.violations), 10)] {
		t.Error(v)
	}
	t.Logf("%d members, %d records, %d repeated", started, count, l.handled-l.distinct)
}
