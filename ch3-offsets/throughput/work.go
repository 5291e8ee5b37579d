package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

// worker does the work for a record.
type worker struct {
	program *program.Program
	work    time.Duration
}

func (w *worker) handle(ctx context.Context, m *sarama.ConsumerMessage) error {
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
	w.program.Handled(m, g)
	return nil
}
