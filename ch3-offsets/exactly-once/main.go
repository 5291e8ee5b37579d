// Command exactly-once consumes greetings from my-json-topic, and sends an answer to each to my-second-topic:
//
//	-transactions=true    (default) the answer and the offset are committed together, or neither of them
//	-transactions=false   first the answer, then the offset: a crash between them answers twice (at least once)
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "exactly-once answers greetings, with or without transactions.", KO: "exactly-once는 인사말에 답장을 보냅니다. 트랜잭션을 쓰거나 쓰지 않습니다."})
	from := p.Topic("from", "my-json-topic", 3)
	to := p.Topic("to", "my-second-topic", 3)
	group := p.Group("test-consumer-group")
	transactions := p.Bool("transactions", true, i18n.Text{EN: "commit answer and offset together", KO: "답장과 오프셋을 함께 커밋합니다"})
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false // nobody commits but us
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.IsolationLevel = sarama.ReadCommitted // also: wait for offsets of a transaction that is just ending

	h := &handler{program: p, config: *config, to: *to, group: *group, transactions: *transactions}
	return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*from}, h, p.Observer(*group))
}

type handler struct {
	kafka.HandlerDefaults
	program      *program.Program
	config       sarama.Config
	to, group    string
	transactions bool
}

// ConsumeClaim runs once for each partition, with a producer of its own.
func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) (err error) {
	config := h.config
	if h.transactions {
		// The id belongs to the partition. Whoever gets the partition takes over the id: the broker aborts what the last
		// owner has left open, and refuses whatever that one may still send.
		config.Producer.Transaction.ID = fmt.Sprintf("%s-%s-%d", h.group, c.Topic(), c.Partition())
		config.Producer.Transaction.Timeout = time.Minute // default: after it the broker aborts by itself
	}
	producer, err := kafka.NewSyncProducer(s.Context(), h.program.Kafka, &config)
	if err != nil && s.Context().Err() != nil {
		return nil // a rebalance, or Ctrl-C
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	for m := range c.Messages() {
		if s.Context().Err() != nil {
			return nil // a rebalance: the others wait for us, and whoever has the partition then gets the rest
		}
		if h.transactions {
			err = h.answerInTransaction(s, producer, m)
		} else {
			err = h.answer(s, producer, m)
		}
		if err != nil {
			return err // whoever gets the partition next goes on at the last committed offset
		}
	}
	return nil
}

// answer sends first and commits then.
func (h *handler) answer(s sarama.ConsumerGroupSession, producer sarama.SyncProducer, m *sarama.ConsumerMessage) error {
	if err := h.send(producer, m); err != nil {
		return err
	}
	h.program.CrashPoint("after-send") // nothing, unless a lesson pulls the plug here
	s.MarkMessage(m, "")
	s.Commit()
	return nil
}

// answerInTransaction sends and commits as one. (One transaction a record is easy to follow. In earnest put some
// hundred into one: each costs several round trips.)
func (h *handler) answerInTransaction(s sarama.ConsumerGroupSession, producer sarama.SyncProducer, m *sarama.ConsumerMessage) (err error) {
	defer func() {
		if err != nil {
			err = h.abort(producer, err)
		}
	}()
	if err := producer.BeginTxn(); err != nil {
		return err
	}
	if err := h.send(producer, m); err != nil {
		return err
	}
	h.program.CrashPoint("after-send")
	// The offset goes with the answer, and says whose it is: the group takes it only from a member of its present
	// generation (KIP-447), and not from one that it has given up for dead.
	member := sarama.NewConsumerGroupMetadataFromSession(s, h.group, nil)
	if err := producer.AddMessageToTxnWithGroupMetadata(m, member, nil); err != nil {
		return err
	}
	return producer.CommitTxn()
}
