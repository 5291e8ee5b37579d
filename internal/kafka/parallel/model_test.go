package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/kafka/parallel"
)

// ledger knows everything that happens in a group and checks it against what the package promises:
//
//   - A tenure is the time in which one member has a partition. In each tenure every record is started at most once, and
//     only when the record that the mode puts before it was done: in this tenure if it belongs to it, else in an earlier
//     one. So repetitions after a crash or a failure start further back, and go on in order.
//   - From the first record of a tenure that is not done to the last that was started there are MaxInFlight at most.
//   - A member handles no more than Workers records at a time, and none outside of its tenures.
//   - What a member asks the broker to commit is done when it asks. A record whose handler failed is not done.
type ledger struct {
	workers, maxInFlight int64

	mu         sync.Mutex
	before     [][]int64 // by partition and offset: the record that must be done before, or -1
	done       [][]bool  // by partition and offset, in whatever tenure
	handled    int       // records, with repetitions
	distinct   int       // without
	commits    int       // of a partition
	restarts   int       // of members whose handler failed
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

var modes = []parallel.Mode{parallel.Key, parallel.Partition, parallel.Unordered}

func newLedger(mode parallel.Mode, partitions int, records []record, workers, maxInFlight int64) *ledger {
	l := &ledger{
		workers: workers, maxInFlight: maxInFlight,
		before: make([][]int64, partitions), done: make([][]bool, partitions), tenures: map[tenureID]*tenure{},
	}
	last := map[record]int64{} // of those that are in one order
	for _, r := range records {
		order := r
		if mode == parallel.Partition {
			order.key = ""
		}
		before, ok := last[order]
		if !ok || mode == parallel.Unordered {
			before = -1
		}
		last[order] = int64(len(l.before[r.partition]))
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

var (
	errDead   = errors.New("the member is dead")
	errBroken = errors.New("the handler is broken")
)

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
			l.violated("%s started %d@%d before %d was done", m.name, partition, offset, before)
		}
	}
	if inFlight := offset - t.firstOpen + 1; inFlight > l.maxInFlight {
		l.violated("%s has %d records of partition %d in flight", m.name, inFlight, partition)
	}
	t.running[offset] = true
	return nil
}

// finish is called after the work, with its result, and returns what the handler returns.
func (l *ledger) finish(m *chaosMember, partition int32, offset int64, err error) error {
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
	if err == nil && m.broken {
		err = errBroken
	}
	if err != nil {
		return err
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

// commit is called for each offset that a member asks the broker to commit. That the broker may refuse excuses nothing.
func (l *ledger) commit(partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits++
	open := int64(slices.Index(append(l.done[partition], false), false))
	if offset > open {
		l.violated("%d is committed in partition %d, where %d is not done", offset, partition, open)
	}
}

// ended is called when a member has ended by itself, and tells whether to start it again.
func (l *ledger) ended(m *chaosMember, err error) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.broken && errors.Is(err, errBroken) {
		m.broken = false
		l.restarts++
		return true
	}
	if err != nil && !errors.Is(err, context.Canceled) && !m.dead { // one that has not connected yet says that it was cancelled
		l.violated("%s ended: %v", m.name, err)
	}
	return false
}

// await waits until n different records are done. It is false if a promise was broken.
func (l *ledger) await(t *testing.T, n int) (ok bool) {
	t.Helper()
	await.NoError(t, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if ok = len(l.violations) == 0; ok && l.distinct < n {
			return fmt.Errorf("%d records are done, want %d", l.distinct, n)
		}
		return nil
	})
	return ok
}

func (l *ledger) set(flag *bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*flag = true
}

// chaosMember is a member that can be broken, until it is started again, and killed: what it does afterwards has no
// effect, and nobody hears of it. The kill is played, with a flag and closed connections, because the member lives in the
// process of the test. The experiment of ch3-offsets/throughput has a real SIGKILL.
type chaosMember struct {
	name    string
	end     context.CancelFunc
	running int64 // guarded by ledger.mu, as broken and dead
	broken  bool  // its handler fails
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
func removeMembers(t *testing.T, admin *admin.Client, group, clientID string) {
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

// TestModel lets members join, leave, fail, be thrown out of the group and be killed while they work, and checks with a
// ledger that the package keeps its promises.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		for name, strategy := range strategies {
			t.Run(fmt.Sprintf("%s %s", mode, name), func(t *testing.T) {
				t.Parallel()
				for _, v := range chaos(t, mode, strategy, func(o parallel.Options) sarama.ConsumerGroupHandler { return newHandler(t, o) }) {
					t.Error(v)
				}
			})
		}
	}
}

// TestModelSeesMistakes gives the model handlers that are wrong, each of which one run must find out.
func TestModelSeesMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode   parallel.Mode
		wrong  func(parallel.Options) sarama.ConsumerGroupHandler
		detect string // a regular expression
	}{
		"marks on hand-over": {
			mode:   parallel.Key,
			wrong:  func(o parallel.Options) sarama.ConsumerGroupHandler { return marksEarly{newHandler(t, o)} },
			detect: "is committed",
		},
		"takes a failure for done": {
			mode: parallel.Unordered,
			wrong: func(o parallel.Options) sarama.ConsumerGroupHandler {
				right := o.Handle
				o.Handle = func(ctx context.Context, m *sarama.ConsumerMessage) error {
					if err := right(ctx, m); !errors.Is(err, errBroken) {
						return err
					}
					return nil
				}
				return newHandler(t, o)
			},
			detect: "is committed|in flight", // whichever comes first
		},
		"keeps no order": {
			mode: parallel.Key,
			wrong: func(o parallel.Options) sarama.ConsumerGroupHandler {
				o.Mode = parallel.Unordered
				return newHandler(t, o)
			},
			detect: "was done",
		},
		"keeps the order of keys only": {
			mode: parallel.Partition,
			wrong: func(o parallel.Options) sarama.ConsumerGroupHandler {
				o.Mode = parallel.Key
				return newHandler(t, o)
			},
			detect: "was done",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			violations := chaos(t, test.mode, sarama.NewBalanceStrategyRange, test.wrong)
			if !slices.ContainsFunc(violations, regexp.MustCompile(test.detect).MatchString) {
				t.Errorf("the model found %q, want %q", violations, test.detect)
			}
		})
	}
}

// marksEarly marks a record when it is handed over, not when it is done.
type marksEarly struct{ *parallel.Handler }

func (h marksEarly) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	marked := make(chan *sarama.ConsumerMessage)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		defer close(marked)
		for m := range c.Messages() {
			s.MarkMessage(m, "")
			select {
			case marked <- m:
			case <-ended:
				return
			}
		}
	}()
	return h.Handler.ConsumeClaim(s, markedClaim{c, marked})
}

type markedClaim struct {
	sarama.ConsumerGroupClaim
	messages <-chan *sarama.ConsumerMessage
}

func (c markedClaim) Messages() <-chan *sarama.ConsumerMessage { return c.messages }

// chaos runs the model, until all records are done or a promise is broken, and returns the broken ones.
func chaos(t *testing.T, mode parallel.Mode, strategy func() sarama.BalanceStrategy, build func(parallel.Options) sarama.ConsumerGroupHandler) []string {
	const (
		topic, group = "orders", "shop"
		partitions   = 4
		count        = 3000
		workers      = 8
		maxInFlight  = 50
	)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	records := make([]record, count)
	for i := range records {
		records[i] = record{random.Int32N(partitions), string(rune('a' + int(random.ExpFloat64()*4)))} // some keys are hot
	}
	l := newLedger(mode, partitions, records, workers, maxInFlight)

	// Nothing but kfake itself sees a commit before it counts.
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		for _, of := range r.(*kmsg.OffsetCommitRequest).Topics {
			for _, p := range of.Partitions {
				l.commit(p.Partition, p.Offset)
			}
		}
		return nil, nil, false // kfake goes on with it
	})
	cfg := kafka.Config{Brokers: cluster.ListenAddrs()}
	admin, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})

	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	started := 0
	start := func() *chaosMember {
		started++
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		m := &chaosMember{name: fmt.Sprintf("member-%d", started), end: cancel}
		h := build(parallel.Options{
			Handle: func(ctx context.Context, r *sarama.ConsumerMessage) error {
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
				return l.finish(m, r.Partition, r.Offset, err)
			},
			Mode:           mode,
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
		wg.Go(func() {
			for again := true; again; {
				again = l.ended(m, kafka.ConsumeGroup(ctx, cfg, sc, group, []string{topic}, h, kafka.GroupObserver{
					Acquired: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
						l.begin(m, c.Partition(), c.InitialOffset())
					},
					Released: func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) { l.end(m, c.Partition()) },
				}))
			}
		})
		return m
	}

	events := slices.Repeat([]string{"join", "leave", "break", "throw out", "kill"}, 3)
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	members, sent := []*chaosMember{start()}, 0
	for part := range slices.Chunk(records, count/len(events)) { // so that there is work at each event
		send(t, cfg, topic, part...)
		sent += len(part)
		if !l.await(t, sent-random.IntN(len(part))) {
			break
		}
		event := events[0]
		if events = events[1:]; event == "join" || len(members) < 2 {
			members = append(members, start())
		}
		i := random.IntN(len(members))
		m := members[i]
		switch event {
		case "leave":
			m.end()
			members = slices.Delete(members, i, i+1)
		case "break":
			l.set(&m.broken)
		case "throw out": // it may come back
			removeMembers(t, admin, group, m.name)
		case "kill":
			l.set(&m.dead)
			m.pullPlug()
			m.end() // a dead process needs no memory
			members = slices.Delete(members, i, i+1)
			removeMembers(t, admin, group, m.name) // nobody wants to wait for its session timeout
		}
	}
	l.await(t, count)
	for _, m := range members {
		m.end()
	}
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Logf("seed %d: %d members, %d restarts, %d records, %d repeated, %d commits", seed, started, l.restarts, l.distinct, l.handled-l.distinct, l.commits)
	return l.violations[:min(len(l.violations), 10)]
}
