package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/timeline"
	"kafkahandson/internal/i18n"
)

// Timelines are the timelines that a run has shown, one for each variant that shows one. Feed it all events of the run.
// The zero value is ready for use. It is for one goroutine at a time.
type Timelines struct {
	shown []*timeline.Timeline
	now   *timeline.Timeline
}

// Emit takes in an event of the run.
func (ts *Timelines) Emit(e event.Event) {
	if e.Type == event.VariantStarted {
		ts.now = &timeline.Timeline{}
	}
	if ts.now == nil {
		return
	}
	ts.now.Add(e)
	if e.Type == event.Timeline {
		ts.shown = append(ts.shown, ts.now)
	}
}

// Last is the timeline that was shown last; nil if there is none.
func (ts *Timelines) Last() *timeline.Timeline {
	if len(ts.shown) == 0 {
		return nil
	}
	return ts.shown[len(ts.shown)-1]
}

// WriteSVG writes each timeline to a file LESSON-VARIANT.svg in a folder, which it creates if there is something to
// write, and returns their names.
func (ts *Timelines) WriteSVG(dir string, lang i18n.Lang) ([]string, error) {
	var names []string
	for _, t := range ts.shown {
		name, err := writePicture(dir, strings.TrimSuffix(t.Lesson+"-"+t.Variant, "-"), TimelineSVG(t, lang))
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// letters gives each owner a capital letter: its name if that is one, else the next that is free.
func letters(t *timeline.Timeline) (order []string, letter map[string]string) {
	letter = map[string]string{}
	taken := map[string]bool{}
	for _, s := range t.Spells() {
		if _, known := letter[s.Owner]; known {
			continue
		}
		order = append(order, s.Owner)
		letter[s.Owner] = ""
		if len(s.Owner) == 1 && strings.ToLower(s.Owner) != s.Owner {
			letter[s.Owner], taken[s.Owner] = s.Owner, true
		}
	}
	next := 'A'
	for _, o := range order {
		for letter[o] == "" {
			if l := string(next); !taken[l] {
				letter[o] = l
			}
			next++
		}
	}
	return order, letter
}

// steps are what a column, or the distance of two ticks, may stand for.
var steps = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// step is the shortest of steps with which the whole takes at most so many.
func step(whole time.Duration, most int) time.Duration {
	for _, s := range steps {
		if whole <= s*time.Duration(most) {
			return s
		}
	}
	return whole / time.Duration(most)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// widestTimeline is the most columns of a timeline in the terminal.
const widestTimeline = 60

// TimelineText draws a timeline for a terminal: a line for each partition, a column for a slice of time, a letter for the
// owner, in lower case while records come again; how many is at the end of the line. A column in which nobody owned the
// partition, if only for a moment, is a dot. style colours a cell of the owner with this number, from 0; -1 is a dot.
func TimelineText(t *timeline.Timeline, lang i18n.Lang, style func(owner int, cell string) string) string {
	lanes := t.Lanes()
	if len(lanes) == 0 {
		return ""
	}
	order, letter := letters(t)
	column := step(t.Since(t.End()), widestTimeline)
	at := func(x time.Time) int { return int(t.Since(x) / column) }
	columns := at(t.End()) + 1

	var out strings.Builder
	out.WriteString(strings.TrimRight(fmt.Sprintf("%5s%s", "", captionLine(t, at, letter)), " ") + "\n")
	for _, l := range lanes {
		cells := slices.Repeat([]string{" "}, columns)
		fill := func(s timeline.Span, owner int, cell string) {
			for i := at(s.From); i <= at(s.To); i++ {
				cells[i] = style(owner, cell)
			}
		}
		for i, s := range l.Spells {
			owner := slices.Index(order, s.Owner)
			fill(s.Span, owner, letter[s.Owner])
			for _, r := range l.Repetitions[i] {
				fill(r.Span, owner, strings.ToLower(letter[s.Owner]))
			}
		}
		for _, g := range l.Gaps {
			if g.Length() >= 0 {
				fill(g, -1, "·")
			}
		}
		again := ""
		if n := l.Repeated(); n > 0 {
			again = fmt.Sprintf("  %d", n)
		}
		fmt.Fprintf(&out, "%4s %s\n", fmt.Sprintf("p%d", l.Partition), strings.TrimRight(strings.Join(cells, "")+again, " "))
	}
	var axis strings.Builder
	const tick = 10 // columns
	for i := 0; i < columns; i += tick {
		fmt.Fprintf(&axis, "%-*s", tick, fmt.Sprintf("%.1f", (column*time.Duration(i)).Seconds()))
	}
	fmt.Fprintf(&out, "%5s%s s\n", "", strings.TrimRight(axis.String(), " "))
	for _, line := range legend(t,
		i18n.Text{EN: "a column is %v, a letter the owner, · nobody; +A: A starts, -A: A ends", KO: "한 칸은 %v, 글자는 소유자, ·는 아무도 없음. +A는 A 시작, -A는 A 종료"}.With(milliseconds(column)),
		i18n.Text{EN: "lower case: records come again; at the end of the line, how many", KO: "소문자: 레코드가 다시 오는 중. 줄 끝의 숫자는 다시 온 레코드 수"},
	) {
		fmt.Fprintf(&out, "%5s%s\n", "", line.In(lang))
	}
	return out.String()
}

// legend are the lines below a drawing: what its signs mean, and what repetitions look like if there are any.
func legend(t *timeline.Timeline, signs, repetitions i18n.Text) []i18n.Text {
	order, letter := letters(t)
	for _, o := range order {
		if letter[o] != o {
			signs = i18n.Text{EN: "%s; %s is %s", KO: "%s, %s은(는) %s"}.With(signs, letter[o], o)
		}
	}
	lines := []i18n.Text{signs}
	if t.Repeated() > 0 {
		lines = append(lines, repetitions)
	}
	if len(t.Cuts()) > 0 {
		lines = append(lines, i18n.Text{EN: "/: here the lesson paused before a step; that time is left out", KO: "/: 레슨이 단계 앞에서 멈춘 곳. 멈춘 시간은 그리지 않음"})
	}
	return lines
}

// caption is what stands above the picture at a moment: "+B" where B starts, "-B" where it ends, "/" where a pause is left
// out.
type caption struct {
	at   time.Time
	text string
}

const pauseSign = "/"

// captions are those of the pauses and of the members that owned something, in the order of time.
func captions(t *timeline.Timeline, letter map[string]string) []caption {
	var captions []caption
	for _, c := range t.Changes() {
		sign := "+"
		if c.Ended {
			sign = "-"
		}
		if letter[c.Owner] != "" {
			captions = append(captions, caption{c.At, sign + letter[c.Owner]})
		}
	}
	for _, at := range t.Cuts() {
		captions = append(captions, caption{at, pauseSign})
	}
	slices.SortStableFunc(captions, func(a, b caption) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.text, b.text)) })
	return captions
}

func captionLine(t *timeline.Timeline, at func(time.Time) int, letter map[string]string) string {
	var line strings.Builder
	for _, c := range captions(t, letter) {
		if blank := at(c.at) - line.Len(); blank > 0 {
			line.WriteString(strings.Repeat(" ", blank))
		} else if line.Len() > 0 {
			line.WriteString(" ") // no room: a little late
		}
		line.WriteString(c.text)
	}
	return line.String()
}

// The measures of a timeline's picture, in pixels, beside those that all pictures share.
const (
	timelineLeft  = 56 // of the first moment
	timelineRight = svgWidth - 24
	svgLine       = 18 // from one line of the legend to the next
)

// TimelineSVG draws a timeline as a picture, for a light and a dark background.
func TimelineSVG(t *timeline.Timeline, lang i18n.Lang) string {
	order, letter := letters(t)
	whole := max(t.Since(t.End()), time.Millisecond)
	place := func(since time.Duration) float64 {
		return timelineLeft + float64(since)/float64(whole)*(timelineRight-timelineLeft)
	}
	x := func(at time.Time) float64 { return place(t.Since(at)) }
	lanes := t.Lanes()
	bottom := svgTop + svgRow*len(lanes)
	signs := legend(t,
		i18n.Text{EN: "dashed: nobody works on the partition; +A: A starts, -A: A ends", KO: "점선: 아무도 그 파티션을 처리하지 않음. +A는 A 시작, -A는 A 종료"},
		i18n.Text{EN: "strong colour: records come again, and how many", KO: "선명한 색: 레코드가 다시 오는 중. 숫자는 다시 온 레코드 수"},
	)
	height := bottom + 46 + svgLine*len(signs)

	title := strings.TrimPrefix(t.Variant+": ", ": ") + t.Title.In(lang)
	description := i18n.Text{EN: "Who owned which of %d partitions when, and where records came again.", KO: "파티션 %d개를 언제 누가 소유했고 어디서 레코드가 다시 왔는지 보여 줍니다."}.With(len(lanes)).In(lang)
	out := newPicture(lang, height, title, description)
	box := func(class string, row int, s timeline.Span) {
		out.rect(class, x(s.From), svgTop+svgRow*row, x(s.To)-x(s.From), svgBar)
	}
	// write puts a text into the middle of a box, if it has room there.
	write := func(class string, row int, s timeline.Span, text string) {
		if x(s.To)-x(s.From) >= float64(8+8*len(text)) {
			out.text(class, "middle", (x(s.From)+x(s.To))/2, float64(svgTop+svgRow*row+15), text)
		}
	}
	taken := 0.0 // a caption that would cover the one before it moves aside
	for _, c := range captions(t, letter) {
		if c.text != pauseSign {
			out.line("event", x(c.at), svgTop-8, bottom)
		}
		at := max(x(c.at), taken)
		out.text("", "middle", at, svgTop-14, c.text)
		taken = at + 22
	}
	for row, l := range lanes {
		out.text("", "end", timelineLeft-8, float64(svgTop+svgRow*row+15), fmt.Sprintf("p%d", l.Partition))
		for _, g := range l.Gaps {
			if g.Length() > 0 {
				box("nobody", row, g)
			}
		}
		for i, s := range l.Spells {
			color := slices.Index(order, s.Owner) % svgColors
			box(fmt.Sprintf("o%d", color), row, s.Span)
			rest := s.Span
			for _, r := range l.Repetitions[i] {
				box(fmt.Sprintf("again o%d", color), row, r.Span)
				write("count", row, r.Span, fmt.Sprint(r.Records))
				rest.From = r.To
			}
			write("", row, rest, letter[s.Owner])
		}
	}
	for _, at := range t.Cuts() {
		out.line("cut", x(at), svgTop-4, bottom)
	}
	tick := step(whole, 8)
	for at := time.Duration(0); at <= whole; at += tick {
		out.text("dim", "middle", place(at), float64(bottom+16), fmt.Sprintf("%.1f s", at.Seconds()))
	}
	for i, line := range signs {
		out.text("dim", "start", 16, float64(bottom+46+svgLine*i), line.In(lang))
	}
	return out.String()
}
