package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

// NewSyncProducer connects a producer whose SendMessage returns once all in-sync replicas have the record. Its
// settings are those of sc. Errors are those of [NewClient]; an error of SendMessage may be a [*RecordTooLargeError].
func NewSyncProducer(ctx context.Context, cfg Config, sc *sarama.Config) (sarama.SyncProducer, error) {
	client, err := NewClient(ctx, cfg, sc)
	if err != nil {
		return nil, err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create a producer: %w", err), client.Close())
	}
	return &syncProducer{SyncProducer: producer, client: client}, nil
}

// syncProducer closes its own client, which sarama leaves to the one who made it.
type syncProducer struct {
	sarama.SyncProducer
	client sarama.Client
}

func (p *syncProducer) SendMessage(m *sarama.ProducerMessage) (partition int32, offset int64, err error) {
	partition, offset, err = p.SyncProducer.SendMessage(m)
	return partition, offset, sendError(m, err)
}

// sendError gives the error that a record is too large its type.
func sendError(m *sarama.ProducerMessage, err error) error {
	var local sarama.ConfigurationError // of a record, sarama has no other
	if errors.Is(err, sarama.ErrMessageSizeTooLarge) || errors.As(err, &local) {
		return &RecordTooLargeError{Topic: m.Topic, Err: err}
	}
	return err
}

func (p *syncProducer) Close() error {
	return errors.Join(p.SyncProducer.Close(), p.client.Close())
}

// AsyncProducer sends without waiting and tells the fate of every record exactly once.
type AsyncProducer struct {
	producer sarama.AsyncProducer
	client   sarama.Client
	wg       sync.WaitGroup
}

// NewAsyncProducer connects a producer that batches in the background. delivered is called once for each record, with
// a nil error when all in-sync replicas have it, a [*RecordTooLargeError] among others when they do not; the calls come
// from two goroutines. Errors are those of [NewClient].
func NewAsyncProducer(ctx context.Context, cfg Config, sc *sarama.Config, delivered func(*sarama.ProducerMessage, error)) (*AsyncProducer, error) {
	client, err := NewClient(ctx, cfg, sc)
	if err != nil {
		return nil, err
	}
	producer, err := sarama.NewAsyncProducerFromClient(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create a producer: %w", err), client.Close())
	}
	p := &AsyncProducer{producer: producer, client: client}
	p.wg.Go(func() {
		for m := range producer.Successes() {
			delivered(m, nil)
		}
	})
	p.wg.Go(func() {
		for e := range producer.Errors() {
			delivered(e.Msg, sendError(e.Msg, e.Err))
		}
	})
	return p, nil
}

// Send hands a record over. It blocks while the producer's buffer is full, until ctx ends.
func (p *AsyncProducer) Send(ctx context.Context, m *sarama.ProducerMessage) error {
	select {
	case p.producer.Input() <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits until the fate of every record has been told, and disconnects. Call it once, after the last Send.
func (p *AsyncProducer) Close() error {
	p.producer.AsyncClose()
	p.wg.Wait()
	return p.client.Close()
}

// ProduceRequests is how many requests with records a producer with this configuration has sent, as sarama's metrics say.
// They are gone once the producer is closed.
func ProduceRequests(sc *sarama.Config) int {
	histogram, ok := sc.MetricRegistry.Get("records-per-request").(interface{ Count() int64 })
	if !ok {
		return 0
	}
	return int(histogram.Count())
}
