package ch3_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/report"
	"kafkahandson/internal/stack"
)

// drawsTimelines checks that a timeline shows what the records say, and how often partitions were given up.
func drawsTimelines(t *testing.T, result lesson.Result, events []event.Event) {
	var timelines report.Timelines
	repeated := map[string]int{}  // how many records the timeline draws as repeated, by variant
	given := map[string]float64{} // how often a partition was given up, by variant
	for _, e := range events {
		timelines.Emit(e)
		if e.Type == event.Timeline {
			repeated[e.Variant] = timelines.Last().Repeated()
		}
		if e.Type == event.Compared && e.Measurement.ID == "given-up" {
			given[e.Variant] = e.Measurement.Value
		}
	}
	for _, v := range result.Variants {
		if n, drawn := repeated[v.Name]; !drawn || n != lessontest.Tally(t, v, "duplicated") {
			t.Errorf("%s: a timeline with %d repetitions (%t), want %d", v.Name, n, drawn, lessontest.Tally(t, v, "duplicated"))
		}
	}
	// Two eager rebalances of 6 partitions; 3 and 2 that move; one eager rebalance, and the 3 of the member that restarts.
	for variant, want := range map[string]float64{"range": 12, "sticky": 12, "cooperative-sticky": 5, "static": 9} {
		if given[variant] != want {
			t.Errorf("%s: partitions were given up %v times, want %v", variant, given[variant], want)
		}
	}
}

// With --step a group has nothing left to do when the instructor goes on: it gets something to do before it changes. The
// timeline leaves the pauses out.
func TestRebalanceStepByStep(t *testing.T) {
	t.Parallel()
	for _, variant := range []string{"cooperative-sticky", "static"} {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			c := newClass()
			result, err := lessontest.Play(t, ch3.Rebalance(), lesson.Options{Variants: []string{variant}, Emit: c.emit, Pause: c.pause})
			if err != nil {
				t.Fatal(err)
			}
			if !result.Passed {
				t.Error("the verdict is not PASS")
			}
			if len(c.given) != 2 || slices.Contains(c.given, 0) {
				t.Errorf("an idle group got %v records before it changed, want some, twice", c.given)
			}
			if captions, _, _ := strings.Cut(c.drawn, "\n"); strings.Count(captions, "/") != 2 {
				t.Errorf("not 2 pauses in\n%s", c.drawn)
			}
		})
	}
}

// class is an instructor who goes on when all members of the group have told that they have nothing to do.
type class struct {
	changed chan struct{}

	mu        sync.Mutex
	idle      map[string]bool // by member
	waiting   bool            // the group has not changed since it was idle
	given     []int           // how many records were produced for an idle group before it changed
	timelines report.Timelines
	drawn     string
}

func newClass() *class { return &class{changed: make(chan struct{}, 1), idle: map[string]bool{}} }

func (c *class) emit(e event.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timelines.Emit(e)
	if e.Type == event.Timeline {
		c.drawn = report.TimelineText(c.timelines.Last(), i18n.English, func(_ int, cell string) string { return cell })
	}
	switch e.Type {
	case event.Acquired, event.Released:
		c.idle[e.Program], c.waiting = false, false
	case event.Assigned, event.Handled:
		c.idle[e.Program] = false
	case event.Exited:
		delete(c.idle, e.Program)
	case event.Idle:
		c.idle[e.Program] = true
	case event.Produced:
		if c.waiting {
			c.given[len(c.given)-1]++
		}
	}
	select {
	case c.changed <- struct{}{}:
	default: // pause has not looked since the last change
	}
}

func (c *class) pause(ctx context.Context) error {
	for {
		c.mu.Lock()
		busy := slices.Contains(slices.Collect(maps.Values(c.idle)), false)
		if !busy && len(c.idle) > 0 {
			c.waiting = true
			c.given = append(c.given, 0)
		}
		c.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A static member does not leave when it ends. On a cluster that goes on, the next run clears it away all the same.
func TestRebalanceStaticAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays a lesson twice")
	}
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		result, err := lesson.Play(t.Context(), ch3.Rebalance(), lesson.Options{
			Variants: []string{"static"}, Stack: stack.Env, Kafka: kafka.Config{Brokers: k.Brokers()},
		})
		if err != nil || !result.Passed {
			t.Fatal(result, err)
		}
	}
}
