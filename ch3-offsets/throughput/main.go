// Command throughput consumes my-json-topic; the work for each record takes 10 ms. Four ways to do it faster:
//
//	-how one            one record at a time, as a Spring listener with concurrency 1
//	-how partitions     one goroutine for each partition: what sarama does by itself
//	-how unsafe-pool    a pool of goroutines, and every record marked as soon as it is handed to the pool
//	-how ordered-pool   a pool that keeps the order of each key, and marks only what is done without a gap
package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/parallel"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

const (
	one         = "one"
	partitions  = "partitions"
	unsafePool  = "unsafe-pool"
	orderedPool = "ordered-pool"
	workers     = 64
)

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "throughput consumes greetings, 10 ms of work each, in one of four ways.", KO: "throughput은 작업에 10 ms가 걸리는 인사말을 네 가지 방법 중 하나로 소비합니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	group := p.Group("test-consumer-group")
	how := p.Choice("how", i18n.Text{EN: "`way` of working", KO: "처리 방법 (`way`)"}, partitions, one, unsafePool, orderedPool)
	work := p.Duration("work", 10*time.Millisecond, i18n.Text{EN: "`time` that a record takes", KO: "레코드 하나에 걸리는 시간 (`time`)"})
	interval := p.Duration("interval", time.Second, i18n.Text{EN: "`time` between two commits", KO: "커밋 간격 (`time`)"})
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Interval = *interval // what is marked is committed in the background
	config.Consumer.Offsets.Initial = sarama.OffsetOldest

	w := &worker{program: p, work: *work}
	consume := func(h sarama.ConsumerGroupHandler) error {
		return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, h, p.Observer(*group))
	}
	switch *how {
	case unsafePool:
		pool := &poolHandler{jobs: make(chan *sarama.ConsumerMessage, 10_000)} // like Java's, the queue has no end
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for m := range pool.jobs {
					_ = w.handle(ctx, m) // nobody is left who could act on an error: the record is marked already
				}
			})
		}
		defer wg.Wait()
		defer close(pool.jobs)
		return consume(pool)
	case orderedPool:
		pool, err := parallel.New(parallel.Options{Handle: w.handle, Mode: parallel.Key, Workers: workers, CommitInterval: *interval})
		if err != nil {
			return err
		}
		return consume(pool)
	}
	return consume(&handler{worker: w, oneByOne: *how == one})
}

// handler works in the goroutine that sarama gives to each partition.
type handler struct {
	kafka.HandlerDefaults
	worker   *worker
	oneByOne bool
	mu       sync.Mutex
}

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		if h.oneByOne {
			h.mu.Lock() // the other partitions wait
		}
		err := h.worker.handle(s.Context(), m)
		if h.oneByOne {
			h.mu.Unlock()
		}
		if errors.Is(err, context.Canceled) {
			return nil // not done, so not marked: it comes again
		}
		if err != nil {
			return err
		}
		s.MarkMessage(m, "") // done
	}
	return nil
}

// poolHandler hands records over, and claims at once that they are done.
type poolHandler struct {
	kafka.HandlerDefaults
	jobs chan *sarama.ConsumerMessage
}

func (h *poolHandler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		h.jobs <- m          // somebody will handle it, some time, in some order
		s.MarkMessage(m, "") // wrong: it is not done
	}
	return nil
}
