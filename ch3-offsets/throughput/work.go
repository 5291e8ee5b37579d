package main

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

// worker does the work for a record.
type worker struct {
	program *program.Program
	work    time.Duration
	meter   meter
}

func (w *worker) handle(ctx context.Context, m *sarama.ConsumerMessage) error {
	start := time.Now()
	g, err := greeting.Decode(m.Value)
	if err != nil {
		return kafka.BadRecord(m, err)
	}
	w.program.CrashPoint("before-work")
	if w.work > 0 {
		select {
		case <-time.After(w.work): // the work: a call to another service, say
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if w.meter.want > 0 {
		w.meter.done(w.program, start)
		return nil
	}
	w.program.Handled(m, g)
	return nil
}

// meter measures the rate over a number of records, from the start of the first to the end of the last.
type meter struct {
	want int
	stop func()

	mu    sync.Mutex
	count int
	began time.Time
	busy  time.Duration // with all records together
}

// done counts a record whose work began at start.
func (t *meter) done(p *program.Program, start time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == 0 || start.Before(t.began) {
		t.began = start
	}
	t.busy += time.Since(start)
	if t.count++; t.count == t.want {
		n := float64(t.count)
		p.Measured("rate", i18n.Text{EN: "rate", KO: "처리 속도"}, n/time.Since(t.began).Seconds(), "records/s")
		p.Measured("record-time", i18n.Text{EN: "a record took", KO: "레코드 하나에 걸린 시간"}, t.busy.Seconds()*1000/n, "ms")
		t.stop()
	}
}
