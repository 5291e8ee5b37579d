package conformance

import (
	"errors"
	"slices"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

func topicTests() []test {
	return []test{
		{"a topic is created, listed, described and deleted", createTopic},
		{"partitions are added, and none is ever taken away", addPartitions},
		{"a topic that cannot be is refused with a way to solve it", refuseTopic},
		{"deleting records moves the start of a partition, for good", deleteRecords},
	}
}

func createTopic(t *testing.T, c *cluster) {
	ctx, name := t.Context(), c.name()
	if err := c.admin.CreateTopic(ctx, name, 3, 0, map[string]string{"retention.ms": "86400000"}); err != nil {
		t.Fatal(err)
	}
	names, err := c.admin.ListTopics(ctx)
	if err != nil || !slices.Contains(names, name) {
		t.Errorf("%s is not among %v (%v)", name, names, err)
	}
	d := c.describe(t, name)
	if len(d.Partitions) != 3 || d.Records() != 0 {
		t.Errorf("got %+v, want 3 empty partitions", d)
	}
	for i, p := range d.Partitions {
		if p.ID != int32(i) || p.Start != 0 || p.End != 0 || !slices.Contains(p.Replicas, p.Leader) || !slices.Contains(p.ISR, p.Leader) {
			t.Errorf("partition %d is %+v", i, p)
		}
	}
	if err := c.admin.CreateTopic(ctx, name, 3, 0, nil); !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		t.Errorf("creating it again says %v", err)
	}
	if err := c.admin.EnsureTopic(ctx, name, 3); err != nil {
		t.Error(err)
	}

	if err := c.admin.DeleteTopic(ctx, name); err != nil {
		t.Fatal(err)
	}
	if names, err = c.admin.ListTopics(ctx); err != nil || slices.Contains(names, name) {
		t.Errorf("%s is still among %v (%v)", name, names, err)
	}
	if _, err := c.admin.DescribeTopic(ctx, name); !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("describing a deleted topic says %v", err)
	}
	if err := c.admin.DeleteTopic(ctx, name); !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("deleting it again says %v", err)
	}
}

func addPartitions(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	c.fill(t, topic, 0, 5)
	if err := c.admin.AddPartitions(t.Context(), topic, 3); err != nil {
		t.Fatal(err)
	}
	c.fill(t, topic, 2, 1) // the new ones take records at once
	d := c.describe(t, topic)
	if len(d.Partitions) != 3 || d.Partitions[0].End != 5 || d.Partitions[2].End != 1 {
		t.Errorf("got %+v", d)
	}
	if err := c.admin.AddPartitions(t.Context(), topic, 2); err == nil {
		t.Error("3 partitions became 2")
	}
}

func refuseTopic(t *testing.T, c *cluster) {
	for _, name := range []string{c.name() + " with blanks", c.name() + "/slash", c.name() + "-토픽", "", ".."} {
		err := c.admin.CreateTopic(t.Context(), name, 1, 0, nil)
		if p := new(problem.Problem); !errors.As(remedy.Of(err), &p) {
			t.Errorf("creating topic %q says %v", name, err)
		}
	}
	err := c.admin.CreateTopic(t.Context(), c.name(), 0, 0, nil)
	if p := new(problem.Problem); !errors.As(remedy.Of(err), &p) {
		t.Errorf("creating a topic of 0 partitions says %v", err)
	}
}

func deleteRecords(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.fill(t, topic, 0, 10)
	admin, err := sarama.NewClusterAdminFromClient(c.client(t, c.sarama(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteRecords(topic, map[int32]int64{0: 4}); err != nil {
		t.Fatal(err)
	}
	if p := c.describe(t, topic).Partitions[0]; p.Start != 4 || p.End != 10 {
		t.Errorf("the partition is %+v, want 4 to 10", p)
	}
	got := c.join(t, c.sarama(t), group, topic, readOnly).awaitRecords(t, 6)
	if got[0].Offset != 4 {
		t.Errorf("a group that starts at the oldest record starts at %d, want 4", got[0].Offset)
	}
}
