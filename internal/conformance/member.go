package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

// handle is what a member does with a record.
type handle func(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error

func readOnly(sarama.ConsumerGroupSession, *sarama.ConsumerMessage) error { return nil }

func markOnly(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error {
	s.MarkMessage(m, "")
	return nil
}

func markAndCommit(s sarama.ConsumerGroupSession, m *sarama.ConsumerMessage) error {
	s.MarkMessage(m, "")
	s.Commit()
	return nil
}

// member is a member of a consumer group that remembers what it was given. It is a [sarama.ConsumerGroupHandler].
type member struct {
	handle handle
	cancel context.CancelFunc
	done   chan struct{} // closed when ConsumeGroup has returned err
	err    error

	mu         sync.Mutex
	id         string
	generation int32
	assigned   []int32 // nil outside a session
	consuming  int     // claims whose start offset is known
	records    []*sarama.ConsumerMessage
	errors     []error
}

// join starts a member that leaves the group with the test, or with stop.
func (c *cluster) join(t *testing.T, sc *sarama.Config, group, topic string, h handle) *member {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{handle: h, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		m.err = kafka.ConsumeGroup(ctx, c.Kafka, sc, group, []string{topic}, m, kafka.GroupObserver{Error: m.failed})
	}()
	t.Cleanup(func() {
		cancel()
		<-m.done
	})
	return m
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id, m.generation, m.consuming, m.assigned = s.MemberID(), s.GenerationID(), 0, []int32{}
	for _, partitions := range s.Claims() {
		m.assigned = append(m.assigned, partitions...)
	}
	slices.Sort(m.assigned)
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.assigned = nil
	return nil
}

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	m.mu.Lock()
	m.consuming++
	m.mu.Unlock()
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

func (m *member) failed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors = append(m.errors, err)
}

// stop leaves the group as Ctrl-C does.
func (m *member) stop(t *testing.T) {
	t.Helper()
	m.cancel()
	<-m.done
	if m.err != nil {
		t.Fatal(m.err)
	}
}

// awaitPartitions waits until the member consumes this many partitions, and returns which.
func (m *member) awaitPartitions(t *testing.T, n int) []int32 {
	t.Helper()
	var assigned []int32
	await.NoError(t, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		assigned = slices.Clone(m.assigned)
		if m.assigned == nil || len(m.assigned) != n || m.consuming != n {
			return m.state("consumes %d of the partitions %v, want %d", m.consuming, m.assigned, n)
		}
		return nil
	})
	return assigned
}

// awaitRecords waits until the member has handled this many records or more, and returns them.
func (m *member) awaitRecords(t *testing.T, n int) []*sarama.ConsumerMessage {
	t.Helper()
	await.NoError(t, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.records) < n {
			return m.state("%d records, want %d", len(m.records), n)
		}
		return nil
	})
	return m.received()
}

// state describes what the member lacks; m.mu is held.
func (m *member) state(format string, args ...any) error {
	select {
	case <-m.done:
		return fmt.Errorf(format+"; it has ended: %v", append(args, m.err)...)
	default:
	}
	return fmt.Errorf(format+"; its errors: %v", append(args, m.errors)...)
}

func (m *member) received() []*sarama.ConsumerMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

func (m *member) memberID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.id
}

func (m *member) generationID() int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generation
}

// values are the values of records, in order.
func values(records []*sarama.ConsumerMessage) []string {
	var all []string
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return all
}

// total is the sum of committed offsets, of which none may be missing.
func total(committed map[int32]int64) int64 {
	var sum int64
	for offset := range maps.Values(committed) {
		sum += offset
	}
	return sum
}
