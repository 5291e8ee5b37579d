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

// WaitCommittedToEnd waits until the group has committed the end of every partition of a topic.
func (r *Run) WaitCommittedToEnd(group, topic string) {
	for partition, end := range r.endOffsets(topic) {
		r.WaitCommitted(group, topic, partition, end)
	}
}
