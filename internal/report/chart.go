package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"kafkahandson/internal/i18n"
)

// Chart is a bar chart of one number: a bar for each variant that has it.
type Chart struct {
	ID   string // of the number
	Name i18n.Text
	Unit string
	Bars []Bar
}

// Bar is the number of one variant.
type Bar struct {
	Variant string
	Value   float64
	// Spread is how far the rounds of a benchmark were from Value, their median, at most.
	Spread float64
	// Ratio is how many times the baseline's number this is; 0 if there is none to compare with.
	Ratio float64
}

// label is the number beside a bar.
func (c Chart) label(b Bar) string {
	label := number(b.Value, c.Unit)
	if b.Spread > 0 {
		label += fmt.Sprintf(" ±%.0f %%", 100*b.Spread/b.Value)
	}
	if b.Ratio > 0 && c.Unit != "%" { // a share is a ratio already
		label += fmt.Sprintf("  ×%.2f", b.Ratio)
	}
	return label
}

// most is the longest bar's number, 0 if there is nothing to draw.
func (c Chart) most() float64 {
	most := 0.0
	for _, b := range c.Bars {
		most = max(most, b.Value)
	}
	return most
}

// widestBar is the length of the longest bar, in columns.
const widestBar = 50

// Text draws the chart for a terminal, with or without ANSI colours.
func (c Chart) Text(lang i18n.Lang, color bool) string {
	most, width := c.most(), programWidth
	if most <= 0 {
		return ""
	}
	for _, b := range c.Bars {
		width = max(width, len(b.Variant))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\n  %s\n", c.Name.In(lang))
	for _, b := range c.Bars {
		bar := strings.Repeat("█", max(1, int(b.Value/most*widestBar+0.5)))
		fmt.Fprintf(&out, "  %s %s %s\n", text.Pad(b.Variant, width, ' '), styled(text.FgCyan, bar, color), c.label(b))
	}
	return out.String()
}

// The measures of a picture of charts, in pixels, beside those that all pictures share.
const (
	chartLeft  = 136 // of the bars
	chartRight = svgWidth - 240
	chartHead  = 32 // from a chart's top to its first bar
	chartGap   = 20 // between two charts
)

// WriteCharts draws charts below one another as one picture, writes it to the file NAME.svg in a folder, which it
// creates, and returns the file's name. note stands below the charts.
func WriteCharts(dir, name string, lang i18n.Lang, title, note i18n.Text, charts []Chart) (string, error) {
	return writePicture(dir, name, chartsSVG(lang, title, note, charts))
}

func chartsSVG(lang i18n.Lang, title, note i18n.Text, charts []Chart) string {
	charts = slices.DeleteFunc(slices.Clone(charts), func(c Chart) bool { return c.most() <= 0 })
	height := svgTop - 16
	for _, c := range charts {
		height += chartHead + svgRow*len(c.Bars) + chartGap
	}
	height += 24

	p := newPicture(lang, height, title.In(lang), note.In(lang))
	top := svgTop - 16
	for _, c := range charts {
		p.text("head", "start", 16, float64(top+16), c.Name.In(lang))
		for i, b := range c.Bars {
			y := top + chartHead + svgRow*i
			length := b.Value / c.most() * (chartRight - chartLeft)
			p.text("", "end", chartLeft-8, float64(y+15), b.Variant)
			p.rect(fmt.Sprintf("o%d", i%svgColors), chartLeft, y, length, svgBar)
			p.text("", "start", chartLeft+length+8, float64(y+15), c.label(b))
		}
		top += chartHead + svgRow*len(c.Bars) + chartGap
	}
	p.text("dim", "start", 16, float64(height-18), note.In(lang))
	return p.String()
}
