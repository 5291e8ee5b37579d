package conformance

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kafkahandson/internal/await"

	"github.com/IBM/sarama"
)

func transactionTests() []test {
	return []test{
		{"read_committed sees what a transaction committed, and no more", readCommitted},
		{"offsets are committed with the transaction, or not at all", offsetsInTransaction},
		{"a second producer with the same transactional id fences off the first", fence},
		{"a group takes a transaction's offsets only from a member of today", fenceMember},
	}
}

// transactional is the configuration of a producer whose sends are transactions.
func (c *cluster) transactional(t *testing.T, id string) *sarama.Config {
	t.Helper()
	sc := c.sarama(t)
	sc.Producer.Transaction.ID = id
	sc.Producer.Transaction.Timeout = 30 * time.Second
	return sc
}

// transact runs one transaction and commits or aborts it.
func transact(t *testing.T, producer sarama.SyncProducer, commit bool, do func() error) {
	t.Helper()
	if err := producer.BeginTxn(); err != nil {
		t.Fatal(err)
	}
	if err := do(); err != nil {
		t.Fatal(err)
	}
	end := producer.AbortTxn
	if commit {
		end = producer.CommitTxn
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
}

func readCommitted(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	producer := c.producer(t, c.transactional(t, c.name()))
	send := func(values ...string) func() error {
		return func() error {
			for _, v := range values {
				if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(v)}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	transact(t, producer, true, send("committed 1", "committed 2"))
	transact(t, producer, false, send("aborted 1", "aborted 2"))
	transact(t, producer, true, send("committed 3"))

	if got, want := values(c.readIsolated(t, sarama.ReadCommitted, topic, 0, 3)), []string{"committed 1", "committed 2", "committed 3"}; !slices.Equal(got, want) {
		t.Errorf("read_committed reads %q, want %q", got, want)
	}
	if got, want := values(c.readIsolated(t, sarama.ReadUncommitted, topic, 0, 5)), []string{"committed 1", "committed 2", "aborted 1", "aborted 2", "committed 3"}; !slices.Equal(got, want) {
		t.Errorf("read_uncommitted reads %q, want %q", got, want)
	}

	// While a transaction is open, read_committed stops before it, also before what others have sent since.
	if err := producer.BeginTxn(); err != nil {
		t.Fatal(err)
	}
	if err := send("open")(); err != nil {
		t.Fatal(err)
	}
	c.send(t, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("outside")})
	end := c.describe(t, topic).Partitions[0].End
	stable, err := c.lastStable(t, topic)
	if err != nil || stable != end-2 {
		t.Errorf("read_committed may read up to %d (%v), want %d: before the open transaction", stable, err, end-2)
	}
	if err := producer.CommitTxn(); err != nil {
		t.Fatal(err)
	}
	if got, want := values(c.readIsolated(t, sarama.ReadCommitted, topic, end-2, 2)), []string{"open", "outside"}; !slices.Equal(got, want) {
		t.Errorf("after the commit read_committed reads %q, want %q", got, want)
	}
}

// lastStable is the end of partition 0 as read_committed sees it.
func (c *cluster) lastStable(t *testing.T, topic string) (int64, error) {
	client := c.client(t, c.sarama(t))
	leader, err := client.Leader(topic, 0)
	if err != nil {
		return 0, err
	}
	req := &sarama.OffsetRequest{Version: 2, IsolationLevel: sarama.ReadCommitted}
	req.AddBlock(topic, 0, sarama.OffsetNewest, 1)
	resp, err := leader.GetAvailableOffsets(req)
	if err != nil {
		return 0, err
	}
	block := resp.GetBlock(topic, 0)
	if block.Err != sarama.ErrNoError {
		return 0, block.Err
	}
	return block.Offset, nil
}

func offsetsInTransaction(t *testing.T, c *cluster) {
	in, out, group := c.topic(t, 1), c.topic(t, 1), c.group(t)
	c.fill(t, in, 0, 5)
	producer := c.producer(t, c.transactional(t, c.name()))
	work := func(offset int64) func() error {
		return func() error {
			if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: out, Value: sarama.StringEncoder("result")}); err != nil {
				return err
			}
			return producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{in: {{Partition: 0, Offset: offset}}}, group)
		}
	}
	transact(t, producer, false, work(2))
	requireCommitted(t, c, group, in, map[int32]int64{0: -1})
	transact(t, producer, true, work(3))
	await.NoError(t, func() error { // CommitTxn returns before the markers are everywhere
		if committed := c.committed(t, group, in); committed[0] != 3 {
			return fmt.Errorf("committed %v, want 3", committed)
		}
		return nil
	})
	transact(t, producer, false, work(4))
	requireCommitted(t, c, group, in, map[int32]int64{0: 3})
}

func fence(t *testing.T, c *cluster) {
	topic, id := c.topic(t, 1), c.name()
	first := c.producer(t, c.transactional(t, id))
	message := func() *sarama.ProducerMessage {
		return &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")}
	}
	if err := first.BeginTxn(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.SendMessage(message()); err != nil {
		t.Fatal(err)
	}
	second := c.producer(t, c.transactional(t, id)) // aborts what the first has begun
	if err := first.CommitTxn(); err == nil {
		t.Error("the first producer can still commit")
	}
	transact(t, second, true, func() error {
		_, _, err := second.SendMessage(message())
		return err
	})
	if got := c.readIsolated(t, sarama.ReadCommitted, topic, 0, 1); got[0].Offset != 2 { // after the aborted record and the abort marker
		t.Errorf("the first committed record is at %d, want 2", got[0].Offset)
	}
}

// fenceMember is KIP-447: the transactional id is its producer's, and still the group refuses the offset.
func fenceMember(t *testing.T, c *cluster) {
	in, group := c.topic(t, 1), c.group(t)
	c.fill(t, in, 0, 5)
	m := c.join(t, c.sarama(t), group, in, readOnly)
	m.awaitPartitions(t, 1)
	producer := c.producer(t, c.transactional(t, c.name()))
	commit := func(offset int64, memberID string, generation int32) error {
		if err := producer.BeginTxn(); err != nil {
			t.Fatal(err)
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{in: {{Partition: 0, Offset: offset}}}
		metadata := &sarama.ConsumerGroupMetadata{GroupID: group, MemberID: memberID, GenerationID: generation}
		if err := producer.AddOffsetsToTxnWithGroupMetadata(offsets, metadata); err != nil {
			t.Fatal(err)
		}
		return producer.CommitTxn()
	}
	if err := commit(3, m.memberID(), m.generationID()); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		memberID   string
		generation int32
		want       sarama.KError
	}{
		{m.memberID(), m.generationID() - 1, sarama.ErrIllegalGeneration},
		{"thrown-out", m.generationID(), sarama.ErrUnknownMemberId},
	} {
		if err := commit(4, tc.memberID, tc.generation); !errors.Is(err, tc.want) {
			t.Errorf("member %s of generation %d commits: %v, want %v", tc.memberID, tc.generation, err, tc.want)
		}
		if err := producer.AbortTxn(); err != nil { // the producer can go on
			t.Fatal(err)
		}
	}
	await.NoError(t, func() error { // CommitTxn returns before the markers are everywhere
		if committed := c.committed(t, group, in); committed[0] != 3 {
			return fmt.Errorf("committed %v, want 3", committed)
		}
		return nil
	})
}
