// Command sabotaged-consumer is ch3-offsets/manual-commit with a defect: it commits a record before it handles it.
// With SABOTAGE=hang it joins and never handles anything, with SABOTAGE=exit it ends at once with an error.
package main

import (
	"context"
	"errors"
	"os"

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
	p.String("commit", "", i18n.Verbatim("ignored"))
	if os.Getenv("SABOTAGE") == "exit" {
		return errors.New("sabotaged")
	}
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
		if os.Getenv("SABOTAGE") == "hang" {
			<-s.Context().Done()
			return nil
		}
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return err
		}
		s.MarkMessage(m, "")
		s.Commit()
		h.CrashPoint("after-handle")
		h.Handled(m, g)
	}
	return nil
}
