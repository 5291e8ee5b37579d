package lesson

import (
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"kafkahandson/internal/event"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/kafka"
)

// Less checks for a number that is smaller than another one.
func Less(got, than int) Check {
	if got < than {
		return Check{OK: true, Detail: fmt.Sprintf("%d < %d", got, than)}
	}
	return Check{Detail: fmt.Sprintf("%d ≥ %d", got, than)}
}

// LogBytes is how many bytes of log a topic takes, in one replica, as the broker says: [kafka.Admin.LogBytes].
func (r *Run) LogBytes(topic string) int {
	n, err := r.admin.LogBytes(r.ctx, topic)
	r.Must(err)
	return int(n)
}

// WaitStored waits until consumers can read this many records of a topic. What is acknowledged with acks=all is there at
// once; everything else is a little later, when the followers have it too.
func (r *Run) WaitStored(topic string, records int) {
	r.waitForPrograms(Text{EN: "for %s to hold %d records", KO: "%s 토픽에 레코드 %d개가 저장되기를"}.With(topic, records), func() (bool, string) {
		r.mu.Unlock() // asking the broker takes a while
		defer r.mu.Lock()
		now := r.Stored(topic)
		return now >= records, fmt.Sprintf("%d/%d", now, records)
	})
}

// ReadBack returns the greetings that a topic holds now, each partition's in order, as a consumer without a group reads
// them.
func (r *Run) ReadBack(topic string) Records {
	var all Records
	r.Must(r.admin.ReadTopic(r.ctx, topic, func(m *sarama.ConsumerMessage) error {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		all = append(all, event.Record{
			Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: string(m.Key), ID: strconv.FormatInt(g.ID, 10),
		})
		return nil
	}))
	return all
}
