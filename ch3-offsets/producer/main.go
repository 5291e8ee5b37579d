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
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) (err error) {
	p.Usage(i18n.Text{EN: "producer sends greetings to a topic.", KO: "producer는 인사말을 토픽으로 보냅니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	first := p.Count("first", 1, 1, i18n.Text{EN: "`id` of the first one", KO: "첫 인사말의 `id`"})
	count := p.Count("count", 30, 0, i18n.Text{EN: "how many greetings", KO: "보낼 인사말 수"})
	config, err := p.Ready(ctx) // the course's settings: acks=all, idempotent, keys placed as Java places them
	if err != nil {
		return err
	}
	greetings, err := greeting.Numbered(*first, *count)
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
