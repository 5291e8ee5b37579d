package lesson

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// View writes the events of a lesson for a person to read.
type View struct {
	// W is where to write.
	W io.Writer
	// Lang is the language. Default: English.
	Lang i18n.Lang
	// Color switches ANSI colours on.
	Color bool
	// Full shows every line of the programs. By default a long flow of lines is cut in its middle.
	Full bool

	variants []*variantView
	compared bool // a table stands at the end
	answer   string
	crashed  event.Event // the last crash

	timelines Timelines

	// The present flow of lines of one program that begin with the same word.
	flow  string
	word  string
	shown int
	held  []string
	cut   int
}

// cell is what became of a record.
type cell struct {
	handled int  // times
	seen    bool // recognised as a duplicate
}

// measure is a number of a variant.
type measure struct {
	name  Text
	value float64
	unit  string
}

type variantView struct {
	measures []measure
	name     string
	title    Text
	ok       bool
	counts   *event.Counts
	cells    map[int32]map[int64]cell // by partition and offset
	topic    string
	origins  map[string]event.Record // what was produced into the topic, by id
	timeline bool                    // was shown: it says more than strips of records
}

// Lines of a flow that are shown at its begin and at its end.
const (
	flowHead = 3
	flowTail = 3
)

const programWidth = 17

// Emit shows an event. It is for Options.Emit.
func (v *View) Emit(e event.Event) {
	timeline := v.timelines.Emit(e)
	switch e.Type {
	case event.Output:
		v.output(e.Program, e.Line)
		return
	case event.Produced, event.Handled, event.Duplicate:
		v.count(e)
		return
	case event.Crashed: // its last lines may still be on their way: shown when it has exited
		v.crashed = e
		return
	case event.Measured, event.OffsetFound, event.Assigned, event.Revoked, event.Acquired, event.Released, event.Committed, event.Reading, event.Derived, event.Fenced,
		event.Held, event.Idle, event.Error:
		return // the program has printed what a person needs of these
	}
	v.endFlow()
	switch e.Type {
	case event.RunStarted:
		v.printf("%s  %s\n", v.style(text.Bold, e.Lesson), e.Text.In(v.Lang))
	case event.Note:
		prefix := ""
		if e.Program != "" {
			prefix = v.program("")
		}
		v.printf("%s%s\n", prefix, v.style(text.Faint, e.Text.In(v.Lang)))
	case event.Predict:
		v.printf("\n%s %s\n", v.style(text.FgYellow, "?"), indent(wrap(e.Text.In(v.Lang), 100), "  "))
	case event.Prediction:
		v.answer = e.Line
	case event.VariantStarted:
		v.variants = append(v.variants, &variantView{
			name: e.Variant, title: *e.Text, cells: map[int32]map[int64]cell{}, origins: map[string]event.Record{},
		})
		v.printf("\n")
		if e.Variant != "" {
			v.printf("%s\n", v.style(text.Bold, "── "+e.Variant+": "+e.Text.In(v.Lang)+" ──"))
		}
	case event.Step:
		v.printf("%s %s\n", v.style(text.FgCyan, "▸ "+e.Detail), e.Text.In(v.Lang))
	case event.Waiting:
		v.printf("    … %s %s\n", label(v.Lang, "waiting:", "기다리는 중:"), strings.TrimSpace(e.Text.In(v.Lang)+" "+e.Detail))
	case event.Started:
		v.printf("%s%s\n", v.program(e.Program), v.style(text.Faint, "$ "+e.Line))
	case event.Exited:
		end := v.style(text.Faint, e.Detail)
		if v.crashed.Program == e.Program && v.crashed.PID == e.PID {
			end = v.style(text.FgRed, Text{EN: "⚡ the power fails: %s (%s)", KO: "⚡ 전원이 나갔습니다: %s (%s)"}.With(v.crashed.Point, e.Detail).In(v.Lang))
		}
		v.printf("%s%s\n", v.program(e.Program), end)
	case event.Timeline:
		v.variants[len(v.variants)-1].timeline = true
		v.printf("%s", timeline.Text(v.Lang, v.ownerCell))
	case event.Accounting:
		v.accounting(e)
	case event.Compared:
		now := v.variants[len(v.variants)-1]
		now.measures = append(now.measures, measure{*e.Text, *e.Value, e.Unit})
		v.printf("    %s: %s\n", e.Text.In(v.Lang), number(*e.Value, e.Unit))
	case event.Claim:
		mark := v.style(text.FgGreen, "  ✓ ")
		if !*e.OK {
			mark = v.style(text.FgRed, "  ✗ ")
		}
		v.printf("%s%s: %s\n", mark, e.Text.In(v.Lang), e.Detail)
	case event.Skipped:
		v.printf("%s %s\n", v.style(text.FgYellow, label(v.Lang, "SKIPPED", "건너뜀")), e.Text.In(v.Lang))
	case event.VariantEnded:
		v.variants[len(v.variants)-1].ok = *e.OK
	case event.Why:
		v.summary()
		v.compared = true
		v.printf("\n%s %s\n", v.style(text.Bold, label(v.Lang, "Why?", "왜 그럴까요?")), indent(wrap(e.Text.In(v.Lang), 100), ""))
		v.printf("%s %s\n", label(v.Lang, "Read:", "읽을 코드:"), e.Detail)
		if e.Line != "" {
			v.printf("%s %s\n", label(v.Lang, "In the Java course:", "Java 강의에서는:"), e.Line)
		}
	case event.RunEnded:
		if !v.compared {
			v.summary()
		}
		if *e.OK {
			v.printf("\n%s\n", v.style(text.FgGreen, "PASS"))
		} else {
			v.printf("\n%s %s\n", v.style(text.FgRed, "FAIL"), label(v.Lang, "a claim above does not hold (✗)", "위의 주장 가운데 성립하지 않는 것이 있습니다 (✗)"))
		}
	}
}

func label(lang i18n.Lang, en, ko string) string { return Text{EN: en, KO: ko}.In(lang) }

func (v *View) printf(format string, args ...any) { fmt.Fprintf(v.W, format, args...) }

func (v *View) style(c text.Color, s string) string { return styled(c, s, v.Color) }

func styled(c text.Color, s string, color bool) string {
	if !color {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

func (v *View) program(name string) string {
	return "    " + v.style(text.FgBlue, text.Pad(name, programWidth, ' ')) + v.style(text.Faint, " │ ")
}

// output shows a line of a program, or holds it back while a long flow of lines goes on. A line that begins with
// another word interrupts the flow: what is special must not get lost among what is usual.
func (v *View) output(name, line string) {
	word, _, _ := strings.Cut(line, " ")
	if name != v.flow || word != v.word {
		v.endFlow()
		v.flow, v.word = name, word
	}
	if v.Full || v.shown < flowHead {
		v.shown++
		v.printf("%s%s\n", v.program(name), line)
		return
	}
	v.held = append(v.held, line)
	if len(v.held) > flowTail {
		v.held = v.held[1:]
		v.cut++
	}
}

func (v *View) endFlow() {
	if v.cut > 0 {
		v.printf("%s%s\n", v.program(v.flow), v.style(text.Faint, Text{EN: "⋮ %d more lines (--full shows them)", KO: "⋮ %d줄 더 있음 (--full로 모두 볼 수 있습니다)"}.With(v.cut).In(v.Lang)))
	}
	for _, line := range v.held {
		v.printf("%s%s\n", v.program(v.flow), line)
	}
	v.flow, v.word, v.shown, v.held, v.cut = "", "", 0, nil, 0
}

func (v *View) count(e event.Event) {
	if len(v.variants) == 0 {
		return
	}
	now := v.variants[len(v.variants)-1]
	if now.topic == "" {
		now.topic = e.Record.Topic
	}
	at := *e.Record
	if e.Type == event.Produced && at.Topic == now.topic {
		now.origins[at.ID] = at
	}
	if _, known := now.cells[at.Partition][at.Offset]; at.Topic != now.topic || !known {
		// A copy of a produced record, or what was made of one in another topic, counts where that one is.
		if origin, ok := now.origins[at.ID]; ok {
			at = origin
		}
	}
	if at.Topic != now.topic {
		return
	}
	if now.cells[at.Partition] == nil {
		now.cells[at.Partition] = map[int64]cell{}
	}
	c := now.cells[at.Partition][at.Offset]
	switch e.Type {
	case event.Handled:
		c.handled++
	case event.Duplicate:
		c.seen = true
	}
	now.cells[at.Partition][at.Offset] = c
}

func (v *View) accounting(e event.Event) {
	c := e.Counts
	v.variants[len(v.variants)-1].counts = c
	if !counted(c) {
		v.printf("    %s\n", Text{EN: "stored %d", KO: "저장됨 %d"}.With(c.Stored).In(v.Lang))
		return
	}
	v.printf("    %s\n", Text{
		EN: "produced %d · stored %d · handled %d · distinct %d · lost %d · duplicated %d · committed %s",
		KO: "보냄 %d · 저장됨 %d · 처리 %d · 서로 다른 것 %d · 유실 %d · 중복 %d · 커밋 %s",
	}.With(c.Produced, c.Stored, c.Handled, c.Distinct, c.Lost, c.Duplicated, committed(c.Committed)).In(v.Lang))
}

// counted tells whether programs reported records one by one. One that is after speed reports only their number.
func counted(c *event.Counts) bool { return c.Produced+c.Handled > 0 }

func committed(offsets map[int32]int64) string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(offsets)) {
		if offsets[p] < 0 {
			parts = append(parts, fmt.Sprintf("p%d=–", p))
		} else {
			parts = append(parts, fmt.Sprintf("p%d=%d", p, offsets[p]))
		}
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, " ")
}

// summary draws what became of each record, and a table of the variants.
func (v *View) summary() {
	if len(v.variants) == 0 {
		return
	}
	v.printf("\n")
	v.strips()
	if len(v.variants) == 1 && v.variants[0].name == "" {
		return
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault
	head := table.Row{""}
	for _, h := range []Text{
		{EN: "handled", KO: "처리"}, {EN: "distinct", KO: "서로 다른 것"}, {EN: "lost", KO: "유실"}, {EN: "duplicated", KO: "중복"},
		{EN: "commits by hand", KO: "직접 커밋"}, {EN: "time in commits", KO: "커밋에 쓴 시간"}, {EN: "committed", KO: "커밋된 오프셋"}, {EN: "claims", KO: "주장"},
	} {
		head = append(head, h.In(v.Lang))
	}
	names := v.measureNames()
	for _, n := range names {
		head = append(head, n.In(v.Lang))
	}
	t.AppendHeader(head)
	for _, x := range v.variants {
		c := x.counts
		if c == nil {
			continue
		}
		verdict := v.style(text.FgGreen, "✓")
		if !x.ok {
			verdict = v.style(text.FgRed, "✗")
		}
		row := table.Row{x.name, c.Handled, c.Distinct, c.Lost, c.Duplicated, c.Commits,
			fmt.Sprintf("%.1f ms", float64(c.CommitMicros)/1000), committed(c.Committed), verdict}
		for _, n := range names {
			cell := "–"
			if m, ok := x.measure(n); ok {
				cell = number(m.value, m.unit)
			}
			row = append(row, cell)
		}
		t.AppendRow(row)
	}
	var hidden []table.ColumnConfig
	hide := func(from, to int) { // columns, the variant's name is the first
		for column := from; column <= to; column++ {
			hidden = append(hidden, table.ColumnConfig{Number: column, Hidden: true})
		}
	}
	if !v.any(counted) {
		hide(2, 8) // handled to committed
	} else {
		if !v.any(func(c *event.Counts) bool { return c.Commits > 0 }) {
			hide(6, 7) // commits by hand, and their time
		}
		if v.any(func(c *event.Counts) bool { return len(c.Committed) > 1 }) {
			hide(8, 8) // too wide, and it has been shown
		}
	}
	t.SetColumnConfigs(hidden)
	v.printf("%s\n", t.Render())
	for _, n := range names {
		v.printf("%s", v.chart(n).Text(v.Lang, v.Color))
	}
	if v.answer != "" {
		v.printf("%s %s\n", label(v.Lang, "Your prediction was:", "적어 둔 예측:"), v.answer)
	}
}

// any tells whether the counts of any variant are so.
func (v *View) any(so func(*event.Counts) bool) bool {
	return slices.ContainsFunc(v.variants, func(x *variantView) bool { return x.counts != nil && so(x.counts) })
}

// measureNames are the names of what was compared, in the order of their first appearance.
func (v *View) measureNames() []Text {
	var names []Text
	for _, x := range v.variants {
		for _, m := range x.measures {
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
		}
	}
	return names
}

func (x *variantView) measure(name Text) (measure, bool) {
	for _, m := range x.measures {
		if m.name == name {
			return m, true
		}
	}
	return measure{}, false
}

// number formats a measured number: three digits are enough to compare.
func number(value float64, unit string) string {
	digits := 0
	if value < 100 && unit != "" { // what has no unit is counted
		digits = 1
	}
	return strings.TrimSpace(strconv.FormatFloat(value, 'f', digits, 64) + " " + unit)
}

// chart is one measured number of all variants.
func (v *View) chart(name Text) Chart {
	c := Chart{Name: name}
	for _, x := range v.variants {
		if m, ok := x.measure(name); ok {
			c.Unit = m.unit
			c.Bars = append(c.Bars, Bar{Variant: x.name, Value: m.value})
		}
	}
	return c
}

// ownerCell colours a cell of a timeline.
func (v *View) ownerCell(owner int, cell string) string {
	colors := []text.Color{text.FgBlue, text.FgGreen, text.FgYellow, text.FgMagenta, text.FgCyan}
	if owner < 0 {
		return v.style(text.FgRed, cell)
	}
	return v.style(colors[owner%len(colors)], cell)
}

// widestStrip is the most records of a partition that are drawn.
const widestStrip = 60

// strips draws a line of cells for each partition, one cell a record.
func (v *View) strips() {
	drawn, seen := false, false
	for _, x := range v.variants {
		if x.timeline {
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(x.cells)) {
			offsets := slices.Sorted(maps.Keys(x.cells[p]))
			if len(offsets) > widestStrip {
				continue
			}
			var strip strings.Builder
			for _, o := range offsets {
				strip.WriteString(v.cell(x.cells[p][o]))
				seen = seen || x.cells[p][o].seen
			}
			v.printf("  %s p%d %s\n", text.Pad(x.name, programWidth, ' '), p, strip.String())
			drawn = true
		}
	}
	if !drawn {
		return
	}
	legend := Text{
		EN: "each cell a record: %s handled once, %s handled twice, %s lost",
		KO: "한 칸이 레코드 하나: %s 한 번 처리, %s 두 번 처리, %s 유실",
	}.With(v.cell(cell{handled: 1}), v.cell(cell{handled: 2}), v.cell(cell{}))
	if seen {
		legend = Text{EN: "%s, %s recognised as a duplicate", KO: "%s, %s 중복으로 알아봄"}.With(legend, v.cell(cell{seen: true}))
	}
	v.printf("  %s %s\n", strings.Repeat(" ", programWidth+3), legend.In(v.Lang))
}

func (v *View) cell(c cell) string {
	switch {
	case c.handled > 1:
		return v.style(text.FgYellow, fmt.Sprint(min(c.handled, 9)))
	case c.handled == 1:
		return v.style(text.FgGreen, "■")
	case c.seen:
		return v.style(text.FgCyan, "=")
	}
	return v.style(text.FgRed, "✗")
}

// wrap breaks a text into lines of at most this many columns; Korean letters take two.
func wrap(s string, columns int) string {
	lines := strings.Split(text.WrapSoft(s, columns), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func indent(s, by string) string {
	return strings.ReplaceAll(s, "\n", "\n"+by)
}
