package compose_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// A broker dies in the middle of its work, and comes back.
func TestKilledBrokerLosesNothing(t *testing.T) {
	s := requireStack(t)
	topic := s.topic(t)
	l := startLoad(t, s.kafka, topic)
	l.awaitAcknowledged(t)

	victim := s.leader(t, topic)
	docker(t, t.Context(), "kill", "--signal", "KILL", s.container(victim))
	s.awaitGone(t, topic, victim)
	l.awaitAcknowledged(t) // two of three replicas are enough

	docker(t, t.Context(), "start", s.container(victim))
	s.heal(t, t.Context())
	l.awaitAcknowledged(t)
	l.requireStored(t, s.kafka)
}

// The control to the above: records that only the leader has are lost with it, and we see that they are. With acks=1
// the leader acknowledges them all the same, which acks=all exists to prevent.
func TestKilledLeaderLosesWhatItAloneHas(t *testing.T) {
	const records = 100
	s := requireStack(t)
	topic := s.topic(t)
	leader := s.leader(t, topic)
	sc, err := s.kafka.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Producer.Partitioner = sarama.NewManualPartitioner // partition 0
	sc.Producer.RequiredAcks, sc.Producer.Idempotent = sarama.WaitForLocal, false
	producer, err := kafka.NewSyncProducer(t.Context(), s.kafka, sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	})

	var followers []string
	for broker := range int32(3) {
		if broker+1 != leader {
			followers = append(followers, s.container(broker+1))
		}
	}
	// Not docker pause: it may block for good when it meets a health check.
	signal := func(name, container string) { docker(t, context.Background(), "kill", "--signal", name, container) }
	t.Cleanup(func() {
		for _, f := range followers {
			signal("CONT", f)
			docker(t, context.Background(), "restart", f) // Docker takes any signal for a farewell, and forgets the restart policy
			s.heal(t, context.Background())
		}
	})
	for _, f := range followers {
		signal("STOP", f)
	}
	stopped := time.Now()
	for i := range records {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i))}); err != nil {
			t.Fatalf("record %d was not acknowledged: %v", i, err)
		}
	}
	signal("KILL", s.container(leader))
	for _, f := range followers {
		signal("CONT", f)
	}
	t.Logf("the followers stood still for %v", time.Since(stopped)) // after 6 s they are no longer in sync, and nothing is lost
	s.awaitGone(t, topic, leader)
	s.heal(t, t.Context())

	// The first may be on its way to a follower already when it stops.
	stored := len(readAll(t, s.kafka, topic))
	t.Logf("acknowledged %d, stored %d", records, stored)
	if stored > records/2 {
		t.Errorf("%d of %d records survived the only broker that had them", stored, records)
	}
}

// A broker lives on, but reaches nobody and is reached by nobody: it still takes itself for the leader when the others
// have long chosen another.
func TestBrokerCutOffTheNetworkLosesNothing(t *testing.T) {
	s := requireStack(t)
	topic := s.topic(t)
	l := startLoad(t, s.kafka, topic)
	l.awaitAcknowledged(t)

	victim := s.leader(t, topic)
	docker(t, t.Context(), "network", "disconnect", s.network, s.container(victim))
	s.awaitGone(t, topic, victim)
	l.awaitAcknowledged(t)

	s.heal(t, t.Context()) // connects it
	l.awaitAcknowledged(t)
	l.requireStored(t, s.kafka)
}

// The broker that keeps a group's offsets and members goes away, in order or by force: another takes the group over.
func TestGroupOutlivesItsCoordinator(t *testing.T) {
	s := requireStack(t)
	for name, end := range map[string][]string{
		"stopped": {"stop"},
		"killed":  {"kill", "--signal", "KILL"},
	} {
		t.Run(name, func(t *testing.T) {
			topic := s.topic(t)
			group := topic + "-group"
			t.Cleanup(func() {
				ctx := context.Background()
				s.heal(t, ctx)
				s.manage(t, ctx, func(admin *admin.Client) error { return admin.DeleteGroup(ctx, group) })
			})
			l := startLoad(t, s.kafka, topic)
			c := s.consume(t, group, topic)
			l.awaitAcknowledged(t)
			c.awaitHandled(t, l)

			coordinator := s.coordinator(t, group)
			docker(t, t.Context(), append(end, s.container(coordinator))...)
			s.awaitGone(t, topic, coordinator)
			await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
				if now := s.coordinator(t, group); now == coordinator {
					return fmt.Errorf("broker %d is gone and still coordinates the group", now)
				}
				return nil
			})
			l.awaitAcknowledged(t)
			c.awaitHandled(t, l) // also what was sent since, to every partition

			docker(t, t.Context(), "start", s.container(coordinator))
			s.heal(t, t.Context())
			l.awaitAcknowledged(t)
			l.requireStored(t, s.kafka)
			s.manage(t, t.Context(), func(admin *admin.Client) error {
				await.NoErrorWithin(t.Context(), t, patience, func(ctx context.Context) error { return committedAll(ctx, admin, group, topic) })
				return nil
			})
			c.stop()
			c.requireHandled(t, l)
		})
	}
}

// committedAll tells whether a group has committed the end of each partition.
func committedAll(ctx context.Context, admin *admin.Client, group, topic string) error {
	described, err := admin.DescribeTopic(ctx, topic)
	if err != nil {
		return err
	}
	committed, err := admin.Committed(ctx, group, topic)
	if err != nil {
		return err
	}
	for _, p := range described.Partitions {
		if committed[p.ID] != p.End {
			return fmt.Errorf("committed %v, partition %d ends at %d", committed, p.ID, p.End)
		}
	}
	return nil
}

// coordinator is the broker that keeps a group.
func (s *stack) coordinator(t *testing.T, group string) int32 {
	t.Helper()
	sc, err := s.kafka.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kafka.NewClient(t.Context(), s.kafka, sc)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	broker, err := client.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	return broker.ID()
}

// consumers are two members of a group that count what they handle. It is a [sarama.ConsumerGroupHandler].
type consumers struct {
	stop func()

	mu        sync.Mutex
	handled   map[string]int
	recovered int // errors
}

func (s *stack) consume(t *testing.T, group, topic string) *consumers {
	t.Helper()
	sc, err := s.kafka.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	sc.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	c := &consumers{handled: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var members sync.WaitGroup
	for range 2 {
		members.Go(func() {
			if err := kafka.ConsumeGroup(ctx, s.kafka, sc, group, []string{topic}, c, kafka.GroupObserver{Error: c.failed}); err != nil {
				t.Error(err)
			}
		})
	}
	c.stop = sync.OnceFunc(func() {
		cancel()
		members.Wait()
	})
	t.Cleanup(c.stop)
	return c
}

func (c *consumers) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (c *consumers) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (c *consumers) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		c.mu.Lock()
		c.handled[string(m.Value)]++
		c.mu.Unlock()
		s.MarkMessage(m, "")
	}
	return nil
}

func (c *consumers) failed(error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recovered++
}

// awaitHandled waits until all has been handled that is acknowledged by now.
func (c *consumers) awaitHandled(t *testing.T, l *load) {
	t.Helper()
	l.mu.Lock()
	sent := slices.Collect(maps.Keys(l.acknowledged))
	l.mu.Unlock()
	await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		missing := 0
		for _, id := range sent {
			if c.handled[id] == 0 {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d records are not handled", missing, len(sent))
		}
		return nil
	})
}

// requireHandled checks that every acknowledged record was handled. Twice is no fault: at least once is what was asked.
func (c *consumers) requireHandled(t *testing.T, l *load) {
	t.Helper()
	lost, again := 0, 0
	for id := range l.acknowledged {
		if c.handled[id] == 0 {
			lost++
		}
	}
	for _, n := range c.handled {
		again += n - 1
	}
	t.Logf("handled %d records, %d of them again; lost %d; recovered from %d errors", len(c.handled), again, lost, c.recovered)
	if lost > 0 {
		t.Errorf("of %d acknowledged records %d were never handled", len(l.acknowledged), lost)
	}
}
