package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
)

// LogBytes returns how many bytes a topic's record batches take in the log, as DescribeLogDirs says, one replica of each
// partition counted: the leader's. Batches are stored as they were sent, compressed or not; indexes are not counted. The
// embedded Kafka, whose brokers answer for each other, counts the same batches.
func (a *Client) LogBytes(ctx context.Context, topic string) (int64, error) {
	t, err := a.DescribeTopic(ctx, topic)
	if err != nil {
		return 0, err
	}
	var leaders []int32
	for _, p := range t.Partitions {
		if !slices.Contains(leaders, p.Leader) {
			leaders = append(leaders, p.Leader)
		}
	}
	logDirs, err := a.admin.DescribeLogDirs(leaders)
	if err != nil {
		return 0, fmt.Errorf("log directories of topic %s: %w", topic, err)
	}
	var total int64
	for _, p := range t.Partitions {
		size, ok := logSize(logDirs[p.Leader], topic, p.ID)
		if !ok {
			return 0, fmt.Errorf("log directories of topic %s: broker %d has no partition %d", topic, p.Leader, p.ID)
		}
		total += size
	}
	return total, nil
}

// logSize finds a partition in the log directories of its broker.
func logSize(dirs []sarama.DescribeLogDirsResponseDirMetadata, topic string, partition int32) (size int64, ok bool) {
	for _, dir := range dirs {
		for _, t := range dir.Topics {
			for _, p := range t.Partitions {
				// A temporary log is a copy on its way to another directory.
				if t.Topic == topic && p.PartitionID == partition && !p.IsTemporary {
					return p.Size, true
				}
			}
		}
	}
	return 0, false
}
