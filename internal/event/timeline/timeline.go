// Package timeline tells who in a consumer group owned which partition of a topic when, and where records came again.
package timeline

import (
	"maps"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Timeline is who in a consumer group owned which partition of a topic when, and where records came again: of the first
// topic and group of which somebody owned a partition. It is made of events and nothing else, so that a recorded run
// (`lab run --json`) is drawn as one that goes on. The times are those of the programs, which share the computer's clock.
//
// The zero value is ready for use. Methods that only look may be called at the same time; Add may not.
type Timeline struct {
	Lesson, Variant string
	Title           i18n.Text

	topic   string // the first that somebody owned a partition of
	group   string // of that somebody
	spells  []Spell
	handled []handling
	changes []Change
	pauses  []Span
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
	Span             // To is the zero time while it goes on
}

// handling says that a record was handled.
type handling struct {
	at        time.Time
	program   string
	partition int32
	offset    int64
}

// Span is a time from one moment to another.
type Span struct{ From, To time.Time }

// Length is how long it is; negative if it ends before it begins.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Change says that the process of an owner started or ended.
type Change struct {
	At    time.Time
	Owner string
	Ended bool
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
		t.pauses = append(t.pauses, Span{t.quiet, later(t.quiet, e.Time)})
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
					t.spells = append(t.spells, Spell{Owner: owner, Program: e.Program, Partition: p, Generation: e.Assignment.Generation, Span: Span{From: e.Time}})
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
			t.changes = append(t.changes, Change{At: e.Time, Owner: owner, Ended: true})
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
		t.changes = append(t.changes, Change{At: started, Owner: owner})
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

// Lane is what happened to one partition.
type Lane struct {
	Partition int32
	Spells    []Spell // in the order of time; one that goes on ends at the timeline's end here
	// Gaps are between two spells, one less than these: nobody worked on it. One is negative if two spells overlap.
	Gaps []Span
	// Repetitions are, for each of the spells, where records came again.
	Repetitions [][]Repetition
}

// Repetition is a part of a spell in which one record after another came that had been handled before.
type Repetition struct {
	Span
	Records int
}

// Repeated is how many records came again.
func (l Lane) Repeated() int {
	n := 0
	for _, of := range l.Repetitions {
		for _, r := range of {
			n += r.Records
		}
	}
	return n
}

// Lanes are those of all partitions that anybody ever owned, in their order.
func (t *Timeline) Lanes() []Lane {
	spells := map[int32][]Spell{}
	for _, s := range t.spells {
		if s.To.IsZero() {
			s.To = t.End()
		}
		spells[s.Partition] = append(spells[s.Partition], s)
	}
	var lanes []Lane
	for _, p := range slices.Sorted(maps.Keys(spells)) {
		l := Lane{Partition: p, Spells: spells[p]}
		slices.SortStableFunc(l.Spells, func(a, b Spell) int { return a.From.Compare(b.From) })
		until := l.Spells[0].To
		for _, s := range l.Spells[1:] {
			l.Gaps = append(l.Gaps, Span{until, s.From})
			until = later(until, s.To)
		}
		l.Repetitions = t.repetitions(l.Spells)
		lanes = append(lanes, l)
	}
	return lanes
}

// repetitions are those of a partition, by its spells.
func (t *Timeline) repetitions(spells []Spell) [][]Repetition {
	all := make([][]Repetition, len(spells))
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
				all[i] = append(all[i], Repetition{Span: Span{From: last}})
			}
			if again {
				now := &all[i][len(all[i])-1]
				now.To, now.Records = h.at, now.Records+1
			}
			seen[h.offset], before, last = true, again, h.at
		}
	}
	return all
}

// Overlaps is how often a partition got an owner before the last one had let it go.
func (t *Timeline) Overlaps() int {
	n := 0
	for _, l := range t.Lanes() {
		for _, g := range l.Gaps {
			if g.Length() < 0 {
				n++
			}
		}
	}
	return n
}

// Unowned is how long nobody worked on a partition between two owners, all partitions together.
func (t *Timeline) Unowned() time.Duration {
	var sum time.Duration
	for _, l := range t.Lanes() {
		for _, g := range l.Gaps {
			sum += max(0, g.Length())
		}
	}
	return sum
}

// Repeated is how many records came again, in all partitions.
func (t *Timeline) Repeated() int {
	n := 0
	for _, l := range t.Lanes() {
		n += l.Repeated()
	}
	return n
}

// Reached is how far the present owners have handled their partitions: the offset after the last record. Of another group
// or topic it knows nothing.
func (t *Timeline) Reached(group, topic string) map[int32]int64 {
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

// Spells are all of them, in the order in which they were reported.
func (t *Timeline) Spells() []Spell { return slices.Clone(t.spells) }

// Changes are the starts and ends of the owners' processes, in the order in which they became known.
func (t *Timeline) Changes() []Change { return slices.Clone(t.changes) }

// begin is the begin of the picture.
func (t *Timeline) begin() time.Time {
	var first time.Time
	for _, c := range t.changes {
		if first.IsZero() || c.At.Before(first) {
			first = c.At
		}
	}
	for _, s := range t.spells {
		if first.IsZero() || s.From.Before(first) {
			first = s.From
		}
	}
	return first
}

// End is the end of the picture: when it was shown, or what is known last.
func (t *Timeline) End() time.Time {
	last := t.shown
	for _, c := range t.changes {
		last = later(last, c.At)
	}
	for _, s := range t.spells {
		last = later(later(last, s.From), s.To)
	}
	return last
}

// Since is how far from the begin of the picture a moment is. The instructor's pauses are left out.
func (t *Timeline) Since(at time.Time) time.Duration {
	first := t.begin()
	x := at.Sub(first)
	for _, p := range t.pauses {
		x -= max(0, Span{later(p.From, first), earlier(p.To, at)}.Length())
	}
	return x
}

// Cuts are the moments in the picture where a pause is left out.
func (t *Timeline) Cuts() []time.Time {
	var cuts []time.Time
	for _, p := range t.pauses {
		if p.From.After(t.begin()) {
			cuts = append(cuts, p.To)
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
