package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// Committed returns a group's committed offsets of a topic by partition, -1 where there is none. The offset is that of
// the next record to read.
func (a *Client) Committed(_ context.Context, group, topic string) (map[int32]int64, error) {
	if err := a.client.RefreshMetadata(topic); err != nil {
		return nil, topicError("look up", topic, err)
	}
	partitions, err := a.client.Partitions(topic)
	if err != nil {
		return nil, topicError("look up", topic, err)
	}
	resp, err := a.admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: partitions})
	if err != nil {
		return nil, fmt.Errorf("committed offsets of group %s: %w", group, err)
	}
	committed := map[int32]int64{}
	for _, p := range partitions {
		block := resp.GetBlock(topic, p)
		if block == nil {
			return nil, fmt.Errorf("committed offsets of group %s: no answer for %s partition %d", group, topic, p)
		}
		if block.Err != sarama.ErrNoError {
			return nil, fmt.Errorf("committed offset of group %s in %s partition %d: %w", group, topic, p, block.Err)
		}
		committed[p] = block.Offset
	}
	return committed, nil
}

// AllCommitted returns what a group has committed, by topic and partition, also in topics that are deleted. Partitions in
// which it has committed nothing are left out.
func (a *Client) AllCommitted(_ context.Context, group string) (map[string]map[int32]int64, error) {
	resp, err := a.admin.ListConsumerGroupOffsets(group, nil) // nil asks for all of them
	if err != nil {
		return nil, fmt.Errorf("committed offsets of group %s: %w", group, err)
	}
	committed := map[string]map[int32]int64{}
	for topic, partitions := range resp.Blocks {
		for p, block := range partitions {
			if block.Offset < 0 {
				continue
			}
			if committed[topic] == nil {
				committed[topic] = map[int32]int64{}
			}
			committed[topic][p] = block.Offset
		}
	}
	return committed, nil
}

// OffsetRule computes the offset a partition is reset to. It is one of the scenarios of kafka-consumer-groups
// --reset-offsets: [ToEarliest], [ToCurrent], [ToLatest], [ToOffset], [ShiftBy], [Client.ToDatetime].
type OffsetRule func(ctx context.Context, topic string, p Partition, committed int64) (int64, error)

// ToEarliest resets to the first record that is still there.
func ToEarliest(_ context.Context, _ string, p Partition, _ int64) (int64, error) {
	return p.Start, nil
}

// ToCurrent leaves the committed offset where it is, and resets to the end where there is none.
func ToCurrent(_ context.Context, _ string, p Partition, committed int64) (int64, error) {
	if committed < 0 {
		return p.End, nil
	}
	return committed, nil
}

// ToLatest resets to the end: only records that come later are read.
func ToLatest(_ context.Context, _ string, p Partition, _ int64) (int64, error) { return p.End, nil }

// ToOffset resets to an offset.
func ToOffset(offset int64) OffsetRule {
	return func(context.Context, string, Partition, int64) (int64, error) { return offset, nil }
}

// ShiftBy moves the committed offset by n records, backwards if n is negative.
func ShiftBy(n int64) OffsetRule {
	return func(_ context.Context, topic string, p Partition, committed int64) (int64, error) {
		if committed < 0 {
			return 0, &NoCommittedOffsetError{Topic: topic, Partition: p.ID}
		}
		return committed + n, nil
	}
}

// ToDatetime resets to the first record with this timestamp or a later one.
func (a *Client) ToDatetime(t time.Time) OffsetRule {
	return func(ctx context.Context, topic string, p Partition, _ int64) (int64, error) {
		return a.OffsetAt(ctx, topic, p.ID, t)
	}
}

// OffsetReset is one planned change of a committed offset.
type OffsetReset struct {
	Topic     string
	Partition int32
	From      int64 // committed now, -1 if nothing is
	To        int64
}

// PlanReset computes what a rule would change; nothing is changed. partitions empty means all of the topic. As in
// kafka-consumer-groups, an offset outside the partition becomes its first or its end offset.
func (a *Client) PlanReset(ctx context.Context, group, topic string, partitions []int32, rule OffsetRule) ([]OffsetReset, error) {
	t, err := a.DescribeTopic(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, want := range partitions {
		if !slices.ContainsFunc(t.Partitions, func(p Partition) bool { return p.ID == want }) {
			return nil, &PartitionNotFoundError{Topic: topic, Partition: want, Partitions: len(t.Partitions)}
		}
	}
	committed, err := a.Committed(ctx, group, topic)
	if err != nil {
		return nil, err
	}
	var plan []OffsetReset
	for _, p := range t.Partitions {
		if len(partitions) > 0 && !slices.Contains(partitions, p.ID) {
			continue
		}
		to, err := rule(ctx, topic, p, committed[p.ID])
		if err != nil {
			return nil, err
		}
		plan = append(plan, OffsetReset{Topic: topic, Partition: p.ID, From: committed[p.ID], To: min(max(to, p.Start), p.End)})
	}
	return plan, nil
}

// ExecuteReset commits the planned offsets in the group's name. While the group has members it refuses and names them.
func (a *Client) ExecuteReset(ctx context.Context, group string, plan []OffsetReset) error {
	if err := a.RequireInactive(ctx, group); err != nil {
		return err
	}
	req := sarama.NewOffsetCommitRequest(a.client.Config(), group)
	for _, r := range plan {
		// No leader epoch (-1): AddBlock would say 0, and a Java consumer would take a later offset for a truncated log.
		req.AddBlockWithLeaderEpoch(r.Topic, r.Partition, r.To, -1, sarama.ReceiveTime, "")
	}
	return a.atCoordinator(ctx, group, func(coordinator *sarama.Broker) error {
		resp, err := coordinator.CommitOffset(req)
		if err != nil {
			return fmt.Errorf("reset offsets of group %s: %w", group, err)
		}
		for topic, partitions := range resp.Errors {
			for p, kerr := range partitions {
				if kerr == sarama.ErrUnknownMemberId || kerr == sarama.ErrRebalanceInProgress { // somebody joined meanwhile
					return errors.Join(a.RequireInactive(ctx, group), kerr)
				}
				if kerr != sarama.ErrNoError {
					return fmt.Errorf("reset the offset of group %s in %s partition %d: %w", group, topic, p, kerr)
				}
			}
		}
		return nil
	})
}
