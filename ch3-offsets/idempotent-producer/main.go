// Command idempotent-producer sends greetings to my-json-topic, and sends again what is not acknowledged:
//
//	-idempotent=true    (default) each batch carries the producer's id and a sequence number, so the broker knows it again
//	-idempotent=false   a batch whose acknowledgement is lost is a new one to the broker, and is stored again
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) (err error) {
	p.Usage(i18n.Text{EN: "idempotent-producer sends greetings, with or without idempotence.", KO: "idempotent-producer는 인사말을 멱등하게, 또는 멱등하지 않게 보냅니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	count := p.Count("count", 30, 0, i18n.Text{EN: "how many greetings", KO: "보낼 인사말 수"})
	idempotent := p.Bool("idempotent", true, i18n.Text{EN: "let the broker recognise what it has stored already", KO: "이미 저장한 레코드를 브로커가 알아보게 합니다"})
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	greetings, err := greeting.Numbered(1, *count)
	if err != nil {
		return err
	}

	config.Producer.Idempotent = *idempotent         // sarama's default is false; the Java client's is true since 3.0
	config.Producer.RequiredAcks = sarama.WaitForAll // idempotence needs acks=all
	config.Net.MaxOpenRequests = 1                   // sarama's idempotence needs it; without, retries would change the order
	config.Producer.Retry.Max = 3                    // the default. Without retries nothing is stored twice, and more is lost
	// Called before each retry, also for a record that had not left yet when the connection broke.
	config.Producer.Retry.BackoffFunc = func(retries, maxRetries int) time.Duration {
		p.Print(i18n.Text{EN: "no success yet, sarama tries again (retry %d of %d)", KO: "아직 성공하지 못해 sarama가 다시 시도합니다 (재시도 %d/%d)"}.With(retries, maxRetries))
		return 100 * time.Millisecond
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
		message := &sarama.ProducerMessage{Topic: *topic, Key: sarama.StringEncoder(g.Key()), Value: sarama.ByteEncoder(value)}
		// SendMessage retries by itself. It returns once, with the last attempt's fate.
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
