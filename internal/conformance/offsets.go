package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

func offsetTests() []test {
	return []test{
		{"a commit is seen, a mark without one is not", commit},
		{"what was handled and not committed is delivered again", redeliver},
		{"a reset goes where its rule says", reset},
		{"a reset is refused while the group is used, naming who", resetActive},
		{"a reset can be limited to partitions", resetSome},
		{"a committed offset that is gone falls back to the start", outOfRange},
		{"the group's topics are those it has committed offsets in", committedTopics},
	}
}

func commit(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	c.fill(t, topic, 0, 10)

	marking := c.group(t)
	m := c.join(t, c.sarama(t), marking, topic, markOnly)
	m.awaitRecords(t, 10)
	m.stop(t)
	if committed := c.committed(t, marking, topic); committed[0] != -1 {
		t.Errorf("marks without a commit: offset %d is committed", committed[0])
	}

	committing := c.group(t)
	m = c.join(t, c.sarama(t), committing, topic, func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		s.MarkMessage(r, "")
		if r.Offset != 5 {
			return nil
		}
		s.Commit()
		if committed := c.committed(t, committing, topic); committed[0] != 6 { // Commit has returned: the broker has it
			return fmt.Errorf("committed %d, want 6, the next record to read", committed[0])
		}
		return nil
	})
	m.awaitRecords(t, 10)
	m.stop(t)
	if committed := c.committed(t, committing, topic); committed[0] != 6 {
		t.Errorf("committed %d, want 6: what was marked later was not committed", committed[0])
	}
}

func redeliver(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.fill(t, topic, 0, 10)
	m := c.join(t, c.sarama(t), group, topic, func(s sarama.ConsumerGroupSession, r *sarama.ConsumerMessage) error {
		if r.Offset < 4 {
			return markAndCommit(s, r)
		}
		return markOnly(s, r)
	})
	m.awaitRecords(t, 10)
	m.stop(t)

	again := c.join(t, c.sarama(t), group, topic, readOnly).awaitRecords(t, 6)
	if want := []string{"4", "5", "6", "7", "8", "9"}; !slices.Equal(values(again), want) {
		t.Errorf("delivered again: %v, want %v", values(again), want)
	}
}

func reset(t *testing.T, c *cluster) {
	topic := c.topic(t, 2)
	start := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	sc := c.sarama(t)
	sc.Producer.Partitioner = sarama.NewManualPartitioner
	var messages []*sarama.ProducerMessage
	ends := []int64{10, 4}
	for partition, end := range ends {
		for i := range end { // one record a minute
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: int32(partition), Timestamp: start.Add(time.Duration(i) * time.Minute)})
		}
	}
	if err := c.producer(t, sc).SendMessages(messages); err != nil {
		t.Fatal(err)
	}

	for name, test := range map[string]struct {
		rule admin.OffsetRule
		want [2]int64
	}{
		"earliest":                    {admin.ToEarliest, [2]int64{0, 0}},
		"latest":                      {admin.ToLatest, [2]int64{10, 4}},
		"offset":                      {admin.ToOffset(3), [2]int64{3, 3}},
		"offset after the end":        {admin.ToOffset(7), [2]int64{7, 4}},
		"offset before the start":     {admin.ToOffset(-5), [2]int64{0, 0}},
		"shift forwards":              {admin.ShiftBy(1), [2]int64{6, 3}},
		"shift backwards":             {admin.ShiftBy(-1), [2]int64{4, 1}},
		"shift past both ends":        {admin.ShiftBy(-3), [2]int64{2, 0}},
		"datetime":                    {c.admin.ToDatetime(start.Add(3 * time.Minute)), [2]int64{3, 3}},
		"datetime between records":    {c.admin.ToDatetime(start.Add(5*time.Minute + time.Second)), [2]int64{6, 4}},
		"datetime after every record": {c.admin.ToDatetime(start.Add(time.Hour)), [2]int64{10, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := c.group(t)
			before := map[int32]int64{0: 5, 1: 2}
			c.resetTo(t, group, topic, func(_ context.Context, _ string, p admin.Partition, committed int64) (int64, error) {
				if committed != -1 {
					return 0, fmt.Errorf("partition %d of a new group has %d committed", p.ID, committed)
				}
				return before[p.ID], nil
			})
			requireCommitted(t, c, group, topic, before)

			plan, err := c.admin.PlanReset(t.Context(), group, topic, nil, test.rule)
			if err != nil {
				t.Fatal(err)
			}
			want := []admin.OffsetReset{{Topic: topic, Partition: 0, From: 5, To: test.want[0]}, {Topic: topic, Partition: 1, From: 2, To: test.want[1]}}
			if !slices.Equal(plan, want) {
				t.Fatalf("the plan is %v, want %v", plan, want)
			}
			requireCommitted(t, c, group, topic, before) // a plan changes nothing
			if err := c.admin.ExecuteReset(t.Context(), group, plan); err != nil {
				t.Fatal(err)
			}
			requireCommitted(t, c, group, topic, map[int32]int64{0: test.want[0], 1: test.want[1]})

			next := map[int32]int64{}
			n := int(ends[0] - test.want[0] + ends[1] - test.want[1])
			for _, r := range slices.Backward(c.join(t, c.sarama(t), group, topic, readOnly).awaitRecords(t, n)) {
				next[r.Partition] = r.Offset
			}
			for p, want := range test.want {
				if got, ok := next[int32(p)]; ok != (want < ends[p]) || (ok && got != want) {
					t.Errorf("partition %d goes on at %d, want %d", p, got, want)
				}
			}
		})
	}

	_, err := c.admin.PlanReset(t.Context(), c.name(), topic, nil, admin.ShiftBy(1))
	if !errors.As(err, new(*admin.NoCommittedOffsetError)) {
		t.Errorf("shifting what was never committed says %v", err)
	}
}

// resetTo plans and executes a reset of all partitions.
func (c *cluster) resetTo(t *testing.T, group, topic string, rule admin.OffsetRule) {
	t.Helper()
	plan, err := c.admin.PlanReset(t.Context(), group, topic, nil, rule)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.admin.ExecuteReset(t.Context(), group, plan); err != nil {
		t.Fatal(err)
	}
}

func requireCommitted(t *testing.T, c *cluster, group, topic string, want map[int32]int64) {
	t.Helper()
	if got := c.committed(t, group, topic); !maps.Equal(got, want) {
		t.Fatalf("committed %v, want %v", got, want)
	}
}

// requireNames checks that an error is one a learner can act on, and names something.
func requireNames(t *testing.T, err error, name string) {
	t.Helper()
	p := new(problem.Problem)
	if !errors.As(remedy.Of(err), &p) {
		t.Fatalf("got %v, want a problem that names %s", err, name)
	}
	if !strings.Contains(p.What.EN, name) || !strings.Contains(p.What.KO, name) || len(p.Solve) == 0 {
		t.Errorf("%+v does not name %s", p, name)
	}
}

func resetActive(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.fill(t, topic, 0, 3)
	sc := c.sarama(t)
	sc.ClientID = "somebody"
	m := c.join(t, sc, group, topic, markAndCommit)
	m.awaitRecords(t, 3)
	await.NoError(t, func() error {
		if committed := c.committed(t, group, topic); committed[0] != 3 {
			return fmt.Errorf("committed %v, want 3", committed)
		}
		return nil
	})

	plan, err := c.admin.PlanReset(t.Context(), group, topic, nil, admin.ToEarliest) // looking is allowed
	if err != nil {
		t.Fatal(err)
	}
	err = c.admin.ExecuteReset(t.Context(), group, plan)
	requireNames(t, err, m.memberID())
	requireNames(t, err, "somebody")
	requireCommitted(t, c, group, topic, map[int32]int64{0: 3})

	m.stop(t)
	if err := c.admin.ExecuteReset(t.Context(), group, plan); err != nil {
		t.Fatal(err)
	}
	requireCommitted(t, c, group, topic, map[int32]int64{0: 0})
}

func resetSome(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 3), c.group(t)
	for p := range int32(3) {
		c.fill(t, topic, p, 2)
	}
	plan, err := c.admin.PlanReset(t.Context(), group, topic, []int32{2, 0}, admin.ToLatest)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.admin.ExecuteReset(t.Context(), group, plan); err != nil {
		t.Fatal(err)
	}
	requireCommitted(t, c, group, topic, map[int32]int64{0: 2, 1: -1, 2: 2})

	_, err = c.admin.PlanReset(t.Context(), group, topic, []int32{3}, admin.ToLatest)
	requireNames(t, err, topic)

	// The reset says nothing of a leader epoch. A wrong one makes a Java consumer believe that the log was truncated.
	admin, err := sarama.NewClusterAdminFromClient(c.client(t, c.sarama(t)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil {
		t.Fatal(err)
	}
	if epoch := resp.GetBlock(topic, 0).LeaderEpoch; epoch != -1 {
		t.Errorf("the reset committed leader epoch %d, want none (-1)", epoch)
	}
}

func outOfRange(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.fill(t, topic, 0, 10)
	c.resetTo(t, group, topic, admin.ToOffset(2))
	admin, err := sarama.NewClusterAdminFromClient(c.client(t, c.sarama(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteRecords(topic, map[int32]int64{0: 6}); err != nil { // as retention does
		t.Fatal(err)
	}
	got := c.join(t, c.sarama(t), group, topic, readOnly).awaitRecords(t, 4)
	if want := []string{"6", "7", "8", "9"}; !slices.Equal(values(got), want) {
		t.Errorf("got %v, want %v", values(got), want)
	}
}

func committedTopics(t *testing.T, c *cluster) {
	used, unused, group := c.topic(t, 1), c.topic(t, 1), c.group(t)
	c.resetTo(t, group, used, admin.ToEarliest)
	all, err := c.admin.AllCommitted(t.Context(), group)
	if err != nil || len(all) != 1 || len(all[used]) != 1 {
		t.Errorf("committed %v (%v), want partition 0 of %s, and nothing of %s", all, err, used, unused)
	}
}
