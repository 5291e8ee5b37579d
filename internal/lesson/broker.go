package lesson

import (
	"slices"

	"github.com/IBM/sarama"

	"kafkahandson/internal/event"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

// Committed returns the group's committed offsets of a topic, as the broker says; -1 where there is none.
func (r *Run) Committed(group, topic string) Offsets {
	committed, err := r.admin.Committed(r.ctx, group, topic)
	r.Must(err)
	return Offsets{Topic: topic, At: committed}
}

// Stored is how many records the topic holds, as the broker says.
func (r *Run) Stored(topic string) int {
	t, err := r.admin.DescribeTopic(r.ctx, topic)
	r.Must(err)
	return int(t.Records())
}

// LogBytes is how many bytes of log a topic takes, in one replica, as the broker says: [admin.Client.LogBytes].
func (r *Run) LogBytes(topic string) int {
	n, err := r.admin.LogBytes(r.ctx, topic)
	r.Must(err)
	return int(n)
}

// ReadBack returns the records that a topic holds now, each partition's in order, as a consumer without a group reads
// them. id finds the id inside a record's message.
func (r *Run) ReadBack(topic string, id func(*sarama.ConsumerMessage) (string, error)) Records {
	var all Records
	r.Must(r.admin.ReadTopic(r.ctx, topic, func(m *sarama.ConsumerMessage) error {
		found, err := id(m)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		all = append(all, Record{Record: event.Record{
			Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Key: event.Visible(string(m.Key)), ID: event.Visible(found),
		}})
		return nil
	}))
	return all
}

// Proxy puts a proxy in front of each broker, for programs that are started [Command.Through] it: it can be cut and
// restored. Close it after use.
func (r *Run) Proxy() *faultproxy.Proxy {
	p, err := faultproxy.Start(r.brokers()...)
	r.Must(err)
	return p
}

// AckLoser is a Proxy that can lose acknowledgements. It needs a Kafka without TLS.
func (r *Run) AckLoser() *faultproxy.AckLoser {
	if r.kafka.Config.TLS.Enabled {
		r.Must(problem.Environment(nil,
			Text{EN: "this lesson cuts a connection at the right moment, and cannot tell which that is when the connection is encrypted", KO: "이 레슨은 정확한 순간에 연결을 끊어야 하는데, 연결이 암호화되어 있으면 그 순간을 알 수 없습니다"},
			Text{EN: "run it on a Kafka without TLS: --stack embedded", KO: "TLS가 없는 Kafka에서 실행하세요: --stack embedded"}))
	}
	l, err := faultproxy.StartAckLoser(r.brokers()...)
	r.Must(err)
	return l
}

// brokers are the addresses that clients dial: those that are configured, and those that the cluster names.
func (r *Run) brokers() []string {
	brokers := slices.Clone(r.kafka.Config.Brokers)
	for _, b := range r.admin.Brokers() {
		brokers = append(brokers, b.Addr)
	}
	return brokers
}

// ends are the ends of a topic's partitions.
func (r *Run) ends(topic string) Offsets {
	t, err := r.admin.DescribeTopic(r.ctx, topic)
	r.Must(err)
	ends := Offsets{Topic: topic, At: map[int32]int64{}}
	for _, p := range t.Partitions {
		ends.At[p.ID] = p.End
	}
	return ends
}
