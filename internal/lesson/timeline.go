package lesson

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Timeline is who owned which partition of a topic when. It is made of events and nothing else, so that a recorded run
// (`lab run --json`) is drawn as one that goes on. The times are those of the programs, which share the computer's clock.
type Timeline struct {
	Lesson, Variant string
	Title           Text

	topic   string // the first that somebody owned a partition of
	spells  []Spell
	marks   []mark
	started map[string]time.Time // by program
	owners  map[string]string    // by program
	shown   time.Time            // when the lesson showed it; nothing is added any more
}

// Spell is a time in which a member of a group worked on a partition.
type Spell struct {
	Owner      string // the member's client id; the program's name if it has chosen none
	Program    string
	Partition  int32
	Generation int32 // of the group, when it began
	From, To   time.Time
}

// mark says that the process of an owner started or ended.
type mark struct {
	at    time.Time
	owner string
	ended bool
}

// Owners are the spells that go on at one moment, by partition.
type Owners map[int32]Spell

// Of is how many partitions a member owns.
func (o Owners) Of(owner string) int {
	n := 0
	for _, s := range o {
		if s.Owner == owner {
			n++
		}
	}
	return n
}

// Kept are the partitions that the same member has owned without a break since an earlier moment.
func (o Owners) Kept(since Owners) Owners {
	kept := Owners{}
	for p, s := range o {
		if s == since[p] {
			kept[p] = s
		}
	}
	return kept
}

// Interrupted is how many partitions are not [Owners.Kept]: their member gave them up, even if it got them back.
func (o Owners) Interrupted(since Owners) int { return len(o) - len(o.Kept(since)) }

// Moved is how many partitions have another owner than at an earlier moment.
func (o Owners) Moved(since Owners) int {
	n := 0
	for p, s := range o {
		if s.Owner != since[p].Owner {
			n++
		}
	}
	return n
}

// Generation is the group's latest generation in which one of them began.
func (o Owners) Generation() int {
	latest := int32(0)
	for _, s := range o {
		latest = max(latest, s.Generation)
	}
	return int(latest)
}

// Add takes in an event of the variant.
func (t *Timeline) Add(e event.Event) {
	if !t.shown.IsZero() {
		return
	}
	switch e.Type {
	case event.VariantStarted:
		t.Lesson, t.Variant, t.Title = e.Lesson, e.Variant, *e.Text
	case event.Started:
		if t.started == nil {
			t.started, t.owners = map[string]time.Time{}, map[string]string{}
		}
		t.started[e.Program] = e.Time
	case event.Assigned:
		t.owner(e)
	case event.Acquired:
		owner := t.owner(e)
		for topic, partitions := range e.Assignment.Claims {
			if t.topic == "" {
				t.topic = topic
			}
			for _, p := range partitions {
				if topic == t.topic {
					t.spells = append(t.spells, Spell{Owner: owner, Program: e.Program, Partition: p, Generation: e.Assignment.Generation, From: e.Time})
				}
			}
		}
	case event.Released:
		t.end(e.Time, func(s Spell) bool {
			return s.Program == e.Program && slices.Contains(e.Assignment.Claims[t.topic], s.Partition)
		})
	case event.Crashed, event.Exited:
		t.end(e.Time, func(s Spell) bool { return s.Program == e.Program })
		if owner, ok := t.owners[e.Program]; ok {
			t.marks = append(t.marks, mark{at: e.Time, owner: owner, ended: true})
			delete(t.owners, e.Program) // a crash is followed by an exit
		}
	case event.Timeline:
		t.shown = e.Time
	}
}

// owner is the owner that the program of an event is.
func (t *Timeline) owner(e event.Event) string {
	if owner, ok := t.owners[e.Program]; ok {
		return owner
	}
	owner := e.Assignment.Client
	if base, _, _ := strings.Cut(e.Program, "#"); owner == "" || owner == base { // the default: all of them have it
		owner = e.Program
	}
	if started, ok := t.started[e.Program]; ok {
		t.owners[e.Program] = owner
		t.marks = append(t.marks, mark{at: started, owner: owner})
	}
	return owner
}

// end ends the open spells that are meant.
func (t *Timeline) end(at time.Time, meant func(Spell) bool) {
	for i, s := range t.spells {
		if s.To.IsZero() && meant(s) {
			t.spells[i].To = at
		}
	}
}

// Owners are the owners of now, and whether each partition that anybody ever owned has exactly one.
func (t *Timeline) Owners() (now Owners, settled bool) {
	now, all := Owners{}, map[int32]bool{}
	settled = true
	for _, s := range t.spells {
		all[s.Partition] = true
		if s.To.IsZero() {
			_, taken := now[s.Partition]
			settled = settled && !taken
			now[s.Partition] = s
		}
	}
	return now, settled && len(now) == len(all)
}

// Ended is how many spells are over: how often a partition was taken away or left.
func (t *Timeline) Ended() int {
	n := 0
	for _, s := range t.spells {
		if !s.To.IsZero() {
			n++
		}
	}
	return n
}

// gap is a time between two spells of a partition in which nobody worked on it; negative if they overlap.
type gap struct{ from, to time.Time }

func (g gap) length() time.Duration { return g.to.Sub(g.from) }

// byPartition are the spells of each partition in the order of time, and the gaps between them: one less.
func (t *Timeline) byPartition() (map[int32][]Spell, map[int32][]gap) {
	spells, gaps := map[int32][]Spell{}, map[int32][]gap{}
	for _, s := range t.spells {
		if s.To.IsZero() {
			s.To = t.last()
		}
		spells[s.Partition] = append(spells[s.Partition], s)
	}
	for p, of := range spells {
		slices.SortStableFunc(of, func(a, b Spell) int { return a.From.Compare(b.From) })
		until := of[0].To
		for _, s := range of[1:] {
			gaps[p] = append(gaps[p], gap{until, s.From})
			if s.To.After(until) {
				until = s.To
			}
		}
	}
	return spells, gaps
}

// Overlaps is how often a partition got an owner before the last one had let it go.
func (t *Timeline) Overlaps() int {
	n := 0
	_, gaps := t.byPartition()
	for _, of := range gaps {
		for _, g := range of {
			if g.length() < 0 {
				n++
			}
		}
	}
	return n
}

// Unowned is how long nobody worked on a partition between two owners, all partitions together.
func (t *Timeline) Unowned() time.Duration {
	var sum time.Duration
	_, gaps := t.byPartition()
	for _, of := range gaps {
		for _, g := range of {
			sum += max(0, g.length())
		}
	}
	return sum
}

func (t *Timeline) first() time.Time {
	var first time.Time
	for _, m := range t.marks {
		if first.IsZero() || m.at.Before(first) {
			first = m.at
		}
	}
	for _, s := range t.spells {
		if first.IsZero() || s.From.Before(first) {
			first = s.From
		}
	}
	return first
}

// last is the end of the picture: when it was shown, or what is known last.
func (t *Timeline) last() time.Time {
	last := t.shown
	for _, m := range t.marks {
		last = later(last, m.at)
	}
	for _, s := range t.spells {
		last = later(later(last, s.From), s.To)
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// letters gives each owner a letter: its name if that is one letter, else the next that is free.
func (t *Timeline) letters() (order []string, letter map[string]string) {
	letter = map[string]string{}
	taken := map[string]bool{}
	for _, s := range t.spells {
		if _, known := letter[s.Owner]; known {
			continue
		}
		order = append(order, s.Owner)
		letter[s.Owner] = ""
		if len(s.Owner) == 1 {
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

// Text draws the timeline for a terminal: a line for each partition, a column for a slice of time, a letter for the
// owner. A column in which nobody owned the partition, if only for a moment, is a dot. style colours a cell of the owner
// with this number, from 0; -1 is a dot.
func (t *Timeline) Text(lang i18n.Lang, style func(owner int, cell string) string) string {
	if len(t.spells) == 0 {
		return ""
	}
	order, letter := t.letters()
	first := t.first()
	column := step(t.last().Sub(first), widestTimeline)
	at := func(x time.Time) int { return int(x.Sub(first) / column) }
	columns := at(t.last()) + 1

	var out strings.Builder
	out.WriteString(strings.TrimRight(fmt.Sprintf("%5s%s", "", t.markLine(columns, at, letter)), " ") + "\n")
	spells, gaps := t.byPartition()
	for _, p := range slices.Sorted(maps.Keys(spells)) {
		cells := slices.Repeat([]string{" "}, columns)
		for _, s := range spells[p] {
			for i := at(s.From); i <= at(s.To); i++ {
				cells[i] = style(slices.Index(order, s.Owner), letter[s.Owner])
			}
		}
		for _, g := range gaps[p] {
			for i := at(g.from); i <= at(g.to) && g.length() >= 0; i++ {
				cells[i] = style(-1, "·")
			}
		}
		fmt.Fprintf(&out, "%4s %s\n", fmt.Sprintf("p%d", p), strings.TrimRight(strings.Join(cells, ""), " "))
	}
	var axis strings.Builder
	const tick = 10 // columns
	for i := 0; i < columns; i += tick {
		fmt.Fprintf(&axis, "%-*s", tick, fmt.Sprintf("%.1f", (column*time.Duration(i)).Seconds()))
	}
	fmt.Fprintf(&out, "%5s%s s\n", "", strings.TrimRight(axis.String(), " "))
	legend := Text{EN: "a column is %v, a letter the owner, · nobody; +A: A starts, -A: A ends", KO: "한 칸은 %v, 글자는 소유자, ·는 아무도 없음. +A는 A 시작, -A는 A 종료"}.With(milliseconds(column))
	for _, o := range order {
		if letter[o] != o {
			legend = Text{EN: "%s; %s is %s", KO: "%s, %s은(는) %s"}.With(legend, letter[o], o)
		}
	}
	fmt.Fprintf(&out, "%5s%s\n", "", legend.In(lang))
	return out.String()
}

// label is "+B" where B starts and "-B" where it ends.
func (m mark) label(letter map[string]string) string {
	if m.ended {
		return "-" + letter[m.owner]
	}
	return "+" + letter[m.owner]
}

// sortedMarks are the marks of those who owned something, in the order of time.
func (t *Timeline) sortedMarks(letter map[string]string) []mark {
	known := slices.DeleteFunc(slices.Clone(t.marks), func(m mark) bool { return letter[m.owner] == "" })
	slices.SortStableFunc(known, func(a, b mark) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.owner, b.owner)) })
	return known
}

func (t *Timeline) markLine(columns int, at func(time.Time) int, letter map[string]string) string {
	var line strings.Builder
	for _, m := range t.sortedMarks(letter) {
		if blank := at(m.at) - line.Len(); blank > 0 {
			line.WriteString(strings.Repeat(" ", blank))
		} else if line.Len() > 0 {
			line.WriteString(" ") // no room: a little late
		}
		line.WriteString(m.label(letter))
	}
	return line.String()
}

// Timelines are the timelines that a run has shown, one for each variant. The zero value is ready for use.
type Timelines struct {
	all []*Timeline
	now *Timeline
}

// Emit takes in an event of the run. It returns the timeline that the event shows, mostly nil.
func (ts *Timelines) Emit(e event.Event) *Timeline {
	if e.Type == event.VariantStarted {
		ts.now = &Timeline{}
	}
	if ts.now == nil {
		return nil
	}
	ts.now.Add(e)
	if e.Type != event.Timeline {
		return nil
	}
	ts.all = append(ts.all, ts.now)
	return ts.now
}

// WriteSVG writes each timeline to a file LESSON-VARIANT.svg in a folder, which it creates if there is something to
// write, and returns their names.
func (ts *Timelines) WriteSVG(dir string, lang i18n.Lang) ([]string, error) {
	var names []string
	for _, t := range ts.all {
		name, err := writePicture(dir, strings.TrimSuffix(t.Lesson+"-"+t.Variant, "-"), t.SVG(lang))
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// The measures of a timeline's picture, in pixels, beside those that all pictures share.
const (
	timelineLeft  = 56 // of the first moment
	timelineRight = svgWidth - 24
)

// SVG draws the timeline as a picture, for a light and a dark background.
func (t *Timeline) SVG(lang i18n.Lang) string {
	order, letter := t.letters()
	first, last := t.first(), t.last()
	whole := max(last.Sub(first), time.Millisecond)
	x := func(at time.Time) float64 {
		return timelineLeft + float64(at.Sub(first))/float64(whole)*(timelineRight-timelineLeft)
	}
	spells, gaps := t.byPartition()
	partitions := slices.Sorted(maps.Keys(spells))
	bottom := svgTop + svgRow*len(partitions)
	height := bottom + 64

	title := strings.TrimPrefix(t.Variant+": ", ": ") + t.Title.In(lang)
	description := Text{EN: "Who owned which of %d partitions when.", KO: "파티션 %d개를 언제 누가 소유했는지 보여 줍니다."}.With(len(partitions)).In(lang)
	out := newPicture(lang, height, title, description)
	box := func(class string, p int, from, to time.Time) {
		out.rect(class, x(from), svgTop+svgRow*p, x(to)-x(from), svgBar)
	}
	taken := 0.0 // a label that would cover the one before it moves aside
	for _, m := range t.sortedMarks(letter) {
		out.line("event", x(m.at), svgTop-8, bottom)
		at := max(x(m.at), taken)
		out.text("", "middle", at, svgTop-14, m.label(letter))
		taken = at + 22
	}
	for row, p := range partitions {
		out.text("", "end", timelineLeft-8, float64(svgTop+svgRow*row+15), fmt.Sprintf("p%d", p))
		for _, g := range gaps[p] {
			if g.length() > 0 {
				box("nobody", row, g.from, g.to)
			}
		}
		for _, s := range spells[p] {
			box(fmt.Sprintf("o%d", slices.Index(order, s.Owner)%svgColors), row, s.From, s.To)
			if x(s.To)-x(s.From) >= 16 {
				out.text("", "middle", (x(s.From)+x(s.To))/2, float64(svgTop+svgRow*row+15), letter[s.Owner])
			}
		}
	}
	tick := step(whole, 8)
	for at := time.Duration(0); at <= whole; at += tick {
		out.text("dim", "middle", x(first.Add(at)), float64(bottom+16), fmt.Sprintf("%.1f s", at.Seconds()))
	}
	legend := Text{EN: "dashed: nobody works on the partition; +A: A starts, -A: A ends", KO: "점선: 아무도 그 파티션을 처리하지 않음. +A는 A 시작, -A는 A 종료"}
	for _, o := range order {
		if letter[o] != o {
			legend = Text{EN: "%s; %s is %s", KO: "%s, %s은(는) %s"}.With(legend, letter[o], o)
		}
	}
	out.text("dim", "start", 16, float64(bottom+46), legend.In(lang))
	return out.String()
}
