package program

import (
	"fmt"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Forgotten is the offset of a partition in which a group has none, as in OffsetFetch.
const Forgotten = -1

// OffsetFound reports what the program found in Kafka's own memory of a group: the offset of the next record that the
// group will read of a partition, or [Forgotten]. line says it to the person at the terminal.
func (p *Program) OffsetFound(group, topic string, partition int32, offset int64, line i18n.Text) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.stdout, line.In(p.lang))
	p.lesson.report(event.Event{Type: event.OffsetFound, Record: &event.Record{Topic: topic, Partition: partition, Offset: offset, Key: group}})
}
