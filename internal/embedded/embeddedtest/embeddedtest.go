// Package embeddedtest starts an embedded Kafka for a test, and makes things go wrong in it. Lessons, which run on any
// Kafka, have internal/faultproxy.
package embeddedtest

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/embedded"
)

// Start starts a Kafka in a folder of the test's own, until its end.
func Start(t testing.TB, o embedded.KafkaOptions) *embedded.Kafka {
	t.Helper()
	o.Dir = t.TempDir()
	k, err := embedded.StartKafka(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// DropAcks makes the next n Produce requests to a topic append their records and answer REQUEST_TIMED_OUT, so that the
// producer cannot know that they are stored. One that is not idempotent stores them again.
func DropAcks(k *embedded.Kafka, topic string, n int) *kfake.FaultHandle {
	return k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.RequestTimedOut, Count: n})
}

// NotLeader makes the next n Produce and Fetch requests to a topic fail with NOT_LEADER_OR_FOLLOWER, as during a leader
// election.
func NotLeader(k *embedded.Kafka, topic string, n int) *kfake.FaultHandle {
	return k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.Fetch}, Topic: topic, Err: kerr.NotLeaderForPartition, Count: n})
}

// Held are requests that get no answer.
type Held struct {
	cluster *kfake.Cluster
	topic   string
	hits    int
	mu      sync.Mutex
	release func()
	over    chan struct{}
}

// Hold holds up all Produce and Fetch requests to a topic until Release, or the end of the test. One cluster bears one Hold
// at a time.
func Hold(t testing.TB, k *embedded.Kafka, topic string) *Held {
	h := &Held{cluster: k.Cluster(), topic: topic, over: make(chan struct{})}
	h.release = sync.OnceFunc(func() { close(h.over) })
	t.Cleanup(h.release)
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch} {
		h.cluster.ControlKey(int16(key), h.hold)
	}
	return h
}

// Hits is how many requests were held up so far.
func (h *Held) Hits() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits
}

// Release lets them go, and holds up no more.
func (h *Held) Release() { h.release() }

func (h *Held) hold(r kmsg.Request) (kmsg.Response, error, bool) {
	select {
	case <-h.over:
		return nil, nil, false
	default:
	}
	if h.concerns(r) {
		h.mu.Lock()
		h.hits++
		h.mu.Unlock()
		h.cluster.SleepControl(func() { <-h.over })
	}
	return nil, nil, false
}

// concerns tells whether a Produce or Fetch request names the topic. Newer request versions name it by id.
func (h *Held) concerns(r kmsg.Request) bool {
	is := func(name string, id [16]byte) bool {
		if name != "" {
			return name == h.topic
		}
		info := h.cluster.TopicIDInfo(id)
		return info != nil && info.Topic == h.topic
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
