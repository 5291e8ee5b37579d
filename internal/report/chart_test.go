package report_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/report"
)

// measured is what a benchmark measured: a number of each variant, round after round.
func measured(rounds ...map[string]float64) *report.Samples {
	var s report.Samples
	for _, round := range rounds {
		for _, variant := range []string{"plain", "fast"} {
			if value, ok := round[variant]; ok {
				e := compared("speed", value, "records/s")
				e.Variant = variant
				s.Emit(e)
			}
		}
	}
	return &s
}

func TestSamplesAreComparedWithinARound(t *testing.T) {
	charts := measured(map[string]float64{"plain": 100, "fast": 220}, map[string]float64{"plain": 10, "fast": 20}, map[string]float64{"plain": 90, "fast": 170}).Charts("plain")
	want := []report.Chart{{ID: "speed", Name: i18n.Verbatim("speed"), Unit: "records/s", Bars: []report.Bar{
		{Variant: "plain", Value: 90, Spread: 80, Ratio: 1},
		{Variant: "fast", Value: 170, Spread: 150, Ratio: 2}, // of 2.2, 2 and 1.9
	}}}
	if !reflect.DeepEqual(charts, want) {
		t.Errorf("%+v, want %+v", charts, want)
	}
	if got := charts[0].Text(i18n.English, false); !strings.Contains(got, "170 records/s ±88 %  ×2.00") {
		t.Error(got)
	}
}

func TestSamplesWithoutTheBaseline(t *testing.T) {
	charts := measured(map[string]float64{"fast": 1}, map[string]float64{"fast": 2}).Charts("plain")
	if bar := charts[0].Bars[0]; bar != (report.Bar{Variant: "fast", Value: 1.5, Spread: 0.5}) {
		t.Errorf("%+v", bar)
	}
}

func TestChartPicture(t *testing.T) {
	dir := t.TempDir()
	file, err := report.WriteCharts(dir+"/new", "numbers", i18n.Korean, i18n.Verbatim("a < b"), i18n.Verbatim("note"), []report.Chart{
		{Name: i18n.Verbatim("speed"), Unit: "records/s", Bars: []report.Bar{{Variant: "plain", Value: 90}, {Variant: "fast", Value: 180, Ratio: 2}}},
		{Name: i18n.Verbatim("nothing"), Bars: []report.Bar{{Variant: "plain"}}}, // has no bars to draw
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(data)
	if err := wellFormed(data); err != nil {
		t.Fatalf("%v in\n%s", err, svg)
	}
	if !strings.Contains(svg, "180 records/s  ×2.00") || strings.Contains(svg, "nothing") {
		t.Error(svg)
	}
}
