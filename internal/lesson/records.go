package lesson

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

// Records are records, in the order of the reports. Two of them are the same if topic and id are.
type Records []Record

// identity is what makes two records the same.
type identity struct{ topic, id string }

func (r Record) identity() identity { return identity{r.Topic, r.ID} }

// Offsets are offsets of the partitions of one topic: committed ones, or ends. -1 stands for none.
type Offsets struct {
	Topic string
	At    map[int32]int64 // by partition
}

// Of returns the records of a topic.
func (rs Records) Of(topic string) Records {
	return rs.filter(func(r Record) bool { return r.Topic == topic })
}

// By returns the records that a group handled.
func (rs Records) By(group string) Records {
	return rs.filter(func(r Record) bool { return r.Group == group })
}

// From returns the records of the offsets' topic at or after them; all records of a partition that has none (-1).
func (rs Records) From(committed Offsets) Records {
	return rs.Of(committed.Topic).filter(func(r Record) bool { return r.Offset >= committed.At[r.Partition] })
}

// Before returns the records of the offsets' topic that come before them.
func (rs Records) Before(committed Offsets) Records {
	return rs.Of(committed.Topic).filter(func(r Record) bool { return r.Offset < committed.At[r.Partition] })
}

// In returns the records that are among others.
func (rs Records) In(others Records) Records {
	count := others.count()
	return rs.filter(func(r Record) bool { return count[r.identity()] > 0 })
}

// NotIn returns the records that are not among others.
func (rs Records) NotIn(others Records) Records {
	count := others.count()
	return rs.filter(func(r Record) bool { return count[r.identity()] == 0 })
}

// As returns the records as if they were in another topic: what is expected there of programs that pass them on with
// their ids.
func (rs Records) As(topic string) Records {
	moved := slices.Clone(rs)
	for i := range moved {
		moved[i].Topic = topic
	}
	return moved
}

// Distinct is how many different records there are.
func (rs Records) Distinct() int { return len(rs.count()) }

// At returns the records at a place.
func (rs Records) At(topic string, partition int32, offset int64) Records {
	return rs.filter(func(r Record) bool { return r.Topic == topic && r.Partition == partition && r.Offset == offset })
}

// First returns the first n records, fewer if there are no more.
func (rs Records) First(n int) Records { return slices.Clone(rs[:min(n, len(rs))]) }

// After returns the records after the first n.
func (rs Records) After(n int) Records { return slices.Clone(rs[min(n, len(rs)):]) }

// Repeated returns the records that the same group had handled before, in the order of their repetition. That two groups
// handle a record is no repetition.
func (rs Records) Repeated() Records {
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
func (rs Records) Took() time.Duration {
	if len(rs) == 0 {
		return 0
	}
	return rs[len(rs)-1].Time.Sub(rs[0].Time)
}

// OutOfOrder is how many records a group handled after a later record of the same key, partition and topic.
func (rs Records) OutOfOrder() int {
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
func (rs Records) Committable(topic string, partitions int32) Offsets {
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

func (rs Records) filter(keep func(Record) bool) Records {
	var kept Records
	for _, r := range rs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// count counts how often each record occurs.
func (rs Records) count() map[identity]int {
	count := map[identity]int{}
	for _, r := range rs {
		count[r.identity()]++
	}
	return count
}

// topics are the topics of the records.
func (rs Records) topics() map[string]bool {
	topics := map[string]bool{}
	for _, r := range rs {
		topics[r.Topic] = true
	}
	return topics
}

// brief shows how many there are, and which, if they are few.
func (rs Records) brief(name func(identity) string) string {
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
func shortNames(a, b Records) func(identity) string {
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
func (rs Records) difference(want Records) (missing, extra []string) {
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
