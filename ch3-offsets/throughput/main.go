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
	"kafkahandson/internal/kafka/admin"
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
	topic := p.String("topic", "my-json-topic", i18n.Text{EN: "`topic` to consume", KO: "소비할 토픽 (`topic`)"})
	group := p.String("group", "test-consumer-group", i18n.Text{EN: "consumer `group`", KO: "컨슈머 그룹 (`group`)"})
	how := p.String("how", partitions, i18n.Text{EN: "`way` of working: one, partitions, unsafe-pool or ordered-pool", KO: "처리 방법 (`way`): one, partitions, unsafe-pool, ordered-pool"})
	work := p.Duration("work", 10*time.Millisecond, i18n.Text{EN: "`time` that a record takes", KO: "레코드 하나에 걸리는 시간 (`time`)"})
	interval := p.Duration("interval", time.Second, i18n.Text{EN: "`time` between two commits", KO: "커밋 간격 (`time`)"})
	measure := p.Int("measure", 0, i18n.Text{EN: "measure the rate over so many records in silence, and end", KO: "이만큼의 레코드로 처리 속도를 조용히 재고 끝냅니다"})
	if err := p.Parse(ctx); err != nil {
		return err
	}
	if err := p.OneOf("how", *how, one, partitions, unsafePool, orderedPool); err != nil {
		return err
	}
	if err := admin.EnsureTopic(ctx, p.Kafka, *topic, 3); err != nil {
		return err
	}
	config, err := p.Kafka.Sarama()
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Interval = *interval // what is marked is committed in the background
	config.Consumer.Offsets.Initial = sarama.OffsetOldest

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := &worker{program: p, work: *work, meter: meter{want: *measure, stop: stop}}
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
	worker   *worker
	oneByOne bool
	mu       sync.Mutex
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

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
type poolHandler struct{ jobs chan *sarama.ConsumerMessage }

func (h *poolHandler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *poolHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *poolHandler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		h.jobs <- m          // somebody will handle it, some time, in some order
		s.MarkMessage(m, "") // wrong: it is not done
	}
	return nil
}
