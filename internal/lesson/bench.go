package lesson

import (
	"context"
	"errors"
	"slices"

	"kafkahandson/internal/event"
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

// Bench measures each variant of a lesson once a round, in turn, and returns a chart for each number that
// [Run.Compare] was given: the medians of all rounds, and the medians of the ratios within a round. A variant that was
// slow because the computer was busy for a while is so compared with others that were, too.
func Bench(ctx context.Context, l Lesson, rounds int, opts Options) ([]Chart, error) {
	variants, err := l.choose(opts.Variants)
	if err != nil {
		return nil, err
	}
	var all samples
	emit := opts.Emit
	opts.Emit = func(e event.Event) {
		if e.Type == event.Compared {
			all.add(*e.Measurement, e.Variant)
		}
		if emit != nil {
			emit(e)
		}
	}
	err = onStage(ctx, l, opts, func(s *stage) error {
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
					r.Variant = v.Name
					r.begin(v)
					measure()
				}
			}
		})
		return errors.Join(err, r.closeDatabase())
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return all.charts(l.Bench.Baseline), nil
}

// samples are what a benchmark has measured.
type samples []sampled

// sampled is one number, by variant and round.
type sampled struct {
	id       string
	name     Text
	unit     string
	variants []string // in the order of their first appearance
	values   map[string][]float64
}

func (s *samples) add(m event.Measurement, variant string) {
	i := slices.IndexFunc(*s, func(x sampled) bool { return x.id == m.ID })
	if i < 0 {
		i = len(*s)
		*s = append(*s, sampled{id: m.ID, name: m.Name, unit: m.Unit, values: map[string][]float64{}})
	}
	x := &(*s)[i]
	if !slices.Contains(x.variants, variant) {
		x.variants = append(x.variants, variant)
	}
	x.values[variant] = append(x.values[variant], m.Value)
}

func (s samples) charts(baseline string) []Chart {
	var charts []Chart
	for _, x := range s {
		c := Chart{ID: x.id, Name: x.name, Unit: x.unit}
		for _, v := range x.variants {
			values := x.values[v]
			b := Bar{Variant: v, Value: median(values)}
			b.Spread = max(slices.Max(values)-b.Value, b.Value-slices.Min(values))
			var ratios []float64
			for round, base := range x.values[baseline] {
				if base > 0 {
					ratios = append(ratios, values[round]/base)
				}
			}
			if len(ratios) > 0 {
				b.Ratio = median(ratios)
			}
			c.Bars = append(c.Bars, b)
		}
		charts = append(charts, c)
	}
	return charts
}

// median is the middle of the values, or between the two that are there.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
