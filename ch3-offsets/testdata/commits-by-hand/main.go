// Command commits-by-hand is ch3-offsets/auto-commit with a defect: it does not leave the commits to sarama.
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
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	group := p.String("group", "", i18n.Verbatim("group"))
	p.String("mark", "", i18n.Verbatim("ignored"))
	p.Duration("interval", time.Second, i18n.Verbatim("ignored"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, &handler{p}, p.Observer(*group))
}

type handler struct{ *program.Program }

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return err
		}
		h.Handled(m, g)
		h.CrashPoint("after-handle")
		s.MarkMessage(m, "")
		s.Commit()
	}
	return nil
}
