// Command auto-commit consumes my-json-topic and lets sarama commit in the background, every -interval. What sarama
// commits is what was marked until then, so it matters when a record is marked:
//
//	-mark after    mark when the work is done: a crash repeats records, and loses none (at least once)
//	-mark before   mark first, then work: a crash loses records, and repeats none (at most once)
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
	p.Usage(i18n.Text{EN: "auto-commit consumes greetings; sarama commits in the background.", KO: "auto-commit은 인사말을 소비하고, 커밋은 sarama가 백그라운드에서 합니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	group := p.Group("test-consumer-group")
	mark := p.Choice("mark", i18n.Text{EN: "`when` to mark a record, after or before the work", KO: "레코드를 표시하는 시점 (`when`), 작업 뒤(after) 또는 앞(before)"}, markAfter, markBefore)
	interval := p.Duration("interval", time.Second, i18n.Text{EN: "`time` between two commits", KO: "커밋 간격 (`time`)"})
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = true        // sarama's default, and Kafka's
	config.Consumer.Offsets.AutoCommit.Interval = *interval // default 1 s; the Java client's is 5 s
	config.Consumer.Offsets.Initial = sarama.OffsetOldest   // a group without commits starts at the first record

	h := &handler{program: p, mark: *mark}
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, h, p.Observer(*group))
}

const (
	markAfter  = "after"
	markBefore = "before"
)

type handler struct {
	kafka.HandlerDefaults
	program *program.Program
	mark    string
}

// ConsumeClaim runs once for each partition, all of them at the same time.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		if h.mark == markBefore {
			s.MarkMessage(m, "") // from now on the record counts as done
		}

		h.program.CrashPoint("before-handle") // nothing, unless a lesson pulls the plug here
		h.program.Handled(m, g)               // the work: here it only prints
		h.program.CrashPoint("after-handle")

		if h.mark == markAfter {
			s.MarkMessage(m, "") // done; the next commit in the background tells the broker
		}
	}
	return nil
}
