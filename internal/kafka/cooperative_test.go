package kafka_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

// ownership remembers which partitions a member owns, and how often it has got and lost one.
type ownership struct {
	mu             sync.Mutex
	owned          []int32
	acquired, lost int
}

func (o *ownership) watch(obs kafka.GroupObserver) kafka.GroupObserver {
	obs.Acquired = func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.owned = append(o.owned, c.Partition())
		o.acquired++
	}
	obs.Released = func(_ sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.owned = slices.DeleteFunc(o.owned, func(p int32) bool { return p == c.Partition() })
		o.lost++
	}
	return obs
}

func (o *ownership) await(t *testing.T, owned, acquired, lost int) {
	t.Helper()
	await.NoError(t, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		if len(o.owned) != owned || o.acquired != acquired || o.lost != lost {
			return fmt.Errorf("owns %v, acquired %d, lost %d; want %d, %d, %d", o.owned, o.acquired, o.lost, owned, acquired, lost)
		}
		return nil
	})
}

// With a cooperative strategy a session outlives rebalances: what a member owns, and whether it is idle, follows its
// claims and not the session.
func TestCooperativeMembersKeepTheRest(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	createTopic(t, newAdmin(t, cfg), "orders", 4)
	config := func() *sarama.Config {
		sc := saramaConfig(t, cfg)
		sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyCooperativeSticky()}
		return sc
	}
	var first, second ownership
	var firstIdle, secondIdle reasons
	consume(t, cfg, config(), "shop", "orders", markEach, first.watch(firstIdle.observer()))
	first.await(t, 4, 4, 0)
	m := consume(t, cfg, config(), "shop", "orders", markEach, second.watch(secondIdle.observer()))
	first.await(t, 2, 4, 2)
	second.await(t, 2, 2, 0)
	firstIdle.await(t, kafka.IdleCaughtUp)
	secondIdle.await(t, kafka.IdleCaughtUp)

	if err := m.stop(); err != nil {
		t.Error(err)
	}
	second.await(t, 0, 2, 2)
	first.await(t, 4, 6, 2)
}
