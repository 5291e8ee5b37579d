package admin

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/kafka"
)

// Topic describes a topic.
type Topic struct {
	Name       string
	Partitions []Partition
}

// Partition describes a partition of a topic.
type Partition struct {
	ID       int32
	Leader   int32 // broker id, -1 if there is none
	Replicas []int32
	ISR      []int32
	Start    int64 // offset of the first record still there
	End      int64 // offset the next record will get
}

// Records is how many records the topic holds: the sum of End - Start. Compacted records and transaction markers
// count as offsets do, not as records.
func (t Topic) Records() int64 {
	var n int64
	for _, p := range t.Partitions {
		n += p.End - p.Start
	}
	return n
}

// CreateTopic creates a topic and returns once every broker knows it. replication 0 is min(3, brokers). Its errors: a
// [*TopicExistsError], a [*TopicNameError], a [*PartitionCountError], a [*ReplicationFactorError], a [*TopicConfigError].
func (a *Client) CreateTopic(ctx context.Context, name string, partitions int32, replication int16, configs map[string]string) error {
	if partitions < 1 {
		return &PartitionCountError{Topic: name, Want: partitions}
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(name) { // the broker's rule; the embedded one has none
		return topicError("create", name, sarama.ErrInvalidTopic)
	}
	if replication == 0 {
		replication = int16(min(3, len(a.client.Brokers())))
	}
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: replication, ConfigEntries: map[string]*string{}}
	for k, v := range configs {
		detail.ConfigEntries[k] = &v
	}
	err := a.admin.CreateTopic(name, detail, false)
	if errors.Is(err, sarama.ErrInvalidReplicationFactor) {
		return &ReplicationFactorError{Topic: name, Want: replication, Brokers: len(a.client.Brokers()), Err: err}
	}
	if err != nil {
		return topicError("create", name, err)
	}
	return a.waitForTopic(ctx, name, int(partitions))
}

// EnsureTopic creates the topic unless it is there, whatever its partitions.
func (a *Client) EnsureTopic(ctx context.Context, name string, partitions int32) error {
	err := a.CreateTopic(ctx, name, partitions, 0, nil)
	if errors.As(err, new(*TopicExistsError)) {
		return nil
	}
	return err
}

// EnsureTopic connects, creates the topic unless it is there, and disconnects: what a bean of type NewTopic does in a
// Spring application.
func EnsureTopic(ctx context.Context, cfg kafka.Config, name string, partitions int32) (err error) {
	a, err := Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.EnsureTopic(ctx, name, partitions)
}

// AddPartitions raises a topic to a number of partitions. Kafka cannot lower it. The number that the topic has already
// is refused here, as Apache Kafka does (INVALID_PARTITIONS) and the embedded one does not.
func (a *Client) AddPartitions(ctx context.Context, name string, partitions int32) error {
	topic, err := a.DescribeTopic(ctx, name)
	if err != nil {
		return err
	}
	if now := len(topic.Partitions); int(partitions) <= now {
		return &PartitionCountError{Topic: name, Have: int32(now), Want: partitions}
	}
	if err := a.admin.CreatePartitions(name, partitions, nil, false); err != nil {
		return topicError("add partitions to", name, err)
	}
	return a.waitForTopic(ctx, name, int(partitions))
}

// DeleteTopic deletes a topic and returns once no broker knows it any more.
func (a *Client) DeleteTopic(ctx context.Context, name string) error {
	if err := a.admin.DeleteTopic(name); err != nil {
		return topicError("delete", name, err)
	}
	return a.waitForTopic(ctx, name, 0)
}

func topicError(verb, name string, err error) error {
	switch {
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return &kafka.TopicNotFoundError{Topic: name, Err: err}
	case errors.Is(err, sarama.ErrTopicAlreadyExists):
		return &TopicExistsError{Topic: name, Err: err}
	case errors.Is(err, sarama.ErrInvalidTopic):
		return &TopicNameError{Topic: name, Err: err}
	case errors.Is(err, sarama.ErrInvalidConfig):
		return &TopicConfigError{Topic: name, Err: err}
	}
	return fmt.Errorf("%s topic %s: %w", verb, name, err)
}

// waitForTopic waits until each broker that is up sees the topic with this many led partitions; 0 waits until it is
// gone. An answer to CreateTopic or DeleteTopic comes from the controller, and the other brokers hear of it later.
func (a *Client) waitForTopic(ctx context.Context, name string, partitions int) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 5*time.Millisecond, 250*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, a.topicSeen(name, partitions)
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(20*time.Second))
	if err != nil || partitions == 0 {
		return err
	}
	if err := a.client.RefreshMetadata(name); err != nil {
		return fmt.Errorf("look up topic %s: %w", name, err)
	}
	return nil
}

func (a *Client) topicSeen(name string, partitions int) error {
	var down []error
	brokers := a.client.Brokers()
	for _, b := range brokers {
		seen, err := a.ledPartitions(b, name)
		if err != nil {
			down = append(down, fmt.Errorf("ask broker %d about topic %s: %w", b.ID(), name, err))
			continue
		}
		if seen != partitions {
			return fmt.Errorf("broker %d sees %d led partitions of topic %s, want %d", b.ID(), seen, name, partitions)
		}
	}
	if len(down) == len(brokers) {
		return errors.Join(down...)
	}
	return nil
}

// ledPartitions asks one broker how many partitions of the topic have a leader.
func (a *Client) ledPartitions(b *sarama.Broker, topic string) (int, error) {
	resp, err := a.metadata(b, []string{topic})
	if err != nil {
		return 0, err
	}
	led := 0
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Err == sarama.ErrNoError {
				led++
			}
		}
	}
	return led, nil
}

// ListTopics returns the names of all topics, sorted. Kafka's own topics (__consumer_offsets …) are among them.
func (a *Client) ListTopics(context.Context) ([]string, error) {
	topics, err := a.admin.ListTopics()
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	names := make([]string, 0, len(topics))
	for name := range topics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// DescribeTopic returns a topic's partitions, in order, with their leaders, replicas and offsets.
func (a *Client) DescribeTopic(ctx context.Context, name string) (Topic, error) {
	metadata, err := a.admin.DescribeTopics([]string{name})
	if err != nil {
		return Topic{}, topicError("describe", name, err)
	}
	if len(metadata) != 1 || metadata[0].Err != sarama.ErrNoError {
		err := error(sarama.ErrUnknownTopicOrPartition)
		if len(metadata) == 1 {
			err = metadata[0].Err
		}
		return Topic{}, topicError("describe", name, err)
	}
	if err := a.client.RefreshMetadata(name); err != nil {
		return Topic{}, topicError("describe", name, err)
	}
	t := Topic{Name: name, Partitions: make([]Partition, len(metadata[0].Partitions))}
	var g errgroup.Group
	for i, p := range metadata[0].Partitions {
		t.Partitions[i] = Partition{ID: p.ID, Leader: p.Leader, Replicas: p.Replicas, ISR: p.Isr, Start: -1, End: -1}
		g.Go(func() (err error) {
			if t.Partitions[i].Start, err = a.client.GetOffset(name, p.ID, sarama.OffsetOldest); err != nil {
				return fmt.Errorf("first offset of %s partition %d: %w", name, p.ID, err)
			}
			if t.Partitions[i].End, err = a.client.GetOffset(name, p.ID, sarama.OffsetNewest); err != nil {
				return fmt.Errorf("end offset of %s partition %d: %w", name, p.ID, err)
			}
			return ctx.Err()
		})
	}
	err = g.Wait()
	slices.SortFunc(t.Partitions, func(a, b Partition) int { return int(a.ID - b.ID) })
	return t, err
}

// OffsetAt returns the offset of the first record of a partition whose timestamp is at or after t, and the end offset
// where there is none.
func (a *Client) OffsetAt(_ context.Context, topic string, partition int32, t time.Time) (int64, error) {
	offset, err := a.client.GetOffset(topic, partition, t.UnixMilli())
	if err == nil && offset < 0 {
		offset, err = a.client.GetOffset(topic, partition, sarama.OffsetNewest)
	}
	if err != nil {
		return 0, fmt.Errorf("offset of %s partition %d at %s: %w", topic, partition, t.Format(time.RFC3339), err)
	}
	return offset, nil
}
