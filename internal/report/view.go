// Package report turns the events of a lesson into something to look at: the transcript in a terminal, timelines and
// charts in the terminal and as SVG pictures, JUnit's XML. It knows nothing but events, so that a recorded run
// (`lab run --json`) is shown as one that goes on. Feed each of its types from one goroutine at a time.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/records"
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
	// Timelines are those that the run has shown. Emit feeds them.
	Timelines Timelines

	variants []*variantView
	compared bool // a table stands at the end
	answer   string
	crashes  map[string]string // the points of crashes, by program: shown when it has exited

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

type variantView struct {
	measures []event.Measurement
	name     string
	ok       bool
	accounts []accountView
	tallies  []event.Tally // the lesson's own
	produced records.List
	handled  records.List
	seen     records.List // recognised as duplicates
	timeline bool         // was shown: it says more than strips of records
}

// accountView is the accounting of a group that reads a topic.
type accountView struct {
	topic, from, group string
	values             map[string]event.Tally // by id
	committed          records.Offsets
}

// Lines of a flow that are shown at its begin and at its end.
const (
	flowHead = 3
	flowTail = 3
)

const programWidth = 17

// Emit shows an event.
func (v *View) Emit(e event.Event) {
	v.Timelines.Emit(e)
	switch e.Type {
	case event.Output:
		v.output(e.Program, e.Line)
		return
	case event.Produced, event.Handled, event.Duplicate:
		v.count(e)
		return
	case event.Crashed: // its last lines may still be on their way: shown when it has exited
		if v.crashes == nil {
			v.crashes = map[string]string{}
		}
		v.crashes[e.Program] = e.Point
		return
	case event.Observed, event.Assigned, event.Revoked, event.Acquired, event.Released, event.Committed, event.Held, event.Idle, event.Error:
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
		v.answer = e.Answer
	case event.VariantStarted:
		v.variants = append(v.variants, &variantView{name: e.Variant})
		v.printf("\n")
		if e.Variant != "" {
			title := e.Variant
			if e.Text != nil {
				title += ": " + e.Text.In(v.Lang)
			}
			v.printf("%s\n", v.style(text.Bold, "── "+title+" ──"))
		}
	case event.Step:
		v.printf("%s %s\n", v.style(text.FgCyan, fmt.Sprintf("▸ %d", e.Number)), e.Text.In(v.Lang))
	case event.Waiting:
		state := ""
		if e.State != "" {
			state = " (" + e.State + ")"
		}
		v.printf("    … %s%s\n", e.Text.In(v.Lang), state)
	case event.Started:
		v.printf("%s%s\n", v.program(e.Program), v.style(text.Faint, "$ "+e.Command))
	case event.Exited:
		end := v.style(text.Faint, e.Status)
		if point, ok := v.crashes[e.Program]; ok {
			delete(v.crashes, e.Program)
			what := i18n.Text{EN: "⚡ the power fails (%s)", KO: "⚡ 전원이 나갔습니다 (%s)"}.With(e.Status)
			if point != "" {
				what = i18n.Text{EN: "⚡ the power fails: %s (%s)", KO: "⚡ 전원이 나갔습니다: %s (%s)"}.With(point, e.Status)
			}
			end = v.style(text.FgRed, what.In(v.Lang))
		}
		v.printf("%s%s\n", v.program(e.Program), end)
	case event.Timeline:
		v.variants[len(v.variants)-1].timeline = true
		v.printf("%s", TimelineText(v.Timelines.Last(), v.Lang, v.ownerCell))
	case event.Accounting:
		v.accounting(e.Tallies)
	case event.Compared:
		now := v.variants[len(v.variants)-1]
		now.measures = append(now.measures, *e.Measurement)
		v.printf("    %s: %s\n", e.Measurement.Name.In(v.Lang), number(e.Measurement.Value, e.Measurement.Unit))
	case event.Claimed:
		sign := v.style(text.FgGreen, "  ✓ ")
		if !e.Claim.OK {
			sign = v.style(text.FgRed, "  ✗ ")
		}
		v.printf("%s%s: %s\n", sign, e.Claim.Text.In(v.Lang), e.Claim.Evidence)
	case event.Skipped:
		v.printf("%s %s\n", v.style(text.FgYellow, label(v.Lang, "SKIPPED", "건너뜀")), e.Text.In(v.Lang))
	case event.VariantEnded:
		v.variants[len(v.variants)-1].ok = *e.OK
	case event.Why:
		v.summary()
		v.compared = true
		v.printf("\n%s %s\n", v.style(text.Bold, label(v.Lang, "Why?", "왜 그럴까요?")), indent(wrap(e.Explanation.Text.In(v.Lang), 100), ""))
		v.printf("%s %s\n", label(v.Lang, "Read:", "읽을 코드:"), e.Explanation.Read)
		if e.Explanation.Java != "" {
			v.printf("%s %s\n", label(v.Lang, "In the Java course:", "Java 강의에서는:"), e.Explanation.Java)
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

func label(lang i18n.Lang, en, ko string) string { return i18n.Text{EN: en, KO: ko}.In(lang) }

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
		v.printf("%s%s\n", v.program(v.flow), v.style(text.Faint, i18n.Text{EN: "⋮ %d more lines (--full shows them)", KO: "⋮ %d줄 더 있음 (--full로 모두 볼 수 있습니다)"}.With(v.cut).In(v.Lang)))
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
	record := records.Record{Record: *e.Record, Group: e.Group}
	switch e.Type {
	case event.Produced:
		now.produced = append(now.produced, record)
	case event.Handled:
		now.handled = append(now.handled, record)
	case event.Duplicate:
		now.seen = append(now.seen, record)
	}
}

// accounting shows the numbers of a variant, a line for each group that reads a topic, and one for the lesson's own.
func (v *View) accounting(tallies []event.Tally) {
	now := v.variants[len(v.variants)-1]
	now.accounts, now.tallies = accountsOf(tallies)
	for _, a := range now.accounts {
		var parts []string
		for _, id := range lineTallies() {
			if t, ok := a.values[id]; ok {
				parts = append(parts, fmt.Sprintf("%s %d", t.Name.In(v.Lang), t.Value))
			}
		}
		if t, ok := a.values[event.TallyCommitted]; ok {
			parts = append(parts, t.Name.In(v.Lang)+" "+a.committed.String())
		}
		if len(now.accounts) > 1 {
			v.printf("    %s\n", v.style(text.Faint, a.name()))
		}
		v.printf("    %s\n", strings.Join(parts, " · "))
	}
	var own []string
	for _, t := range now.tallies {
		own = append(own, strings.TrimSpace(fmt.Sprintf("%s %d %s", t.Name.In(v.Lang), t.Value, t.Unit)))
	}
	if len(own) > 0 {
		v.printf("    %s\n", strings.Join(own, " · "))
	}
}

// lineTallies are the ids that the line of an account shows, in this order.
func lineTallies() []string {
	return []string{event.TallyProduced, event.TallyStored, event.TallyHandled, event.TallyDistinct, event.TallyLost, event.TallyDuplicated}
}

// accountsOf sorts the tallies of a variant: those of groups that read topics, and the lesson's own.
func accountsOf(tallies []event.Tally) (accounts []accountView, own []event.Tally) {
	for _, t := range tallies {
		if t.Topic == "" {
			own = append(own, t)
			continue
		}
		from := cmp.Or(t.From, t.Topic)
		i := slices.IndexFunc(accounts, func(a accountView) bool { return a.topic == t.Topic && a.from == from && a.group == t.Group })
		if i < 0 {
			i = len(accounts)
			accounts = append(accounts, accountView{
				topic: t.Topic, from: from, group: t.Group, values: map[string]event.Tally{}, committed: records.Offsets{Topic: t.Topic, At: map[int32]int64{}},
			})
		}
		accounts[i].values[t.ID] = t
		if t.ID == event.TallyCommitted && t.Partition != nil {
			accounts[i].committed.At[*t.Partition] = t.Value
		}
	}
	return accounts, own
}

// name is what an account is about, without the suffixes of the run.
func (a accountView) name() string {
	base := func(name string) string {
		name, _, _ = strings.Cut(name, ".")
		return name
	}
	parts := []string{base(a.from)}
	if a.from != a.topic {
		parts = append(parts, base(a.topic))
	}
	if a.group != "" {
		parts = append(parts, base(a.group))
	}
	return strings.Join(parts, " → ")
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
	v.printf("%s\n", v.table())
	for _, id := range v.measured() {
		v.printf("%s", v.chart(id).Text(v.Lang, v.Color))
	}
	if v.answer != "" {
		v.printf("%s %s\n", label(v.Lang, "Your prediction was:", "적어 둔 예측:"), v.answer)
	}
}

// column is a column of the table of variants. It is left out where no row has anything in it.
type column struct {
	head string
	cell func(x *variantView, a accountView) any // nil where there is nothing
}

// table compares the variants: a row for each, or for each of its groups.
func (v *View) table() string {
	columns := []column{{"", func(x *variantView, _ accountView) any { return x.name }}}
	several := slices.ContainsFunc(v.variants, func(x *variantView) bool { return len(x.accounts) > 1 })
	if several {
		columns = append(columns, column{" ", func(_ *variantView, a accountView) any { return a.name() }})
	}
	for _, id := range []string{event.TallyHandled, event.TallyDistinct, event.TallyLost, event.TallyDuplicated, event.TallyCommits, event.TallyCommitTime} {
		columns = append(columns, v.tallyColumn(id))
	}
	if !slices.ContainsFunc(v.variants, func(x *variantView) bool {
		return slices.ContainsFunc(x.accounts, func(a accountView) bool { return len(a.committed.At) > 1 }) // too wide, and it has been shown
	}) {
		columns = append(columns, column{label(v.Lang, "committed", "커밋된 오프셋"), func(_ *variantView, a accountView) any {
			if _, ok := a.values[event.TallyCommitted]; !ok {
				return nil
			}
			return a.committed.String()
		}})
	}
	for _, t := range v.ownTallies() {
		columns = append(columns, column{t.Name.In(v.Lang), func(x *variantView, _ accountView) any {
			if i := slices.IndexFunc(x.tallies, func(own event.Tally) bool { return own.ID == t.ID }); i >= 0 {
				return x.tallies[i].Value
			}
			return nil
		}})
	}
	columns = append(columns, column{label(v.Lang, "claims", "주장"), func(x *variantView, _ accountView) any {
		if x.ok {
			return v.style(text.FgGreen, "✓")
		}
		return v.style(text.FgRed, "✗")
	}})
	for _, id := range v.measured() {
		columns = append(columns, column{v.measurement(id).Name.In(v.Lang), func(x *variantView, _ accountView) any {
			if m, ok := x.measurement(id); ok {
				return number(m.Value, m.Unit)
			}
			return "–"
		}})
	}

	t := table.NewWriter()
	t.SetStyle(table.StyleRounded)
	t.Style().Format.Header = text.FormatDefault
	var head table.Row
	var hidden []table.ColumnConfig
	for i, c := range columns {
		head = append(head, strings.TrimSpace(c.head))
		filled := false
		for _, x := range v.variants {
			filled = filled || slices.ContainsFunc(x.rows(), func(a accountView) bool { return c.cell(x, a) != nil })
		}
		if i > 0 && !filled {
			hidden = append(hidden, table.ColumnConfig{Number: i + 1, Hidden: true})
		}
	}
	t.AppendHeader(head)
	for _, x := range v.variants {
		for i, a := range x.rows() {
			var row table.Row
			for _, c := range columns {
				cell := c.cell(x, a)
				if cell == nil || i > 0 && cell == c.cell(x, accountView{}) { // what is about the variant has been said
					cell = ""
				}
				row = append(row, cell)
			}
			t.AppendRow(row)
		}
	}
	t.SetColumnConfigs(hidden)
	return t.Render()
}

// tallyColumn has the number with an id of each account. Where it is always 0, commits and their time are left out.
func (v *View) tallyColumn(id string) column {
	c := column{}
	shown := id != event.TallyCommits && id != event.TallyCommitTime
	for _, x := range v.variants {
		for _, a := range x.accounts {
			if t, ok := a.values[id]; ok {
				c.head = t.Name.In(v.Lang)
				shown = shown || t.Value != 0
			}
		}
	}
	c.cell = func(_ *variantView, a accountView) any {
		t, ok := a.values[id]
		if !ok || !shown {
			return nil
		}
		if t.Unit == "µs" {
			return fmt.Sprintf("%.1f ms", float64(t.Value)/1000)
		}
		return t.Value
	}
	return c
}

// rows are the accounts of a variant, or an empty one if it has none.
func (x *variantView) rows() []accountView {
	if len(x.accounts) == 0 {
		return []accountView{{}}
	}
	return x.accounts
}

// ownTallies are the lessons' own, each once, in the order of their first appearance.
func (v *View) ownTallies() []event.Tally {
	var all []event.Tally
	for _, x := range v.variants {
		for _, t := range x.tallies {
			if !slices.ContainsFunc(all, func(other event.Tally) bool { return other.ID == t.ID }) {
				all = append(all, t)
			}
		}
	}
	return all
}

// measured are the ids of what was compared, in the order of their first appearance.
func (v *View) measured() []string {
	var ids []string
	for _, x := range v.variants {
		for _, m := range x.measures {
			if !slices.Contains(ids, m.ID) {
				ids = append(ids, m.ID)
			}
		}
	}
	return ids
}

// measurement is the first with an id.
func (v *View) measurement(id string) event.Measurement {
	for _, x := range v.variants {
		if m, ok := x.measurement(id); ok {
			return m
		}
	}
	return event.Measurement{}
}

func (x *variantView) measurement(id string) (event.Measurement, bool) {
	i := slices.IndexFunc(x.measures, func(m event.Measurement) bool { return m.ID == id })
	if i < 0 {
		return event.Measurement{}, false
	}
	return x.measures[i], true
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
func (v *View) chart(id string) Chart {
	first := v.measurement(id)
	c := Chart{ID: id, Name: first.Name, Unit: first.Unit}
	for _, x := range v.variants {
		if m, ok := x.measurement(id); ok {
			c.Bars = append(c.Bars, Bar{Variant: x.name, Value: m.Value})
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

// strips draws a line of cells for each partition of what a group reads, one cell a record.
func (v *View) strips() {
	type line struct {
		name string
		strip
	}
	var lines []line
	width, seen := programWidth, false
	for _, x := range v.variants {
		if x.timeline {
			continue
		}
		for _, a := range x.accounts {
			name := x.name
			if len(x.accounts) > 1 {
				name = strings.TrimSpace(name + " " + a.name())
			}
			for _, s := range x.stripsOf(a) {
				if len(s.cells) <= widestStrip {
					lines = append(lines, line{name, s})
					width = max(width, text.StringWidthWithoutEscSequences(name))
					seen = seen || slices.ContainsFunc(s.cells, func(c cell) bool { return c.seen })
				}
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	for _, l := range lines {
		var cells strings.Builder
		for _, c := range l.cells {
			cells.WriteString(v.cell(c))
		}
		v.printf("  %s p%d %s\n", text.Pad(l.name, width, ' '), l.partition, cells.String())
	}
	legend := i18n.Text{
		EN: "each cell a record: %s handled once, %s handled twice, %s lost",
		KO: "한 칸이 레코드 하나: %s 한 번 처리, %s 두 번 처리, %s 유실",
	}.With(v.cell(cell{handled: 1}), v.cell(cell{handled: 2}), v.cell(cell{}))
	if seen {
		legend = i18n.Text{EN: "%s, %s recognised as a duplicate", KO: "%s, %s 중복으로 알아봄"}.With(legend, v.cell(cell{seen: true}))
	}
	v.printf("  %s %s\n", strings.Repeat(" ", programWidth+3), legend.In(v.Lang))
}

// strip is what became of the records of a partition, in their order.
type strip struct {
	partition int32
	cells     []cell
}

// stripsOf has a cell for each record that was produced. What was handled elsewhere, a copy or what was made of it in
// another topic, counts where the message was produced first.
func (x *variantView) stripsOf(a accountView) []strip {
	type place struct {
		partition int32
		offset    int64
	}
	cells := map[place]*cell{}
	first := map[string]place{} // by id
	for _, r := range x.produced.Of(a.from) {
		at := place{r.Partition, r.Offset}
		cells[at] = &cell{}
		if _, known := first[r.ID]; !known {
			first[r.ID] = at
		}
	}
	find := func(r records.Record) *cell {
		at := place{r.Partition, r.Offset}
		if cells[at] == nil || a.topic != a.from {
			origin, known := first[r.ID]
			switch {
			case known:
				at = origin
			case a.topic != a.from: // made of nothing that is known
				return &cell{}
			default:
				cells[at] = &cell{}
			}
		}
		return cells[at]
	}
	for _, r := range x.handled.Of(a.topic).By(a.group) {
		find(r).handled++
	}
	for _, r := range x.seen.Of(a.topic).By(a.group) {
		find(r).seen = true
	}
	var strips []strip
	for _, at := range slices.SortedFunc(maps.Keys(cells), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
	}) {
		if len(strips) == 0 || strips[len(strips)-1].partition != at.partition {
			strips = append(strips, strip{partition: at.partition})
		}
		last := &strips[len(strips)-1]
		last.cells = append(last.cells, *cells[at])
	}
	return strips
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
