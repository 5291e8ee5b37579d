package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
)

func refusedMemberTests() []test {
	return []test{{"a member that is refused for good ends with the reason", refuseMembers}}
}

// refuseMembers lets members come whom the coordinator refuses for good: each ends with the reason, where it would have
// been refused again and again, and the other stays.
func refuseMembers(t *testing.T, c *cluster) {
	static := func(sc *sarama.Config) { sc.Consumer.Group.InstanceId = "one" }
	for name, test := range map[string]struct {
		first, second func(*sarama.Config)
		want          sarama.KError
		loser         int
	}{
		"an instance id that another takes over": {static, static, sarama.ErrFencedInstancedId, 0},
		"a strategy that the others do not know": {
			func(sc *sarama.Config) {
				sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
			},
			func(sc *sarama.Config) {
				sc.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRoundRobin()}
			},
			sarama.ErrInconsistentGroupProtocol, 1,
		},
		"a session timeout that the broker does not allow": {
			func(*sarama.Config) {}, func(sc *sarama.Config) { sc.Consumer.Group.Session.Timeout = 24 * time.Hour },
			sarama.ErrInvalidSessionTimeout, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic, group := c.topic(t, 1), c.group(t)
			var members [2]*member
			for i, set := range []func(*sarama.Config){test.first, test.second} {
				sc := c.sarama(t)
				set(sc)
				members[i] = c.join(t, sc, group, topic, readOnly)
				if i == 0 {
					members[0].awaitPartitions(t, 1)
				}
			}
			loser, other := members[test.loser], members[1-test.loser]
			await.NoError(t, func() error {
				select {
				case <-loser.done:
					return nil
				default:
					return loser.state("still tries")
				}
			})
			var refused *kafka.MemberRefusedError
			if !errors.As(loser.err, &refused) || !errors.Is(loser.err, test.want) || refused.Group != group {
				t.Errorf("it ended with %v, want %v", loser.err, test.want)
			}
			other.awaitPartitions(t, 1)
			other.stop(t)
			if err := c.admin.RemoveMember(t.Context(), group, other.memberID()); err != nil { // a static member does not leave
				t.Error(err)
			}
		})
	}
}
