// Command careless-member takes the place of ch3-offsets/rebalance in a test. It does not care for -strategy and
// -instance-id, and is always a dynamic member of a range group. And it never handles greeting 40.
package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	ignored := i18n.Verbatim("ignored")
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	group := p.String("group", "", i18n.Verbatim("group"))
	heartbeat := p.Duration("heartbeat", 0, i18n.Verbatim("heartbeat"))
	p.String("strategy", "", ignored)
	p.String("instance-id", "", ignored)
	p.Duration("session-timeout", 0, ignored)
	p.Duration("work", 0, ignored)
	p.Count("commit-every", 0, 0, ignored)
	p.Bool("last-commit", false, ignored)
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Group.Heartbeat.Interval = *heartbeat
	config.Consumer.Offsets.AutoCommit.Interval = time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, handler{p}, p.Observer(*group))
}

type handler struct{ program *program.Program }

func (handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		if g.ID != 40 {
			h.program.Handled(m, g)
		}
		s.MarkMessage(m, "")
	}
	return nil
}
