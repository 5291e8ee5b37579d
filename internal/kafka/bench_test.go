package kafka_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/parallel"
)

// An iteration of these benchmarks is a round of about a second for each thing that is compared: run them with
// -benchtime=10x, on a machine that does nothing else. On a shared one only the ratios mean something. They report and
// never fail; the targets stand in the metrics' names.

// BenchmarkPoolWait has work that only waits, 10 ms, so that 64 workers do 6,400 records a second if they are never idle.
//
// Timers wake up late, often by more than half a millisecond. What one record took too long, the next take less, so that
// they take 10 ms on average (see ms/record), and the pool is measured, not the timer: the time that it takes between two
// records is not made up for. %busy is how much of their time the workers spend in the handler.
func BenchmarkPoolWait(b *testing.B) {
	const workers, wait = 64, 10 * time.Millisecond
	for _, mode := range []parallel.Mode{parallel.Key, parallel.Unordered} {
		b.Run(string(mode), func(b *testing.B) {
			cfg := startEndless(b, 6)
			var n, busy, late atomic.Int64
			h := newPool(b, parallel.Options{Mode: mode, Workers: workers, Handle: func(context.Context, *sarama.ConsumerMessage) error {
				start := time.Now()
				early := min(late.Load(), int64(wait/2))
				late.Add(-early)
				time.Sleep(wait - time.Duration(early))
				took := time.Since(start)
				late.Add(int64(took-wait) + early)
				busy.Add(int64(took))
				n.Add(1)
				return nil
			}})
			var speed, used, each []float64
			for range b.N {
				late.Store(0)
				stop := consumeEndless(b, cfg, benchConfig(b, cfg), h)
				measured := rate(b, &n, 2*time.Second)
				stop()
				mean := time.Duration(busy.Swap(0) / n.Swap(0))
				speed = append(speed, measured.perSecond)
				used = append(used, 100*measured.perSecond*mean.Seconds()/workers)
				each = append(each, 1000*mean.Seconds())
			}
			b.ReportMetric(median(speed), "records/s")
			b.ReportMetric(100*median(speed)/(workers/wait.Seconds()), "%ideal(target≥95)")
			b.ReportMetric(median(used), "%busy")
			b.ReportMetric(median(each), "ms/record")
		})
	}
}

// BenchmarkPoolEmpty has no work at all, and compares with the plain loop over Messages.
func BenchmarkPoolEmpty(b *testing.B) {
	for _, mode := range []parallel.Mode{parallel.Key, parallel.Partition, parallel.Unordered} {
		b.Run(string(mode), func(b *testing.B) {
			cfg := startEndless(b, 6)
			var n atomic.Int64
			h := newPool(b, parallel.Options{Mode: mode, Workers: 64, Handle: func(context.Context, *sarama.ConsumerMessage) error {
				n.Add(1)
				return nil
			}})
			with := func(handler sarama.ConsumerGroupHandler) func() measurement {
				return func() measurement {
					defer consumeEndless(b, cfg, benchConfig(b, cfg), handler)()
					return rate(b, &n, time.Second)
				}
			}
			compare(b, with(plainLoop{&n}), with(h))
		})
	}
}

// BenchmarkConsumeGroup compares ConsumeGroup with the bare loop around sarama's own group, both with the same handler.
func BenchmarkConsumeGroup(b *testing.B) {
	cfg := startEndless(b, 6)
	var n atomic.Int64
	through := func(consume func(*testing.B, kafka.Config, *sarama.Config, sarama.ConsumerGroupHandler) (stop func())) func() measurement {
		return func() measurement {
			defer consume(b, cfg, benchConfig(b, cfg), plainLoop{&n})()
			return rate(b, &n, time.Second)
		}
	}
	compare(b, through(bareLoop), through(consumeEndless))
}

// compare measures one thing after another in each round, and reports the medians of what ours is beside the bare one.
func compare(b *testing.B, bare, ours func() measurement) {
	var plain, speed, cost []float64
	for range b.N {
		first, second := bare(), ours()
		plain = append(plain, first.perSecond)
		speed = append(speed, 100*second.perSecond/first.perSecond)
		cost = append(cost, 100*second.cpu/first.cpu)
	}
	b.ReportMetric(median(plain), "bare-records/s")
	b.ReportMetric(median(speed), "%speed(target≥80)")
	b.ReportMetric(median(cost), "%cpu/record")
}

// bareLoop consumes with sarama alone.
func bareLoop(b *testing.B, cfg kafka.Config, sc *sarama.Config, h sarama.ConsumerGroupHandler) (stop func()) {
	group, err := sarama.NewConsumerGroup(cfg.Brokers, "bench", sc)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for range group.Errors() {
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{"endless"}, h); err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
		}
	})
	return func() {
		cancel()
		if err := group.Close(); err != nil {
			b.Error(err)
		}
		wg.Wait()
	}
}

// BenchmarkAsyncProducer compares the course's asynchronous producer with sarama's own, whose fates two goroutines count.
func BenchmarkAsyncProducer(b *testing.B) {
	const records = 200_000
	cfg := startEmpty(b)
	newMessage := func() *sarama.ProducerMessage {
		return &sarama.ProducerMessage{Topic: "bench", Value: sarama.ByteEncoder(make([]byte, 100))}
	}
	bare := func(sc *sarama.Config) {
		producer, err := sarama.NewAsyncProducer(cfg.Brokers, sc)
		if err != nil {
			b.Fatal(err)
		}
		var wg sync.WaitGroup
		var n atomic.Int64
		wg.Go(func() {
			for range producer.Successes() {
				n.Add(1)
			}
		})
		wg.Go(func() {
			for e := range producer.Errors() {
				b.Error(e)
			}
		})
		for range records {
			producer.Input() <- newMessage()
		}
		producer.AsyncClose()
		wg.Wait()
		if n.Load() != records {
			b.Errorf("%d of %d were acknowledged", n.Load(), records)
		}
	}
	ours := func(sc *sarama.Config) {
		var n atomic.Int64
		producer, err := kafka.NewAsyncProducer(b.Context(), cfg, sc, func(_ *sarama.ProducerMessage, err error) {
			if err != nil {
				b.Error(err)
			}
			n.Add(1)
		})
		if err != nil {
			b.Fatal(err)
		}
		for range records {
			if err := producer.Send(b.Context(), newMessage()); err != nil {
				b.Fatal(err)
			}
		}
		if err := producer.Close(); err != nil || n.Load() != records {
			b.Errorf("%d of %d were acknowledged: %v", n.Load(), records, err)
		}
	}
	through := func(send func(*sarama.Config)) func() measurement {
		return func() measurement {
			sc := benchConfig(b, cfg)
			start, before := time.Now(), processorTime()
			send(sc)
			return measurement{perSecond: records / time.Since(start).Seconds(), cpu: (processorTime() - before).Seconds() / records}
		}
	}
	compare(b, through(bare), through(ours))
}

// startEmpty starts a Kafka with an empty topic of three partitions.
func startEmpty(b *testing.B) kafka.Config {
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(3, "bench"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return kafka.Config{Brokers: c.ListenAddrs()}
}

// newPool is an ordered pool.
func newPool(b *testing.B, opts parallel.Options) sarama.ConsumerGroupHandler {
	pool, err := parallel.New(opts)
	if err != nil {
		b.Fatal(err)
	}
	return pool
}

// benchConfig is the course's configuration for what is compared.
func benchConfig(b *testing.B, cfg kafka.Config) *sarama.Config {
	sc, err := cfg.Sarama()
	if err != nil {
		b.Fatal(err)
	}
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	sc.Consumer.Offsets.AutoCommit.Enable = true // the plain loop's commits
	return sc
}

// plainLoop is the shortest handler that is right.
type plainLoop struct{ n *atomic.Int64 }

func (plainLoop) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (plainLoop) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h plainLoop) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		h.n.Add(1)
		s.MarkMessage(m, "")
	}
	return nil
}

// BenchmarkPoolSoak handles five million records, each with a key of its own, and looks at the live heap after each tenth.
// The growth is from the least of the first five looks to the least of the last five, because what sarama holds of its
// fetches comes and goes.
func BenchmarkPoolSoak(b *testing.B) {
	const total = 5_000_000
	cfg := startEndless(b, 6)
	sc := benchConfig(b, cfg)
	sc.Consumer.Interceptors = []sarama.ConsumerInterceptor{ownKeys{}}
	for range b.N {
		var n atomic.Int64
		looks := make([]chan struct{}, 10)
		for i := range looks {
			looks[i] = make(chan struct{})
		}
		h := newPool(b, parallel.Options{Workers: 64, Handle: func(context.Context, *sarama.ConsumerMessage) error {
			if now := n.Add(1); now <= total && now%(total/10) == 0 {
				close(looks[now/(total/10)-1])
			}
			return nil
		}})
		stop := consumeEndless(b, cfg, sc, h)
		var heap []float64
		for _, look := range looks {
			<-look
			runtime.GC()
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			heap = append(heap, float64(stats.HeapAlloc)/(1<<20))
		}
		stop()
		b.Logf("live heap in MiB: %.1f", heap)
		b.ReportMetric(slices.Min(heap[5:])-slices.Min(heap[:5]), "MiB-growth(target≈0)")
		b.ReportMetric(slices.Max(heap), "MiB-max")
	}
}

// ownKeys gives each record of a partition another key.
type ownKeys struct{}

func (ownKeys) OnConsume(m *sarama.ConsumerMessage) {
	m.Key = binary.BigEndian.AppendUint64(nil, uint64(m.Offset))
}

// startEndless starts a Kafka with a topic that has no end: records of 100 bytes with a thousand keys.
func startEndless(b *testing.B, partitions int32) kafka.Config {
	const n = 5000
	var records []byte
	for i := range int32(n) {
		r := kmsg.Record{OffsetDelta: i, Key: fmt.Appendf(nil, "key-%d", i%1000), Value: make([]byte, 100)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length itself, which is one byte as long as it is 0
		records = r.AppendTo(records)
	}
	batch := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: n - 1, FirstTimestamp: 1, MaxTimestamp: 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: n, Records: records}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12)) // what follows offset and length
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(partitions, "endless"), kfake.SyntheticFetch(kfake.SyntheticBatch{Batch: raw}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	return kafka.Config{Brokers: c.ListenAddrs()}
}

func consumeEndless(b *testing.B, cfg kafka.Config, sc *sarama.Config, h sarama.ConsumerGroupHandler) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- kafka.ConsumeGroup(ctx, cfg, sc, "bench", []string{"endless"}, h, kafka.GroupObserver{})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

type measurement struct {
	perSecond float64
	cpu       float64 // seconds a record
}

// rate measures how fast n grows, from its first step on.
func rate(b *testing.B, n *atomic.Int64, during time.Duration) measurement {
	b.Helper()
	before := n.Load()
	await.True(b, "the first step", func() bool { return n.Load() != before })
	from, cpu, start := n.Load(), processorTime(), time.Now()
	time.Sleep(during)
	records := float64(n.Load() - from)
	return measurement{
		perSecond: records / time.Since(start).Seconds(),
		cpu:       (processorTime() - cpu).Seconds() / records,
	}
}

// processorTime is what this process, the broker in it included, has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
