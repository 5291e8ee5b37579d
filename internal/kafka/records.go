package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// DeleteRecords deletes the records of each partition that come before an offset, by partition: retention does the
// same to records that are too old or too many, a whole segment at a time.
func (a *Admin) DeleteRecords(_ context.Context, topic string, before map[int32]int64) error {
	if err := a.admin.DeleteRecords(topic, before); err != nil {
		return topicError("delete records of", topic, err)
	}
	return nil
}

// LastStable returns the offset up to which read_committed consumers may read a partition: that of the first record of
// the oldest open transaction, or the end.
func (a *Admin) LastStable(_ context.Context, topic string, partition int32) (int64, error) {
	return lastStable(a.admin, topic, partition)
}

func lastStable(admin sarama.ClusterAdmin, topic string, partition int32) (int64, error) {
	answers, err := admin.ListOffsets(map[string]map[int32]int64{topic: {partition: sarama.OffsetNewest}},
		&sarama.ListOffsetsOptions{IsolationLevel: sarama.ReadCommitted})
	if err == nil && !errors.Is(answers[topic][partition].Err, sarama.ErrNoError) {
		err = answers[topic][partition].Err
	}
	if err != nil {
		return 0, fmt.Errorf("last stable offset of %s partition %d: %w", topic, partition, err)
	}
	return answers[topic][partition].Offset, nil
}
