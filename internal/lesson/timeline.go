package lesson

import (
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Timeline is who in a consumer group owned which partition of a topic when, and where records came again. It is made of events and nothing
// else, so that a recorded run (`lab run --json`) is drawn as one that goes on. The times are those of the programs,
// which share the computer's clock.
type Timeline struct {
	Lesson, Variant string
	Title           Text

	topic   string // the first that somebody owned a partition of
	group   string // of that somebody
	spells  []Spell
	handled []handling
	marks   []mark
	pauses  []span
	quiet   time.Time            // since when nothing has happened, if there is a pause now
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

// handling says that a record was handled.
type handling struct {
	at        time.Time
	program   string
	partition int32
	offset    int64
}

// span is a time from one moment to another.
type span struct{ from, to time.Time }

func (s span) length() time.Duration { return s.to.Sub(s.from) }

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
	case event.Started, event.Acquired, event.Released, event.Handled, event.Crashed, event.Exited:
		if !t.quiet.IsZero() {
			t.quiet = later(t.quiet, e.Time)
		}
	}
	switch e.Type {
	case event.VariantStarted:
		t.Lesson, t.Variant = e.Lesson, e.Variant
		if e.Text != nil {
			t.Title = *e.Text
		}
	case event.Step:
		t.quiet = e.Time
	case event.Resumed: // the members may have worked on for a while: only what was idle then is left out
		t.pauses = append(t.pauses, span{t.quiet, later(t.quiet, e.Time)})
		t.quiet = time.Time{}
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
				t.topic, t.group = topic, e.Assignment.Group
			}
			for _, p := range partitions {
				if topic == t.topic && e.Assignment.Group == t.group {
					t.spells = append(t.spells, Spell{Owner: owner, Program: e.Program, Partition: p, Generation: e.Assignment.Generation, From: e.Time})
				}
			}
		}
	case event.Released:
		t.end(e.Time, func(s Spell) bool {
			return s.Program == e.Program && e.Assignment.Group == t.group && slices.Contains(e.Assignment.Claims[t.topic], s.Partition)
		})
	case event.Handled:
		if e.Record.Topic == t.topic && e.Group == t.group {
			t.handled = append(t.handled, handling{at: e.Time, program: e.Program, partition: e.Record.Partition, offset: e.Record.Offset})
		}
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

// byPartition are the spells of each partition in the order of time, and the gaps between them, in which nobody worked on
// it: one less, negative if two spells overlap.
func (t *Timeline) byPartition() (map[int32][]Spell, map[int32][]span) {
	spells, gaps := map[int32][]Spell{}, map[int32][]span{}
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
			gaps[p] = append(gaps[p], span{until, s.From})
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

// repetition is a part of a spell in which one record after another came that had been handled before.
type repetition struct {
	span
	records int
}

// repetitions are those of a partition, by its spells.
func (t *Timeline) repetitions(spells []Spell) [][]repetition {
	all := make([][]repetition, len(spells))
	seen := map[int64]bool{} // by offset
	for i, s := range spells {
		last := s.From // when the record before was handled
		before := false
		for _, h := range t.handled {
			if h.partition != s.Partition || h.program != s.Program || h.at.Before(s.From) || h.at.After(s.To) {
				continue
			}
			again := seen[h.offset]
			if again && !before {
				all[i] = append(all[i], repetition{span: span{from: last}})
			}
			if again {
				now := &all[i][len(all[i])-1]
				now.to, now.records = h.at, now.records+1
			}
			seen[h.offset], before, last = true, again, h.at
		}
	}
	return all
}

func sum(of [][]repetition) int {
	n := 0
	for _, rs := range of {
		for _, r := range rs {
			n += r.records
		}
	}
	return n
}

// Repeated is how many records came again.
func (t *Timeline) Repeated() int {
	n := 0
	spells, _ := t.byPartition()
	for _, of := range spells {
		n += sum(t.repetitions(of))
	}
	return n
}

// reached is how far the present owners have handled their partitions: the offset after the last record. Of another group
// or topic it knows nothing.
func (t *Timeline) reached(group, topic string) map[int32]int64 {
	next := map[int32]int64{}
	if group != t.group || topic != t.topic {
		return next
	}
	owners, _ := t.Owners()
	for _, h := range t.handled {
		if s, ok := owners[h.partition]; ok && s.Program == h.program && !h.at.Before(s.From) {
			next[h.partition] = max(next[h.partition], h.offset+1)
		}
	}
	return next
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

// drawn is how far from the begin of the picture a moment is. Pauses are left out.
func (t *Timeline) drawn(at time.Time) time.Duration {
	first := t.first()
	x := at.Sub(first)
	for _, p := range t.pauses {
		x -= max(0, span{later(p.from, first), earlier(p.to, at)}.length())
	}
	return x
}

// cuts are the moments in the picture where a pause is left out.
func (t *Timeline) cuts() []time.Time {
	var cuts []time.Time
	for _, p := range t.pauses {
		if p.from.After(t.first()) {
			cuts = append(cuts, p.to)
		}
	}
	return cuts
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
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
