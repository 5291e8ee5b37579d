// Package records counts records: as multisets, whose members topic and id tell apart, and by the offsets of their
// partitions. What programs report comes in no certain order and sometimes twice, so a comparison of lists says nothing.
package records

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
)

// Record is a record as a program reported it, or as it was read back.
type Record struct {
	event.Record
	// Group is the consumer group that handled it; empty if it was produced, or handled without a group.
	Group string
	// Time is when the program reported it.
	Time time.Time
}

// List is records, in the order of the reports. Two of them are the same if topic and id are.
type List []Record

// identity is what makes two records the same.
type identity struct{ topic, id string }

func (r Record) identity() identity { return identity{r.Topic, r.ID} }

// Offsets are offsets of the partitions of one topic: committed ones, or ends. -1 stands for none.
type Offsets struct {
	Topic string
	At    map[int32]int64 // by partition
}

// Of returns the records of a topic.
func (rs List) Of(topic string) List {
	return rs.filter(func(r Record) bool { return r.Topic == topic })
}

// By returns the records that a group handled.
func (rs List) By(group string) List {
	return rs.filter(func(r Record) bool { return r.Group == group })
}

// From returns the records of the offsets' topic at or after them; all records of a partition that has none (-1).
func (rs List) From(committed Offsets) List {
	return rs.Of(committed.Topic).filter(func(r Record) bool { return r.Offset >= committed.At[r.Partition] })
}

// Before returns the records of the offsets' topic that come before them.
func (rs List) Before(committed Offsets) List {
	return rs.Of(committed.Topic).filter(func(r Record) bool { return r.Offset < committed.At[r.Partition] })
}

// In returns the records that are among others.
func (rs List) In(others List) List {
	count := others.count()
	return rs.filter(func(r Record) bool { return count[r.identity()] > 0 })
}

// NotIn returns the records that are not among others.
func (rs List) NotIn(others List) List {
	count := others.count()
	return rs.filter(func(r Record) bool { return count[r.identity()] == 0 })
}

// As returns the records as if they were in another topic: what is expected there of programs that pass them on with
// their ids.
func (rs List) As(topic string) List {
	moved := slices.Clone(rs)
	for i := range moved {
		moved[i].Topic = topic
	}
	return moved
}

// Distinct is how many different records there are.
func (rs List) Distinct() int { return len(rs.count()) }

// At returns the records at a place.
func (rs List) At(topic string, partition int32, offset int64) List {
	return rs.filter(func(r Record) bool { return r.Topic == topic && r.Partition == partition && r.Offset == offset })
}

// First returns the first n records, fewer if there are no more.
func (rs List) First(n int) List { return slices.Clone(rs[:min(n, len(rs))]) }

// After returns the records after the first n.
func (rs List) After(n int) List { return slices.Clone(rs[min(n, len(rs)):]) }

// Repeated returns the records that the same group had handled before, in the order of their repetition. That two groups
// handle a record is no repetition.
func (rs List) Repeated() List {
	type handling struct {
		identity
		group string
	}
	seen := map[handling]bool{}
	return rs.filter(func(r Record) bool {
		h := handling{r.identity(), r.Group}
		again := seen[h]
		seen[h] = true
		return again
	})
}

// Took is the time from the first report to the last: 0 if there are fewer than two.
func (rs List) Took() time.Duration {
	if len(rs) == 0 {
		return 0
	}
	return rs[len(rs)-1].Time.Sub(rs[0].Time)
}

// OutOfOrder is how many records a group handled after a later record of the same key, partition and topic.
func (rs List) OutOfOrder() int {
	type lane struct {
		group, topic string
		partition    int32
		key          string
	}
	latest := map[lane]int64{}
	late := 0
	for _, r := range rs {
		l := lane{r.Group, r.Topic, r.Partition, r.Key}
		if before, ok := latest[l]; ok && r.Offset < before {
			late++
			continue
		}
		latest[l] = r.Offset
	}
	return late
}

// Committable is, for each of so many partitions of a topic, the offset up to which all of its records are among these:
// what a group that began at 0 may commit when they are done. It is -1 where there is none.
func (rs List) Committable(topic string, partitions int32) Offsets {
	done := map[int32]map[int64]bool{}
	for _, r := range rs.Of(topic) {
		if done[r.Partition] == nil {
			done[r.Partition] = map[int64]bool{}
		}
		done[r.Partition][r.Offset] = true
	}
	offsets := Offsets{Topic: topic, At: map[int32]int64{}}
	for p := range partitions {
		offsets.At[p] = -1
		for next := int64(0); done[p][next]; next++ {
			offsets.At[p] = next + 1
		}
	}
	return offsets
}

func (rs List) filter(keep func(Record) bool) List {
	var kept List
	for _, r := range rs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// count counts how often each record occurs.
func (rs List) count() map[identity]int {
	count := map[identity]int{}
	for _, r := range rs {
		count[r.identity()]++
	}
	return count
}

// topics are the topics of the records.
func (rs List) topics() map[string]bool {
	topics := map[string]bool{}
	for _, r := range rs {
		topics[r.Topic] = true
	}
	return topics
}

// brief shows how many there are, and which, if they are few.
func (rs List) brief(name func(identity) string) string {
	if len(rs) == 0 || len(rs) > 3 {
		return fmt.Sprint(len(rs))
	}
	names := make([]string, len(rs))
	for i, r := range rs {
		names[i] = name(r.identity())
	}
	return fmt.Sprintf("%d (%s)", len(rs), strings.Join(names, " "))
}

// shortNames returns what to call the records of two lists: #7, and orders#7 where there are several topics.
func shortNames(a, b List) func(identity) string {
	topics := a.topics()
	maps.Copy(topics, b.topics())
	return func(i identity) string {
		if len(topics) > 1 {
			return i.topic + "#" + i.id
		}
		return "#" + i.id
	}
}

// difference is what others have more often, and what these have more often.
func (rs List) difference(want List) (missing, extra []string) {
	got, wanted, name := rs.count(), want.count(), shortNames(rs, want)
	sorted := func(of map[identity]int) []identity {
		return slices.SortedFunc(maps.Keys(of), func(a, b identity) int { return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.id, b.id)) })
	}
	for _, i := range sorted(wanted) {
		if got[i] < wanted[i] {
			missing = append(missing, name(i))
		}
	}
	for _, i := range sorted(got) {
		if got[i] > wanted[i] {
			extra = append(extra, name(i))
		}
	}
	return missing, extra
}

// Compare tells whether these are the same records as others, each as often, in any order. The evidence is in numbers and
// ids, the same in every language.
func (rs List) Compare(want List) (same bool, evidence string) {
	missing, extra := rs.difference(want)
	name := shortNames(rs, want)
	if len(missing)+len(extra) == 0 {
		return true, rs.brief(name)
	}
	var differ []string
	if len(missing) > 0 {
		differ = append(differ, "missing "+strings.Join(missing, " "))
	}
	if len(extra) > 0 {
		differ = append(differ, "extra "+strings.Join(extra, " "))
	}
	return false, fmt.Sprintf("%s ≠ %s: %s", rs.brief(name), want.brief(name), strings.Join(differ, ", "))
}

// Compare tells whether these are the same offsets as others, in each partition of the same topic. The evidence is in
// numbers, the same in every language.
func (o Offsets) Compare(want Offsets) (same bool, evidence string) {
	switch {
	case o.Topic != want.Topic:
		return false, fmt.Sprintf("%s %s ≠ %s %s", o.Topic, o, want.Topic, want)
	case !maps.Equal(o.At, want.At):
		return false, fmt.Sprintf("%s ≠ %s", o, want)
	}
	return true, o.String()
}

// String shows the offsets: p0=12 p1=–.
func (o Offsets) String() string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(o.At)) {
		parts = append(parts, offsetOf(p, o.At[p]))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, " ")
}

func offsetOf(partition int32, offset int64) string {
	if offset < 0 {
		return fmt.Sprintf("p%d=–", partition)
	}
	return fmt.Sprintf("p%d=%d", partition, offset)
}
