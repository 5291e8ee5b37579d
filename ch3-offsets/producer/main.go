// Command producer sends greetings to my-json-topic, keyed by age.
//
//	producer                     sends the 30 sample greetings
//	producer -count 100          sends 100
//	producer -first 31 -count 1  sends one, with the id 31
//	producer -topic other-topic  sends them elsewhere
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) (err error) {
	p.Usage(i18n.Text{EN: "producer sends greetings to a topic.", KO: "producer는 인사말을 토픽으로 보냅니다."})
	topic := p.String("topic", "my-json-topic", i18n.Text{EN: "`topic` to send to", KO: "보낼 토픽 (`topic`)"})
	count := p.Int("count", 30, i18n.Text{EN: "how many greetings", KO: "보낼 인사말 수"})
	first := p.Int("first", 1, i18n.Text{EN: "`id` of the first one", KO: "첫 인사말의 `id`"})
	if err := p.Parse(ctx); err != nil {
		return err
	}
	if *first < 1 || *count < 0 {
		return p.UsageError(i18n.Text{EN: "-first must be at least 1, and -count at least 0", KO: "-first는 1 이상, -count는 0 이상이어야 합니다"})
	}
	greetings, err := greeting.Numbered(*first - 1 + *count)
	if err != nil {
		return err
	}
	greetings = greetings[*first-1:]
	if err := admin.EnsureTopic(ctx, p.Kafka, *topic, 3); err != nil {
		return err
	}

	// The course's settings: acks=all, idempotent, keys placed as Java places them.
	config, err := p.Kafka.Sarama()
	if err != nil {
		return err
	}
	producer, err := kafka.NewSyncProducer(ctx, p.Kafka, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	for _, g := range greetings {
		value, err := g.Encode()
		if err != nil {
			return err
		}
		message := &sarama.ProducerMessage{
			Topic: *topic,
			Key:   sarama.StringEncoder(g.Key()), // one age, one partition, one order
			Value: sarama.ByteEncoder(value),
		}
		// SendMessage returns when all in-sync replicas have the record.
		if _, _, err := producer.SendMessage(message); err != nil {
			return fmt.Errorf("send greeting %d: %w", g.ID, err)
		}
		p.Produced(message, g)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
