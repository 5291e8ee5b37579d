// Command tail handles changes: of two topics in two groups, in one process.
package main

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson/testdata/shape"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	topics := p.String("topics", "changes,audit", i18n.Verbatim("topics"))
	groups := p.String("groups", "cdc,audit", i18n.Verbatim("groups"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	var wg sync.WaitGroup
	names := strings.Split(*groups, ",")
	errs := make([]error, len(names))
	for i, group := range names {
		member := p.Member(group)
		wg.Go(func() {
			errs[i] = kafka.ConsumeGroup(ctx, p.Kafka, config, group, strings.Split(*topics, ",")[i:], &handler{member}, member.Observer())
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

type handler struct{ member program.Member }

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		change, err := shape.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		h.member.Handled(m, change)
		s.MarkMessage(m, "")
	}
	return nil
}
