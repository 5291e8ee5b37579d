package lesson_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// numbers is a lesson whose benchmark compares these numbers of its variants, a row for each round.
func numbers(measured map[string][]float64) lesson.Lesson {
	return lesson.Lesson{
		Name: "numbers", Title: text("numbers"),
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

func TestBenchComparesWithinARound(t *testing.T) {
	var order []string
	charts, err := lesson.Bench(t.Context(), numbers(map[string][]float64{"plain": {100, 10, 90}, "fast": {220, 20, 170}}), 3,
		lesson.Options{Stack: stack.Own, Emit: func(e event.Event) {
			if e.Type == event.VariantStarted {
				order = append(order, e.Variant)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	want := []lesson.Chart{{ID: "speed", Name: text("speed"), Unit: "records/s", Bars: []lesson.Bar{
		{Variant: "plain", Value: 90, Spread: 80, Ratio: 1},
		{Variant: "fast", Value: 170, Spread: 150, Ratio: 2}, // of 2.2, 2 and 1.9
	}}}
	if !reflect.DeepEqual(charts, want) {
		t.Errorf("%+v, want %+v", charts, want)
	}
	if !slices.Equal(order, []string{"plain", "fast", "plain", "fast", "plain", "fast"}) {
		t.Errorf("measured in the order %q", order)
	}
	if got := charts[0].Text(i18n.English, false); !strings.Contains(got, "170 records/s ±88 %  ×2.00") {
		t.Error(got)
	}
}

func TestBenchWithoutTheBaseline(t *testing.T) {
	charts, err := lesson.Bench(t.Context(), numbers(map[string][]float64{"fast": {1, 2}}), 2, lesson.Options{Stack: stack.Own, Variants: []string{"fast"}})
	if err != nil {
		t.Fatal(err)
	}
	if bar := charts[0].Bars[0]; bar != (lesson.Bar{Variant: "fast", Value: 1.5, Spread: 0.5}) {
		t.Errorf("%+v", bar)
	}
}

func TestBenchNeeds(t *testing.T) {
	l := numbers(nil)
	l.Needs = []lesson.Need{lesson.RealKafka(text("needs the stack"))}
	_, err := lesson.Bench(t.Context(), l, 1, lesson.Options{Stack: stack.Own})
	if problem.ExitCode(err) != problem.ExitEnvironment {
		t.Errorf("%v", err)
	}
}

func TestChartPicture(t *testing.T) {
	dir := t.TempDir()
	file, err := lesson.WriteCharts(dir+"/new", "numbers", i18n.Korean, text("a < b"), text("note"), []lesson.Chart{
		{Name: text("speed"), Unit: "records/s", Bars: []lesson.Bar{{Variant: "plain", Value: 90}, {Variant: "fast", Value: 180, Ratio: 2}}},
		{Name: text("nothing"), Bars: []lesson.Bar{{Variant: "plain"}}}, // has no bars to draw
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(data)
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	if !strings.Contains(svg, "180 records/s  ×2.00") || strings.Contains(svg, "nothing") {
		t.Error(svg)
	}
}
