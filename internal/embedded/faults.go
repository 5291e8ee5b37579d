package embedded

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// FaultKind names something that goes wrong on purpose.
type FaultKind string

const (
	// DropAck appends the records of a Produce request and then answers REQUEST_TIMED_OUT, so that the producer cannot
	// know that they are stored. A producer that is not idempotent stores them again.
	DropAck FaultKind = "drop-ack"
	// Slow waits for Delay before it serves a Produce or Fetch request.
	Slow FaultKind = "slow"
	// NotLeader answers Produce and Fetch with NOT_LEADER_OR_FOLLOWER, as during a leader election.
	NotLeader FaultKind = "not-leader"
)

// Fault describes what shall go wrong.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Topic limits the fault to a topic. Default: all topics.
	Topic string `json:"topic,omitempty"`
	// Count is how many requests are faulted. Default: every one until the fault is removed.
	Count int `json:"count,omitempty"`
	// Delay is for Slow.
	Delay time.Duration `json:"delay,omitempty"`
}

// faults are the installed faults of a cluster, by id.
type faults struct {
	cluster  *kfake.Cluster
	delaying sync.Once // installs delay

	mu        sync.Mutex
	next      int
	installed map[int]installed
	slows     []*slowFault
}

type installed struct {
	hits   func() int
	remove func()
}

func newFaults(c *kfake.Cluster) *faults {
	return &faults{cluster: c, installed: map[int]installed{}}
}

func (f *faults) install(fault Fault) (int, error) {
	var in installed
	switch fault.Kind {
	case DropAck:
		in = f.answer(fault, kerr.RequestTimedOut, kmsg.Produce)
	case NotLeader:
		in = f.answer(fault, kerr.NotLeaderForPartition, kmsg.Produce, kmsg.Fetch)
	case Slow:
		if fault.Delay <= 0 {
			return 0, fmt.Errorf("fault %s needs a delay", fault.Kind)
		}
		in = f.slow(fault)
	default:
		return 0, problem.Usage(
			i18n.Text{EN: "unknown fault %q", KO: "알 수 없는 장애 종류 %q입니다"}.With(string(fault.Kind)),
			i18n.Text{EN: "choose drop-ack, slow or not-leader", KO: "drop-ack, slow, not-leader 중에서 고르세요"})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	f.installed[f.next] = in
	return f.next, nil
}

func (f *faults) answer(fault Fault, err *kerr.Error, keys ...kmsg.Key) installed {
	count := fault.Count
	if count == 0 {
		count = -1
	}
	h := f.cluster.Fault(kfake.Fault{Keys: keys, Topic: fault.Topic, Err: err, Count: count})
	return installed{hits: h.Hits, remove: h.Remove}
}

// slowFault is an installed Slow.
type slowFault struct {
	Fault
	hits    int // guarded by faults.mu
	removed chan struct{}
}

func (f *faults) slow(fault Fault) installed {
	s := &slowFault{Fault: fault, removed: make(chan struct{})}
	f.mu.Lock()
	f.slows = append(f.slows, s)
	f.mu.Unlock()
	f.delaying.Do(func() {
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch} {
			f.cluster.ControlKey(int16(key), f.delay)
		}
	})
	return installed{
		hits: func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return s.hits
		},
		remove: sync.OnceFunc(func() {
			f.mu.Lock()
			f.slows = slices.DeleteFunc(f.slows, func(other *slowFault) bool { return other == s })
			f.mu.Unlock()
			close(s.removed)
		}),
	}
}

// delay holds a request up for all the slow faults that concern it, one after the other. It is one control for all of
// them: kfake fails when a request sleeps in two.
func (f *faults) delay(r kmsg.Request) (kmsg.Response, error, bool) {
	f.mu.Lock()
	all := slices.Clone(f.slows)
	f.mu.Unlock()
	var hit []*slowFault
	for _, s := range all {
		if f.concerns(r, s.Topic) && f.take(s) {
			hit = append(hit, s)
		}
	}
	if len(hit) > 0 {
		f.cluster.SleepControl(func() {
			for _, s := range hit {
				select {
				case <-time.After(s.Delay):
				case <-s.removed:
				}
			}
		})
	}
	return nil, nil, false
}

// take counts a hit, unless the fault is used up.
func (f *faults) take(s *slowFault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Count > 0 && s.hits >= s.Count {
		return false
	}
	s.hits++
	return true
}

// concerns tells whether a Produce or Fetch request names the topic. Newer request versions name it by id.
func (f *faults) concerns(r kmsg.Request, topic string) bool {
	if topic == "" {
		return true
	}
	is := func(name string, id [16]byte) bool {
		if name != "" {
			return name == topic
		}
		info := f.cluster.TopicIDInfo(id)
		return info != nil && info.Topic == topic
	}
	switch req := r.(type) {
	case *kmsg.ProduceRequest:
		for _, t := range req.Topics {
			if is(t.Topic, t.TopicID) {
				return true
			}
		}
	case *kmsg.FetchRequest:
		for _, t := range req.Topics {
			if is(t.Topic, t.TopicID) {
				return true
			}
		}
	}
	return false
}

func (f *faults) hits(id int) (int, bool) {
	f.mu.Lock()
	in, ok := f.installed[id]
	f.mu.Unlock()
	if !ok {
		return 0, false
	}
	return in.hits(), true
}

func (f *faults) remove(id int) bool {
	f.mu.Lock()
	in, ok := f.installed[id]
	delete(f.installed, id)
	f.mu.Unlock()
	if ok {
		in.remove()
	}
	return ok
}

func (f *faults) removeAll() {
	f.mu.Lock()
	all := f.installed
	f.installed = map[int]installed{}
	f.mu.Unlock()
	for _, in := range all {
		in.remove()
	}
}
