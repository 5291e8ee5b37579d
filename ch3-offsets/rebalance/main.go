// Command rebalance is one member of a consumer group. Start it several times, in several terminals, and watch how the
// group shares out the partitions of my-json-topic:
//
//	rebalance -client-id A -strategy range               in turn p0 p1 p2, p3 p4 p5; at a rebalance everyone gives up everything
//	rebalance -client-id A -strategy sticky              the same, but who had a partition gets it back if possible
//	rebalance -client-id A -strategy cooperative-sticky  only what moves to another member is given up
//	rebalance -client-id A -instance-id A                a static member: it may restart without any rebalance
package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "rebalance is one member of a consumer group: start several.", KO: "rebalance는 컨슈머 그룹의 멤버 하나입니다. 여러 개를 시작해 보세요."})
	topic := p.Topic("topic", "my-json-topic", 6)
	group := p.Group("test-consumer-group")
	strategy := p.Choice("strategy", i18n.Text{EN: "how partitions are shared out; all members use the same", KO: "파티션을 나누는 방법. 모든 멤버가 같은 것을 씁니다"},
		sarama.RangeBalanceStrategyName, sarama.StickyBalanceStrategyName, sarama.CooperativeStickyBalanceStrategyName)
	instanceID := p.String("instance-id", "", i18n.Text{EN: "be a static member with this `id`, unique in the group", KO: "이 `id`를 가진 정적 멤버가 됩니다. 그룹 안에서 하나뿐이어야 합니다"})
	heartbeat := p.Duration("heartbeat", 3*time.Second, i18n.Text{EN: "`time` between two heartbeats; the answer to one tells a member of a rebalance", KO: "하트비트 간격 (`time`). 멤버는 하트비트의 응답으로 리밸런스를 알게 됩니다"})
	session := p.Duration("session-timeout", 10*time.Second, i18n.Text{EN: "`time` without a heartbeat after which the broker gives a member up", KO: "하트비트 없이 이 시간(`time`)이 지나면 브로커가 멤버를 죽은 것으로 봅니다"})
	work := p.Duration("work", 200*time.Millisecond, i18n.Text{EN: "`time` that a record takes", KO: "레코드 하나에 걸리는 시간 (`time`)"})
	every := p.Count("commit-every", 50, 1, i18n.Text{EN: "commit after so many records", KO: "이만큼 처리할 때마다 커밋합니다"})
	last := p.Bool("last-commit", true, i18n.Text{EN: "commit once more when a partition is taken away", KO: "파티션을 빼앗길 때 한 번 더 커밋합니다"})
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	strategies := map[string]func() sarama.BalanceStrategy{
		sarama.RangeBalanceStrategyName:             sarama.NewBalanceStrategyRange,
		sarama.StickyBalanceStrategyName:            sarama.NewBalanceStrategySticky,
		sarama.CooperativeStickyBalanceStrategyName: sarama.NewBalanceStrategyCooperativeSticky,
	}
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategies[*strategy]()}
	config.Consumer.Group.InstanceId = *instanceID        // "" is a dynamic member: new at each start
	config.Consumer.Group.Heartbeat.Interval = *heartbeat // sarama's and Java's default: 3 s
	config.Consumer.Group.Session.Timeout = *session      // sarama's default: 10 s, Java's: 45 s
	config.Consumer.Offsets.AutoCommit.Enable = false     // or sarama would commit at each rebalance by itself
	config.Consumer.Offsets.Initial = sarama.OffsetOldest // a group without commits starts at the first record

	// The rest makes rebalances quick. Before sarama lets a partition go, it hands out what it fetched of the others with
	// it: so fetch 1 KB of each and not 1 MB. (In Java it is the batch of a poll, max.poll.records.)
	config.Consumer.Fetch.Default = 1 << 10
	// And up to 256 records of a partition wait in its channel, and come even after it was taken away.
	config.ChannelBufferSize = 1

	h := &handler{program: p, work: *work, every: int64(*every), last: *last}
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, h, p.Observer(*group))
}

type handler struct {
	kafka.HandlerDefaults
	program *program.Program
	work    time.Duration
	every   int64
	last    bool
	marked  atomic.Int64 // records, over all partitions
}

// Setup and Cleanup surround a session. Eager (range, sticky), that is one generation of the group: every rebalance ends
// it. Cooperative, it goes on until this member leaves, so the place for a last commit is the end of ConsumeClaim.
func (h *handler) Cleanup(s sarama.ConsumerGroupSession) error {
	h.program.Print(i18n.Text{EN: "gave up all partitions (generation %d is over)", KO: "파티션을 모두 내려놓음 (%d세대 끝)"}.With(s.GenerationID()))
	return nil
}

// ConsumeClaim runs once for each partition that this member gets, and must return soon after it is taken away again:
// the others wait.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	if h.last {
		defer s.Commit() // or the next owner handles again what is marked and not committed
	}
	for m := range c.Messages() { // closed when the partition is taken away
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		select {
		case <-time.After(h.work): // the work
		case <-s.Context().Done():
			return nil // cut short: not done, so not marked, and it comes again
		}
		h.program.Handled(m, g)

		s.MarkMessage(m, "")
		if h.marked.Add(1)%h.every == 0 {
			s.Commit()
		}
	}
	return nil
}
