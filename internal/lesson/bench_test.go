package lesson_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// numbers is a lesson whose benchmark compares these numbers of its variants, a row for each round.
func numbers(measured map[string][]float64) lesson.Lesson {
	return lesson.Lesson{
		Name:     "numbers",
		Variants: []lesson.Variant{{Name: "plain"}, {Name: "fast"}},
		Bench: &lesson.Benchmark{
			Baseline: "plain",
			Prepare: func(r *lesson.Run) func() {
				round := map[string]int{}
				return func() {
					r.Compare("speed", text("speed"), measured[r.Variant][round[r.Variant]], "records/s")
					round[r.Variant]++
				}
			},
		},
	}
}

// Each variant is measured once a round, and what it measures are events.
func TestBenchTakesTurns(t *testing.T) {
	var order []string
	values := map[string][]float64{}
	err := lesson.Bench(t.Context(), numbers(map[string][]float64{"plain": {100, 10, 90}, "fast": {220, 20, 170}}), 3,
		lesson.Options{Stack: stack.Own, Emit: func(e event.Event) {
			switch e.Type {
			case event.VariantStarted:
				order = append(order, e.Variant)
			case event.Compared:
				values[e.Variant] = append(values[e.Variant], e.Measurement.Value)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"plain", "fast", "plain", "fast", "plain", "fast"}) {
		t.Errorf("measured in the order %q", order)
	}
	if want := map[string][]float64{"plain": {100, 10, 90}, "fast": {220, 20, 170}}; !reflect.DeepEqual(values, want) {
		t.Errorf("measured %v, want %v", values, want)
	}
}

func TestBenchOfOneVariant(t *testing.T) {
	measured := 0
	err := lesson.Bench(t.Context(), numbers(map[string][]float64{"fast": {1, 2}}), 2, lesson.Options{
		Stack: stack.Own, Variants: []string{"fast"}, Emit: func(e event.Event) {
			if e.Type == event.Compared {
				measured++
			}
		},
	})
	if err != nil || measured != 2 {
		t.Errorf("measured %d times, %v", measured, err)
	}
}

// A benchmark that its context ends leaves as little as a lesson, and says so.
func TestBenchIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err := lesson.Bench(ctx, numbers(map[string][]float64{"plain": {1, 2}, "fast": {1, 2}}), 2, lesson.Options{Stack: stack.Own, Emit: func(e event.Event) {
		if e.Type == event.Compared {
			stop()
		}
	}})
	var stopped *lesson.Stopped
	if !errors.As(err, &stopped) || stopped.Stays || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestBenchNeeds(t *testing.T) {
	l := numbers(nil)
	l.Needs = []lesson.Need{lesson.RealKafka(text("needs the stack"))}
	err := lesson.Bench(t.Context(), l, 1, lesson.Options{Stack: stack.Own})
	if problem.ExitCode(err) != problem.ExitEnvironment {
		t.Errorf("%v", err)
	}
}
