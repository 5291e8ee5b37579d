package lesson

import (
	"context"
	"errors"

	"kafkahandson/internal/problem"
)

// Benchmark measures the variants of a lesson against each other. It claims nothing: what it finds depends on the
// computer, and only the ratios mean something elsewhere.
type Benchmark struct {
	// Baseline is the variant that the others are compared with.
	Baseline string
	// Note tells how to read the charts.
	Note Text
	// Prepare makes what is measured, and returns what measures the variant in Run.Variant once, with [Run.Compare].
	Prepare func(r *Run) (measure func())
}

// Bench measures each variant of a lesson once a round, in turn. What it measures are the numbers that [Run.Compare] is
// given, events of type compared: Options.Emit gets them. If the context ends, the error is a [*Stopped], as of [Play].
func Bench(ctx context.Context, l Lesson, rounds int, opts Options) error {
	variants, err := l.choose(opts.Variants)
	if err != nil {
		return err
	}
	return onStage(ctx, l, opts, func(s *stage) error {
		if missing, err := s.missing(ctx); err != nil {
			return err
		} else if missing != nil {
			return problem.Environment(nil, missing.Why, missing.Solve...)
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		r := s.newRun(ctx, "")
		if err := r.openDatabase(); err != nil {
			return err
		}
		err := r.play(func(r *Run) {
			r.Step(Text{EN: "Prepare", KO: "준비합니다"})
			measure := l.Bench.Prepare(r)
			for round := range rounds {
				r.Variant = ""
				r.Step(Text{EN: "Round %d of %d", KO: "%d/%d 라운드"}.With(round+1, rounds))
				for _, v := range variants {
					r.Must(ctx.Err()) // what is measured may never wait
					r.Variant = v.Name
					r.begin(v)
					measure()
				}
			}
		})
		return errors.Join(err, r.closeDatabase())
	})
}
