// Command sabotaged-producer is ch3-offsets/producer with a defect: of the greetings it forgets number 7. With
// SABOTAGE=drop it does so in silence, with SABOTAGE=lie it reports it as sent.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) (err error) {
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
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
		if g.ID == 7 {
			if os.Getenv("SABOTAGE") == "lie" {
				p.Produced(m, g)
			}
			continue
		}
		if _, _, err := producer.SendMessage(m); err != nil {
			return err
		}
		p.Produced(m, g)
	}
	return nil
}
