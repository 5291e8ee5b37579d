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
	g, err := greeting.Decode(m.Value)
	if err != nil {
		return kafka.BadRecord(m, err)
	}
	select {
	case <-time.After(w.work): // the work: a call to another service, say
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.meter.want > 0 {
		w.meter.done(w.program)
		return nil
	}
	w.program.Handled(m, g)
	w.program.CrashPoint("after-handle")
	return nil
}

// meter measures the rate over a number of records, from the end of the first to the end of the last.
type meter struct {
	want int
	stop func()

	mu    sync.Mutex
	count int
	began time.Time
}

func (t *meter) done(p *program.Program) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count++; t.count == 1 {
		t.began = time.Now()
	}
	if t.count == t.want {
		p.Measured(i18n.Text{EN: "rate", KO: "처리 속도"}, float64(t.count-1)/time.Since(t.began).Seconds(), "records/s")
		t.stop()
	}
}
