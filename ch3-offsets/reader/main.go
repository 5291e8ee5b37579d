// Command reader reads my-second-topic from its beginning, and sees of transactions what its isolation level lets it see:
//
//	-isolation read_committed     (default) records of committed transactions; it waits before one that is still open
//	-isolation read_uncommitted   everything that is in the log: Kafka's default, and sarama's
package main

import (
	"context"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "reader reads greetings at an isolation level.", KO: "reader는 격리 수준을 정해 인사말을 읽습니다."})
	topic := p.Topic("topic", "my-second-topic", 3)
	group := p.Group("reader-group")
	isolation := p.Choice("isolation", i18n.Text{EN: "isolation `level`", KO: "격리 수준 (`level`)"}, readCommitted, readUncommitted)
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.IsolationLevel = sarama.ReadUncommitted // the default: aborted records are read like any other
	if *isolation == readCommitted {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = true

	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, &handler{program: p}, p.Observer(*group))
}

const (
	readCommitted   = "read_committed"
	readUncommitted = "read_uncommitted"
)

type handler struct {
	kafka.HandlerDefaults
	program *program.Program
}

// ConsumeClaim runs once for each partition.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() { // without the markers that end transactions: sarama keeps them to itself
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		h.program.Handled(m, g)
		s.MarkMessage(m, "")
	}
	return nil
}
