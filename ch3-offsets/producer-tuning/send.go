package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

// sendSync sends a record when the one before it is acknowledged: a round trip for each. It ends at the first that
// fails.
func sendSync(ctx context.Context, p *program.Program, config *sarama.Config, records []*sarama.ProducerMessage) (err error) {
	producer, err := kafka.NewSyncProducer(ctx, p.Kafka, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	sending(p, len(records))
	acknowledged := 0
	for _, m := range records {
		if _, _, err = producer.SendMessage(m); err != nil {
			err = fmt.Errorf("send: %w", err)
			break
		}
		acknowledged++
		if err = ctx.Err(); err != nil {
			break
		}
	}
	sent(p, acknowledged, kafka.ProduceRequests(config))
	return err
}

// sendAsync hands all records to the producer, which sends them in batches in the background, and then waits for the
// acknowledgements.
func sendAsync(ctx context.Context, p *program.Program, config *sarama.Config, records []*sarama.ProducerMessage) (err error) {
	var acknowledged atomic.Int64
	var first sync.Once
	var failure error // of the first record that failed
	var fates sync.WaitGroup
	producer, err := kafka.NewAsyncProducer(ctx, p.Kafka, config, func(_ *sarama.ProducerMessage, err error) {
		defer fates.Done()
		if err == nil {
			acknowledged.Add(1)
			return
		}
		first.Do(func() { failure = fmt.Errorf("send: %w", err) })
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	sending(p, len(records))
	for _, m := range records {
		fates.Add(1)
		if err = producer.Send(ctx, m); err != nil {
			fates.Done() // it was not sent
			break
		}
	}
	fates.Wait()
	sent(p, int(acknowledged.Load()), kafka.ProduceRequests(config))
	return errors.Join(err, failure)
}

func sending(p *program.Program, records int) {
	p.Observe(i18n.Text{EN: "sending %d records", KO: "레코드 %d개를 보냅니다"}.With(records), observation.Sending{Records: records})
}

func sent(p *program.Program, acknowledged, requests int) {
	p.Observe(i18n.Text{EN: "%d were acknowledged, in %d requests", KO: "%d개가 확인 응답(ack)을 받았습니다. 요청은 %d번이었습니다"}.With(acknowledged, requests),
		observation.Sent{Acknowledged: acknowledged, Requests: requests})
}
