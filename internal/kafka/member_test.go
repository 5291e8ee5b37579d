package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

// handle is what a member does with a record.
type handle func(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error

func markEach(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error {
	s.MarkMessage(m, "")
	return nil
}

// stuckAt0 is a handler that does not return from the record at offset 0 until release is called. entered is closed when
// it has the record.
func stuckAt0() (h handle, entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}), make(chan struct{})
	enter := sync.OnceFunc(func() { close(in) })
	release = sync.OnceFunc(func() { close(out) })
	return func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		if r.Offset == 0 {
			enter()
			<-out
		}
		return markEach(s, r)
	}, in, release
}

// member runs ConsumeGroup and remembers what it was given. It is a [sarama.ConsumerGroupHandler].
type member struct {
	handle handle
	setup  func() error // nil: nothing
	cancel context.CancelFunc
	done   chan struct{} // closed when ConsumeGroup has returned err
	err    error

	mu      sync.Mutex
	records []*sarama.ConsumerMessage
}

// consume starts a member until the end of the test, or stop.
func consume(t *testing.T, cfg kafka.Config, sc *sarama.Config, group, topic string, h handle, obs kafka.GroupObserver) *member {
	t.Helper()
	m := &member{handle: h}
	m.start(t, cfg, sc, group, topic, obs)
	return m
}

func (m *member) start(t *testing.T, cfg kafka.Config, sc *sarama.Config, group, topic string, obs kafka.GroupObserver) {
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.done = cancel, make(chan struct{})
	go func() {
		defer close(m.done)
		m.err = kafka.ConsumeGroup(ctx, cfg, sc, group, []string{topic}, m, obs)
	}()
	t.Cleanup(func() { _ = m.stop() })
}

func (m *member) Setup(sarama.ConsumerGroupSession) error {
	if m.setup != nil {
		return m.setup()
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			if err := m.handle(s, record); err != nil {
				return err
			}
			m.mu.Lock()
			m.records = append(m.records, record)
			m.mu.Unlock()
		case <-s.Context().Done():
			return nil
		}
	}
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
	await.NoError(t, func() error {
		select {
		case <-m.done:
			return nil
		default:
			return fmt.Errorf("it still consumes")
		}
	})
	return m.err
}

func (m *member) received() []*sarama.ConsumerMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

// awaitRecords waits until the member has handled n records or more.
func (m *member) awaitRecords(t *testing.T, n int) []*sarama.ConsumerMessage {
	t.Helper()
	await.NoError(t, func() error {
		select {
		case <-m.done:
			t.Fatalf("it has ended after %d of %d records: %v", len(m.received()), n, m.err)
		default:
		}
		if got := len(m.received()); got < n {
			return fmt.Errorf("%d records, want %d", got, n)
		}
		return nil
	})
	return m.received()
}

// values counts the records by value.
func (m *member) values() map[string]int {
	count := map[string]int{}
	for _, r := range m.received() {
		count[string(r.Value)]++
	}
	return count
}
