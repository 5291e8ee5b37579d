// Command manual-commit consumes my-json-topic and commits offsets by hand, in one of three ways:
//
//	-commit per-record   after each record: at most one record of a partition is handled twice, and it is slowest
//	-commit per-batch    after every 10 records: up to 10 are handled twice
//	-commit mark-only    mark, never commit: after a restart everything comes again
package main

import (
	"context"
	"sync/atomic"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "manual-commit consumes greetings and commits by hand.", KO: "manual-commit은 인사말을 소비하고 직접 커밋합니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	group := p.Group("test-consumer-group")
	commit := p.Choice("commit", i18n.Text{EN: "`when` to commit", KO: "커밋 시점 (`when`)"}, perRecord, perBatch, markOnly)
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false     // nobody commits but us
	config.Consumer.Offsets.Initial = sarama.OffsetOldest // a group without commits starts at the first record

	h := &handler{program: p, commit: *commit}
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, h, p.Observer(*group))
}

const (
	perRecord = "per-record"
	perBatch  = "per-batch"
	markOnly  = "mark-only"
	batchSize = 10
)

type handler struct {
	program *program.Program
	commit  string
	marked  atomic.Int64 // records, over all partitions
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error { return nil }

// Cleanup runs when the session ends: at Ctrl-C and at each rebalance. The rest of a batch must not wait.
func (h *handler) Cleanup(s sarama.ConsumerGroupSession) error {
	if h.commit == perBatch {
		s.Commit()
	}
	return nil
}

// ConsumeClaim runs once for each partition, all of them at the same time.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		h.program.Handled(m, g)              // the work: here it only prints
		h.program.CrashPoint("after-handle") // nothing, unless a lesson pulls the plug here

		s.MarkMessage(m, "") // remember, in this process: the next offset to commit
		switch h.commit {
		case perRecord:
			s.Commit() // tell the broker, now
		case perBatch:
			if h.marked.Add(1)%batchSize == 0 {
				s.Commit() // one commit for ten records
			}
		}
	}
	return nil
}
