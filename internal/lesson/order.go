package lesson

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

// WaitCommittedAll waits until the group has committed at least these offsets of a topic.
func (r *Run) WaitCommittedAll(group, topic string, offsets map[int32]int64) {
	for partition, offset := range offsets {
		r.WaitCommitted(group, topic, partition, offset)
	}
}

// WaitCommittedToEnd waits until the group has committed the end of every partition of a topic.
func (r *Run) WaitCommittedToEnd(group, topic string) {
	r.WaitCommittedAll(group, topic, r.endOffsets(topic))
}
