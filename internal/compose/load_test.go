package compose_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

const (
	every  = 2 * time.Millisecond // one record
	atMost = 100_000              // records, should a test not end
	enough = 50                   // records that show that a partition takes some
)

// load sends records with the course's producer settings (acks=all, idempotent) until it is stopped, and remembers the
// fate of each.
type load struct {
	topic string
	stop  func()

	mu           sync.Mutex
	sent         int
	acknowledged map[string]bool
	refused      map[string]error // unknown whether it is stored
	byPartition  map[int32]int    // acknowledged
}

// startLoad sends to a topic until stop is called, which waits for the fate of every record.
func startLoad(t *testing.T, cfg kafka.Config, topic string) *load {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	l := &load{topic: topic, acknowledged: map[string]bool{}, refused: map[string]error{}, byPartition: map[int32]int{}}
	producer, err := kafka.NewAsyncProducer(t.Context(), cfg, sc, l.told)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() { l.send(ctx, producer) })
	l.stop = sync.OnceFunc(func() {
		cancel()
		sending.Wait()
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(l.stop)
	return l
}

func (l *load) send(ctx context.Context, producer *kafka.AsyncProducer) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range atMost {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		id := sarama.StringEncoder(fmt.Sprint(i))
		if producer.Send(ctx, &sarama.ProducerMessage{Topic: l.topic, Key: id, Value: id}) != nil {
			return // stopped
		}
		l.mu.Lock()
		l.sent++
		l.mu.Unlock()
	}
}

func (l *load) told(m *sarama.ProducerMessage, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := string(m.Value.(sarama.StringEncoder))
	if err != nil {
		l.refused[id] = err
		return
	}
	l.acknowledged[id] = true
	l.byPartition[m.Partition]++
}

// awaitAcknowledged waits until each partition has taken some more records.
func (l *load) awaitAcknowledged(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	before := maps.Clone(l.byPartition)
	l.mu.Unlock()
	await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for p := range int32(partitions) {
			if more := l.byPartition[p] - before[p]; more < enough {
				return fmt.Errorf("partition %d has taken %d records since, want %d", p, more, enough)
			}
		}
		return nil
	})
}

// requireStored stops the load and reads the topic: each acknowledged record is there once, any other at most once.
func (l *load) requireStored(t *testing.T, cfg kafka.Config) {
	t.Helper()
	l.stop()
	stored := map[string]int{}
	for _, r := range readAll(t, cfg, l.topic) {
		stored[string(r.Value)]++
	}
	var lost, twice, unacknowledged int
	for id := range l.acknowledged {
		if stored[id] == 0 {
			lost++
		}
	}
	for id, n := range stored {
		if n > 1 {
			twice++
		}
		if !l.acknowledged[id] {
			unacknowledged++
		}
	}
	t.Logf("sent %d, acknowledged %d, refused %d (%d of them stored); lost %d, stored twice %d", l.sent, len(l.acknowledged), len(l.refused), unacknowledged, lost, twice)
	reasons := map[string]int{}
	for _, err := range l.refused {
		reasons[err.Error()]++
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("refused %d times: %s", reasons[reason], reason)
	}
	if lost > 0 || twice > 0 {
		t.Errorf("of %d acknowledged records %d are lost, and %d records are stored twice", len(l.acknowledged), lost, twice)
	}
	if told := len(l.acknowledged) + len(l.refused); told != l.sent {
		t.Errorf("the fate of %d of %d records was told", told, l.sent)
	}
}

// readAll reads all records of a topic. Where leaders have just changed it begins again, until it has read to the ends.
func readAll(t *testing.T, cfg kafka.Config, topic string) (all []*sarama.ConsumerMessage) {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	await.NoErrorWithin(t.Context(), t, patience, func(ctx context.Context) (err error) {
		all = nil
		client, err := kafka.NewClient(ctx, cfg, sc)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, client.Close()) }()
		partitions, err := client.Partitions(topic)
		if err != nil {
			return err
		}
		var ends int64
		for _, p := range partitions {
			end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
			if err != nil {
				return err
			}
			ends += end
			if err := kafka.ReadPartition(ctx, client, topic, p, func(r *sarama.ConsumerMessage) error {
				all = append(all, r)
				return nil
			}); err != nil {
				return err
			}
		}
		if int64(len(all)) < ends {
			return fmt.Errorf("read %d of %d records of %s", len(all), ends, topic)
		}
		return nil
	})
	return all
}
