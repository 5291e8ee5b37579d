// Command offset-first is ch3-offsets/exactly-once with a defect: the offset is not part of the transaction, but
// committed before it.
package main

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	from := p.String("from", "", i18n.Verbatim("topic"))
	to := p.String("to", "", i18n.Verbatim("topic"))
	group := p.String("group", "", i18n.Verbatim("group"))
	p.Bool("transactions", true, i18n.Verbatim("ignored"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Producer.Transaction.ID = *group
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*from}, &handler{p, *to, config}, p.Observer(*group))
}

type handler struct {
	*program.Program
	to     string
	config *sarama.Config
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) (err error) {
	producer, err := kafka.NewSyncProducer(s.Context(), h.Kafka, h.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	for m := range c.Messages() {
		s.MarkMessage(m, "")
		s.Commit()
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		out := &sarama.ProducerMessage{Topic: h.to, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value)}
		if _, _, err := producer.SendMessage(out); err != nil {
			return err
		}
		h.CrashPoint("after-send")
		if err := producer.CommitTxn(); err != nil {
			return err
		}
	}
	return nil
}
