package lesson

import (
	"maps"
	"slices"

	"kafkahandson/internal/event"
)

// SameOffsets checks for the same offset in each partition; -1 stands for none, as in [Run.Committed].
func SameOffsets(got, want map[int32]int64) Check {
	if maps.Equal(got, want) {
		return Check{OK: true, Detail: committed(got)}
	}
	return Check{Detail: committed(got) + " ≠ " + committed(want)}
}

// OffsetsFound returns what the program found in Kafka's own memory about a group's offsets in a topic, in the order in
// which it found it: the offset of each record is that of the next one to read, -1 where the group has forgotten it.
func (p *Process) OffsetsFound(group, topic string) Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.offsets.filter(func(r event.Record) bool { return r.Key == group && r.Topic == topic }))
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
