package report

import (
	"slices"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Samples are what a benchmark has measured, from its events. The zero value is ready for use.
type Samples struct{ all []sample }

// sample is one number, by variant and round.
type sample struct {
	id       string
	name     i18n.Text
	unit     string
	variants []string // in the order of their first appearance
	values   map[string][]float64
}

// Emit takes in an event of the benchmark.
func (s *Samples) Emit(e event.Event) {
	if e.Type != event.Compared {
		return
	}
	m := e.Measurement
	i := slices.IndexFunc(s.all, func(x sample) bool { return x.id == m.ID })
	if i < 0 {
		i = len(s.all)
		s.all = append(s.all, sample{id: m.ID, name: m.Name, unit: m.Unit, values: map[string][]float64{}})
	}
	x := &s.all[i]
	if !slices.Contains(x.variants, e.Variant) {
		x.variants = append(x.variants, e.Variant)
	}
	x.values[e.Variant] = append(x.values[e.Variant], m.Value)
}

// Charts are one for each number: the medians of all rounds, and the medians of the ratios to the baseline, a variant,
// within a round. A variant that was slow because the computer was busy for a while is so compared with others that were,
// too. Without measurements of the baseline there are no ratios.
func (s *Samples) Charts(baseline string) []Chart {
	var charts []Chart
	for _, x := range s.all {
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
