package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

// CreateTopic creates a topic: kafka-topics --create.
type CreateTopic struct {
	// Topic is its name.
	Topic string
	// Partitions is how many it gets, at least 1.
	Partitions int32
	// ReplicationFactor is the number of replicas of each partition. Defaults to 3, or as many as there are brokers.
	ReplicationFactor int16
	// Configs are settings of the topic, as name=value. Defaults to the broker's.
	Configs []string
	// IfNotExists makes it no error that the topic is there already, whatever its partitions and settings.
	IfNotExists bool
}

// Validate checks the options.
func (t CreateTopic) Validate() error {
	if err := required("topic", t.Topic); err != nil {
		return err
	}
	_, err := t.settings()
	return err
}

// Run creates the topic, and returns once every broker knows it.
func (t CreateTopic) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	settings, err := t.settings()
	if err != nil {
		return err
	}
	err = cluster.CreateTopic(ctx, t.Topic, t.Partitions, t.ReplicationFactor, settings)
	if t.IfNotExists && errors.As(err, new(*admin.TopicExistsError)) {
		return s.say(i18n.Text{EN: "Topic %s was there already.", KO: "%s 토픽은 이미 있었습니다."}.With(t.Topic))
	}
	if err != nil {
		return err
	}
	return s.say(i18n.Text{EN: "Created topic %s with %d partitions.", KO: "%s 토픽을 파티션 %d개로 만들었습니다."}.With(t.Topic, t.Partitions))
}

func (t CreateTopic) settings() (map[string]string, error) {
	settings := map[string]string{}
	for _, c := range t.Configs {
		name, value, ok := strings.Cut(c, "=")
		if !ok {
			return nil, problem.Usage(i18n.Text{EN: "--config %q is not name=value", KO: "--config %q이(가) name=value 형식이 아닙니다"}.With(c))
		}
		settings[name] = value
	}
	return settings, nil
}

// AddPartitions raises a topic to a number of partitions: kafka-topics --alter.
type AddPartitions struct {
	// Topic is its name.
	Topic string
	// Partitions is how many it has afterwards. Kafka cannot take any away.
	Partitions int32
}

// Validate checks the options.
func (t AddPartitions) Validate() error {
	if err := required("topic", t.Topic); err != nil {
		return err
	}
	if t.Partitions == 0 {
		return missing("partitions")
	}
	return nil
}

// Run adds the partitions, and returns once every broker knows them.
func (t AddPartitions) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	if err := cluster.AddPartitions(ctx, t.Topic, t.Partitions); err != nil {
		return namedTopic(ctx, cluster, err)
	}
	return s.say(i18n.Text{EN: "Topic %s has %d partitions now.", KO: "%s 토픽의 파티션이 이제 %d개입니다."}.With(t.Topic, t.Partitions))
}

// DescribeTopic shows a topic's partitions: kafka-topics --describe.
type DescribeTopic struct {
	// Topic is its name.
	Topic string
}

// Validate checks the options.
func (t DescribeTopic) Validate() error { return required("topic", t.Topic) }

// Run writes a table with the leader, replicas and offsets of each partition.
func (t DescribeTopic) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	topic, err := cluster.DescribeTopic(ctx, t.Topic)
	if err != nil {
		return namedTopic(ctx, cluster, err)
	}
	var rows []table.Row
	for _, p := range topic.Partitions {
		rows = append(rows, table.Row{topic.Name, p.ID, p.Leader, brokerList(p.Replicas), brokerList(p.ISR), p.Start, p.End, p.End - p.Start})
	}
	return s.write(Table(table.Row{"topic", "partition", "leader", "replicas", "isr", "start", "end", "records"}, rows))
}

func brokerList(ids []int32) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(ids), "[]")), ",")
}

// DeleteTopic deletes a topic and its records: kafka-topics --delete.
type DeleteTopic struct {
	// Topic is its name.
	Topic string
}

// Validate checks the options.
func (t DeleteTopic) Validate() error { return required("topic", t.Topic) }

// Run deletes the topic, and returns once no broker knows it any more.
func (t DeleteTopic) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	if err := cluster.DeleteTopic(ctx, t.Topic); err != nil {
		return namedTopic(ctx, cluster, err)
	}
	return s.say(i18n.Text{EN: "Deleted topic %s.", KO: "%s 토픽을 지웠습니다."}.With(t.Topic))
}

// ListTopics lists the topics: kafka-topics --list.
type ListTopics struct{}

// Validate has nothing to check.
func (ListTopics) Validate() error { return nil }

// Run writes the names of the topics, one a line, sorted.
func (ListTopics) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	topics, err := cluster.ListTopics(ctx)
	if err != nil {
		return err
	}
	return s.write(lines(topics))
}
