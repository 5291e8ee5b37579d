package main

import (
	"context"
	"time"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
)

// measure tells what the first delivery of a message takes, and what the second one takes, each on average. Kafka has no
// part in it.
func (h *handler) measure(ctx context.Context, messages int) error {
	var first, second time.Duration
	unused := time.Now().UnixMicro() // as an id
	for i := range messages {
		g := greeting.Greeting{ID: unused + int64(i), Name: "Jiwoo"}
		// In turn: a computer that is busy for a while slows down both.
		for _, total := range []*time.Duration{&first, &second} {
			start := time.Now()
			if _, err := h.welcome(ctx, g); err != nil {
				return err
			}
			*total += time.Since(start)
		}
	}
	mean := func(total time.Duration) float64 { return float64(total.Nanoseconds()) / 1000 / float64(messages) }
	h.program.Measured("first-delivery", i18n.Text{EN: "a first delivery", KO: "첫 전달"}, mean(first), "µs")
	h.program.Measured("second-delivery", i18n.Text{EN: "a second delivery", KO: "두 번째 전달"}, mean(second), "µs")
	return nil
}
