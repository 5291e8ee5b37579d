package lesson

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkahandson/internal/event"
)

// Records are records as programs reported them, in the order of the reports.
type Records []event.Record

// From returns the records at or after a group's committed offsets; all records of a partition without one (-1).
func (rs Records) From(committed map[int32]int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Offset >= committed[r.Partition] })
}

// Before returns the records before a group's committed offsets.
func (rs Records) Before(committed map[int32]int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Offset < committed[r.Partition] })
}

// In returns the records whose ids are among others.
func (rs Records) In(others Records) Records {
	ids := others.ids()
	return rs.filter(func(r event.Record) bool { return ids[r.ID] > 0 })
}

// NotIn returns the records whose ids are not among others.
func (rs Records) NotIn(others Records) Records {
	ids := others.ids()
	return rs.filter(func(r event.Record) bool { return ids[r.ID] == 0 })
}

// Distinct is how many different ids there are.
func (rs Records) Distinct() int { return len(rs.ids()) }

// At returns the record with this offset in its partition.
func (rs Records) At(partition int32, offset int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Partition == partition && r.Offset == offset })
}

// First returns the first n records, fewer if there are no more.
func (rs Records) First(n int) Records { return slices.Clone(rs[:min(n, len(rs))]) }

// Repeated returns the records whose ids have come before, in the order of their repetition.
func (rs Records) Repeated() Records {
	seen := map[string]bool{}
	return rs.filter(func(r event.Record) bool {
		again := seen[r.ID]
		seen[r.ID] = true
		return again
	})
}

// OutOfOrder is how many records were handled after a later record of the same key, partition and topic.
func (rs Records) OutOfOrder() int {
	type lane struct {
		topic     string
		partition int32
		key       string
	}
	latest := map[lane]int64{}
	late := 0
	for _, r := range rs {
		l := lane{r.Topic, r.Partition, r.Key}
		if before, ok := latest[l]; ok && r.Offset < before {
			late++
			continue
		}
		latest[l] = r.Offset
	}
	return late
}

// Committable is, for each of so many partitions, the offset up to which all of its records are among these: what a
// group that began at 0 may commit when they are done. It is -1 where there is none.
func (rs Records) Committable(partitions int32) map[int32]int64 {
	done := map[int32]map[int64]bool{}
	for _, r := range rs {
		if done[r.Partition] == nil {
			done[r.Partition] = map[int64]bool{}
		}
		done[r.Partition][r.Offset] = true
	}
	offsets := map[int32]int64{}
	for p := range partitions {
		offsets[p] = -1
		for next := int64(0); done[p][next]; next++ {
			offsets[p] = next + 1
		}
	}
	return offsets
}

// LastOffsets is the offset of the last of the records of each partition.
func (rs Records) LastOffsets() map[int32]int64 {
	last := map[int32]int64{}
	for _, r := range rs {
		last[r.Partition] = r.Offset
	}
	return last
}

// Places is how many different offsets of partitions there are.
func (rs Records) Places() int {
	places := map[event.Record]bool{}
	for _, r := range rs {
		places[event.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}] = true
	}
	return len(places)
}

func (rs Records) filter(keep func(event.Record) bool) Records {
	var kept Records
	for _, r := range rs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// ids counts how often each id occurs.
func (rs Records) ids() map[string]int {
	ids := map[string]int{}
	for _, r := range rs {
		ids[r.ID]++
	}
	return ids
}

func (rs Records) brief() string {
	if len(rs) == 0 || len(rs) > 3 {
		return fmt.Sprint(len(rs))
	}
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = "#" + r.ID
	}
	return fmt.Sprintf("%d (%s)", len(rs), strings.Join(ids, " "))
}

func (rs Records) difference(want Records) (missing, extra []string) {
	got, wanted := rs.ids(), want.ids()
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		if got[id] < wanted[id] {
			missing = append(missing, "#"+id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if got[id] > wanted[id] {
			extra = append(extra, "#"+id)
		}
	}
	return missing, extra
}
