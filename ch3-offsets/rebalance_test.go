package ch3_test

import (
	"slices"
	"testing"

	ch3 "kafkahandson/ch3-offsets"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/stack"
)

func TestRebalance(t *testing.T) {
	t.Parallel()
	var timelines lesson.Timelines
	drawn := 0
	given := map[string]float64{} // how often a partition was given up, by variant
	result, err := lessontest.Play(t, ch3.Rebalance(), lesson.Options{Emit: func(e event.Event) {
		if timeline := timelines.Emit(e); timeline != nil && timeline.Text(i18n.English, func(_ int, cell string) string { return cell }) != "" {
			drawn++
		}
		if e.Type == event.Compared && e.Text.EN == "given up" {
			given[e.Variant] = *e.Value
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Passed {
		t.Error("the verdict is not PASS")
	}
	if drawn != 4 {
		t.Errorf("%d timelines", drawn)
	}
	// Two eager rebalances of 6 partitions; 3 and 2 that move; one eager rebalance, and the 3 of the member that restarts.
	for variant, want := range map[string]float64{"range": 12, "sticky": 12, "cooperative-sticky": 5, "static": 9} {
		if given[variant] != want {
			t.Errorf("%s: partitions were given up %v times, want %v", variant, given[variant], want)
		}
	}
}

// A member that is eager and dynamic, whatever it is told to be, shows.
func TestRebalanceSabotageShows(t *testing.T) {
	t.Parallel()
	result, err := lessontest.Play(t, ch3.Rebalance(), lesson.Options{
		Variants: []string{"cooperative-sticky", "static"},
		Replace:  map[string]string{"ch3-offsets/rebalance": "ch3-offsets/testdata/eager-member"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, v := range result.Variants {
		for _, c := range v.Claims {
			if !c.OK {
				failed = append(failed, v.Name+": "+c.Text.EN)
			}
		}
	}
	want := []string{
		"cooperative-sticky: when B joins, A gives up only the 3 that B gets",
		"cooperative-sticky: when C joins, A and B give up only the 2 that C gets",
		"cooperative-sticky: A worked on 2 of them from beginning to end without a break",
		"static: B got its 3 partitions back, and only these were interrupted",
		"static: there was no rebalance: the group is in the same generation",
		"static: while B was down, the broker counted 2 members all the same",
	}
	if !slices.Equal(failed, want) {
		t.Errorf("claims that failed: %q, want %q", failed, want)
	}
}

// A static member does not leave when it ends. On a cluster that goes on, the next run clears it away all the same.
func TestRebalanceStaticAgain(t *testing.T) {
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
