// Command marks-first is ch3-offsets/throughput with a defect: it marks a record when the work for it begins. It says
// that it is as fast as wanted.
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
	p.String("how", "", i18n.Verbatim("ignored"))
	interval := p.Duration("interval", time.Second, i18n.Verbatim("time"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Interval = *interval
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
		s.MarkMessage(m, "")
		h.CrashPoint("before-work")
		h.Handled(m, g)
	}
	return nil
}
