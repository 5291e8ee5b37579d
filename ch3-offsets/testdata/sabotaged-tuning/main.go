// Command sabotaged-tuning is ch3-offsets/producer-tuning with a defect, and reports that all went well. SABOTAGE says which:
//
//	lose    it forgets greeting 7
//	swap    it sends greeting 7 twice, and 8 not at all
//	plain   it does not compress
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
	count := p.Count("count", 0, 0, i18n.Verbatim("count"))
	codec := p.String("compression", "none", i18n.Verbatim("codec"))
	for _, ignored := range []string{"flush-frequency", "flush-bytes", "required-acks"} {
		p.String(ignored, "", i18n.Verbatim("ignored"))
	}
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	sabotage := os.Getenv("SABOTAGE")
	if sabotage != "plain" {
		if err := config.Producer.Compression.UnmarshalText([]byte(*codec)); err != nil {
			return err
		}
	}
	producer, err := kafka.NewAsyncProducer(ctx, p.Kafka, config, func(*sarama.ProducerMessage, error) {})
	if err != nil {
		return err
	}
	greetings, err := greeting.Numbered(1, *count)
	if err != nil {
		return errors.Join(err, producer.Close())
	}
	for _, g := range greetings {
		switch {
		case g.ID == 7 && sabotage == "lose":
			continue
		case g.ID == 8 && sabotage == "swap":
			g = greetings[6]
		}
		value, encodeErr := g.Encode()
		err = errors.Join(err, encodeErr, producer.Send(ctx, &sarama.ProducerMessage{
			Topic: *topic, Key: sarama.StringEncoder(g.Key()), Value: sarama.ByteEncoder(value),
		}))
	}
	err = errors.Join(err, producer.Close())
	for name, value := range map[string]float64{"acknowledged": float64(*count), "failed": 0, "rate": 1, "together": 1} {
		p.Measured(name, i18n.Verbatim(name), value, "")
	}
	return err
}
