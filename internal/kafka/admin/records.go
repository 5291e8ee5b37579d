package admin

import (
	"context"
	"sync"

	"kafkahandson/internal/kafka"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"
)

// DeleteRecords deletes the records of each partition that come before an offset, by partition: retention does the
// same to records that are too old or too many, a whole segment at a time.
func (a *Client) DeleteRecords(_ context.Context, topic string, before map[int32]int64) error {
	if err := a.admin.DeleteRecords(topic, before); err != nil {
		return topicError("delete records of", topic, err)
	}
	return nil
}

// LastStable returns the offset up to which read_committed consumers may read a partition: that of the first record of
// the oldest open transaction, or the end.
func (a *Client) LastStable(_ context.Context, topic string, partition int32) (int64, error) {
	return kafka.LastStable(a.admin, topic, partition)
}

// ReadTopic hands over the records that a topic holds now, one at a time and each partition's in order: see
// [kafka.ReadPartition].
func (a *Client) ReadTopic(ctx context.Context, topic string, each func(*sarama.ConsumerMessage) error) error {
	partitions, err := a.client.Partitions(topic)
	if err != nil {
		return topicError("read", topic, err)
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range partitions {
		g.Go(func() error {
			return kafka.ReadPartition(ctx, a.client, topic, p, func(m *sarama.ConsumerMessage) error {
				mu.Lock()
				defer mu.Unlock()
				return each(m)
			})
		})
	}
	return g.Wait()
}
