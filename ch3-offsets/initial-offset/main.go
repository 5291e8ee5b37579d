// Command initial-offset consumes my-json-topic, says where it begins to read, and lets sarama commit. A group goes on
// at its committed offset. One that has none, or whose committed offset is not in the log any more, begins at -initial:
//
//	-initial oldest   at the first record that is still there (Kafka's auto.offset.reset=earliest)
//	-initial newest   with what comes next (Kafka's auto.offset.reset=latest)
package main

import (
	"context"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "initial-offset consumes greetings and says where it begins.", KO: "initial-offset은 인사말을 소비하면서 어디서부터 읽기 시작하는지 알려 줍니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	group := p.Group("test-consumer-group")
	initial := p.Choice("initial", i18n.Text{EN: "`where` to begin without a committed offset", KO: "커밋된 오프셋이 없을 때 시작할 위치 (`where`)"}, oldest, newest)
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.Initial = sarama.OffsetOldest // only for a group without a committed offset
	if *initial == newest {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest // sarama's default, and Kafka's
	}
	// An offset that has been deleted counts as none (the default). With false the claim fails, and you decide.
	config.Consumer.Group.ResetInvalidOffsets = true
	config.Consumer.Offsets.AutoCommit.Enable = true

	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, &handler{program: p}, p.Observer(*group))
}

const (
	oldest = "oldest"
	newest = "newest"
)

type handler struct {
	kafka.HandlerDefaults
	program *program.Program
}

// reading tells where a partition begins, and why there.
func (h *handler) reading(c sarama.ConsumerGroupClaim) {
	var where i18n.Text
	switch c.InitialOffset() {
	case sarama.OffsetOldest:
		where = i18n.Text{EN: "p%d: no committed offset that could be used, so it starts at the oldest record", KO: "p%d: 쓸 수 있는 커밋 오프셋이 없어서 가장 오래된 레코드부터 읽습니다"}.With(c.Partition())
	case sarama.OffsetNewest:
		where = i18n.Text{EN: "p%d: no committed offset that could be used, so it starts at the end, offset %d", KO: "p%d: 쓸 수 있는 커밋 오프셋이 없어서 맨 끝(오프셋 %d)부터 읽습니다"}.With(c.Partition(), c.HighWaterMarkOffset())
	default:
		where = i18n.Text{EN: "p%d: starts at the committed offset %d", KO: "p%d: 커밋된 오프셋 %d부터 읽습니다"}.With(c.Partition(), c.InitialOffset())
	}
	h.program.Observe(where, observation.Reading{Topic: c.Topic(), Partition: c.Partition(), Offset: c.InitialOffset()})
}

// ConsumeClaim runs once for each partition. c.InitialOffset is where it begins: an offset, -1 for the newest, -2 for
// the oldest.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	h.reading(c)
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		h.program.Handled(m, g)
		s.MarkMessage(m, "")
	}
	return nil
}
