// Command never-idempotent is ch3-offsets/idempotent-producer with a defect: -idempotent changes nothing.
package main

import (
	"context"
	"errors"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) (err error) {
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	p.Bool("idempotent", true, i18n.Verbatim("ignored"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Producer.Idempotent = false
	producer, err := kafka.NewSyncProducer(ctx, p.Kafka, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	greetings, err := greeting.Numbered(1, 30)
	if err != nil {
		return err
	}
	for _, g := range greetings {
		value, err := g.Encode()
		if err != nil {
			return err
		}
		m := &sarama.ProducerMessage{Topic: *topic, Key: sarama.StringEncoder(g.Key()), Value: sarama.ByteEncoder(value)}
		if _, _, err := producer.SendMessage(m); err != nil {
			return err
		}
		p.Produced(m, g)
	}
	return nil
}
