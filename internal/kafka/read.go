package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// tailPatience is how long nothing may arrive before a partition counts as read to its end.
const tailPatience = 5 * time.Second

// ReadPartition hands over the records that a partition holds now, in order, without a group: nothing is committed. It
// ends at the first error of each, or when ctx ends.
//
// sarama keeps some offsets to itself (markers of transactions; compaction has removed others). When the last ones are
// such, ReadPartition ends 5 s after the last record.
func ReadPartition(ctx context.Context, client sarama.Client, topic string, partition int32, each func(*sarama.ConsumerMessage) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read %s partition %d: %w", topic, partition, err)
		}
	}()
	next, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
	if err != nil || next == end {
		return err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	pc, err := consumer.ConsumePartition(topic, partition, next)
	if err != nil {
		return err
	}
	defer func() {
		pc.AsyncClose()
		for range pc.Messages() { // later records, and those after an error
		}
		for range pc.Errors() {
		}
	}()
	quiet := time.NewTimer(tailPatience)
	defer quiet.Stop()
	for next < end {
		select {
		case m, ok := <-pc.Messages():
			if !ok {
				return errors.New("the consumer has stopped")
			}
			if err := each(m); err != nil {
				return err
			}
			next = m.Offset + 1
			quiet.Reset(tailPatience)
		case err := <-pc.Errors():
			return err
		case <-quiet.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
