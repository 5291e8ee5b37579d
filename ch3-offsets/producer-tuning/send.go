package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
)

// outcome is what became of the records, and how long it took to know. Connecting does not count.
type outcome struct {
	acknowledged, failed int
	requests             int // that carried them
	took                 time.Duration
}

// sendSync sends a record when the one before it is acknowledged: a round trip for each. It ends at the first that
// fails.
func sendSync(ctx context.Context, cfg kafka.Config, config *sarama.Config, records []*sarama.ProducerMessage) (sent outcome, err error) {
	producer, err := kafka.NewSyncProducer(ctx, cfg, config)
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	start := time.Now()
	for _, m := range records {
		if _, _, err = producer.SendMessage(m); err != nil {
			sent.failed++
			err = fmt.Errorf("send: %w", err)
			break
		}
		sent.acknowledged++
		if err = ctx.Err(); err != nil {
			break
		}
	}
	sent.took, sent.requests = time.Since(start), requests(config)
	return sent, err
}

// sendAsync hands all records to the producer, which sends them in batches in the background, and then waits for the
// acknowledgements.
func sendAsync(ctx context.Context, cfg kafka.Config, config *sarama.Config, records []*sarama.ProducerMessage) (sent outcome, err error) {
	var acknowledged, failed atomic.Int64
	var first sync.Once
	var failure error // of the first record that failed
	var fates sync.WaitGroup
	producer, err := kafka.NewAsyncProducer(ctx, cfg, config, func(_ *sarama.ProducerMessage, err error) {
		defer fates.Done()
		if err == nil {
			acknowledged.Add(1)
			return
		}
		failed.Add(1)
		first.Do(func() { failure = fmt.Errorf("send: %w", err) })
	})
	if err != nil {
		return outcome{}, err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	start := time.Now()
	for _, m := range records {
		fates.Add(1)
		if err = producer.Send(ctx, m); err != nil {
			fates.Done() // it was not sent
			break
		}
	}
	fates.Wait()
	sent = outcome{int(acknowledged.Load()), int(failed.Load()), requests(config), time.Since(start)}
	return sent, errors.Join(err, failure)
}

// requests is how many requests with records have been sent, as sarama's metrics say. They are gone once the producer
// is closed.
func requests(config *sarama.Config) int {
	histogram, ok := config.MetricRegistry.Get("records-per-request").(interface{ Count() int64 })
	if !ok {
		return 0
	}
	return int(histogram.Count())
}
