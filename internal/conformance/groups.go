package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

func groupTests() []test {
	return []test{
		{"a group gets all 30 greetings exactly once", greetingsOnce},
		{"members share the partitions, and take over from who leaves", rebalance},
		{"a dead member can be taken out before its session times out", removeDead},
		{"a member that waits to join can stop, and leaves", stopWhileJoining},
		{"a new group starts at the oldest or newest record, as told", startPosition},
		{"a group that nobody used is dead and has committed nothing", unknownGroup},
		{"a group is deleted with its offsets, but not while it is used", deleteGroup},
		{"a group hears of added partitions", growPartitions},
	}
}

func greetingsOnce(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 3), c.group(t)
	sent := c.sendGreetings(t, topic)
	m := c.join(t, c.sarama(t), group, topic, markAndCommit)
	m.awaitRecords(t, len(sent))
	await.NoError(t, func() error { // everything is committed: nothing more can come
		if committed := c.committed(t, group, topic); total(committed) != int64(len(sent)) {
			return fmt.Errorf("committed %v, want %d in all", committed, len(sent))
		}
		return nil
	})
	m.stop(t)

	var got []greeting.Greeting
	for _, r := range m.received() {
		g, err := greeting.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if g.Key() != string(r.Key) {
			t.Errorf("greeting %d of age %d has the key %q", g.ID, g.Age, r.Key)
		}
		got = append(got, g)
	}
	slices.SortFunc(got, func(a, b greeting.Greeting) int { return int(a.ID - b.ID) })
	if !slices.Equal(got, sent) {
		t.Errorf("got %v, want %v", got, sent)
	}
}

func rebalance(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 3), c.group(t)
	sc := c.sarama(t)
	sc.ClientID = "first-member"
	first := c.join(t, sc, group, topic, readOnly)
	first.awaitPartitions(t, 3)
	c.requireMembers(t, group, topic, first)
	generation := first.generationID()

	sc = c.sarama(t)
	sc.ClientID = "second-member"
	second := c.join(t, sc, group, topic, readOnly)
	all := slices.Concat(first.awaitPartitions(t, 2), second.awaitPartitions(t, 1))
	if slices.Sort(all); !slices.Equal(all, []int32{0, 1, 2}) {
		t.Errorf("together they have %v, want each partition once", all)
	}
	if first.generationID() <= generation || first.generationID() != second.generationID() {
		t.Errorf("generation %d became %d and %d", generation, first.generationID(), second.generationID())
	}
	c.requireMembers(t, group, topic, first, second)

	second.stop(t)
	first.awaitPartitions(t, 3)
	c.requireMembers(t, group, topic, first)
	first.stop(t)
	d, err := c.admin.DescribeGroup(t.Context(), group)
	if err != nil || len(d.Members) != 0 || (d.State != "Empty" && d.State != "Dead") { // Dead: without offsets there is nothing to keep
		t.Errorf("after everybody has left the group is %+v (%v)", d, err)
	}
}

// requireMembers checks that the coordinator sees these members, their partitions, and no other.
func (c *cluster) requireMembers(t *testing.T, group, topic string, members ...*member) {
	t.Helper()
	d, err := c.admin.DescribeGroup(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != group || d.State != "Stable" || d.Protocol != "range" || len(d.Members) != len(members) {
		t.Fatalf("the group is %+v, want it stable with %d members", d, len(members))
	}
	for _, m := range members {
		i := slices.IndexFunc(d.Members, func(seen admin.Member) bool { return seen.ID == m.memberID() })
		if i < 0 {
			t.Fatalf("member %s is not in %+v", m.memberID(), d)
		}
		seen := d.Members[i]
		claims := slices.Sorted(slices.Values(seen.Claims[topic]))
		if !slices.Equal(claims, m.awaitPartitions(t, len(claims))) || !strings.HasSuffix(seen.ClientID, "-member") || seen.Host == "" {
			t.Errorf("member %s is seen as %+v", m.memberID(), seen)
		}
	}
}

func removeDead(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 3), c.group(t)
	const session = 30 * time.Second
	joined := time.Now()
	dead := c.joinAndDie(t, group, topic, session)

	alive := c.join(t, c.sarama(t), group, topic, readOnly)
	await.NoError(t, func() error { // the coordinator waits for the dead one to join again
		d, err := c.admin.DescribeGroup(t.Context(), group)
		if err == nil && (d.State != "PreparingRebalance" || len(d.Members) != 2) {
			err = fmt.Errorf("the group is %+v", d)
		}
		return err
	})
	if err := c.admin.RemoveMember(t.Context(), group, dead); err != nil {
		t.Fatal(err)
	}
	alive.awaitPartitions(t, 3)
	if took := time.Since(joined); took >= session {
		t.Errorf("it took %v: the session timeout of %v removed the dead member, not we", took, session)
	}
	for _, g := range []string{group, c.name()} { // gone already, or never there
		if err := c.admin.RemoveMember(t.Context(), g, dead); err != nil {
			t.Error(err)
		}
	}
}

// joinAndDie joins a group, becomes its only member, and falls silent, as a killed process does. It returns the id of
// the member.
func (c *cluster) joinAndDie(t *testing.T, group, topic string, session time.Duration) string {
	t.Helper()
	client, err := kafka.NewClient(t.Context(), c.Kafka, c.sarama(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	coordinator, err := client.Coordinator(group)
	if err != nil {
		t.Fatal(err)
	}
	join := &sarama.JoinGroupRequest{
		Version: 3, // before KIP-394 made every member join twice
		GroupId: group, ProtocolType: "consumer",
		SessionTimeout: int32(session.Milliseconds()), RebalanceTimeout: int32(await.Patience.Milliseconds()),
	}
	if err := join.AddGroupProtocolMetadata("range", &sarama.ConsumerGroupMemberMetadata{Topics: []string{topic}}); err != nil {
		t.Fatal(err)
	}
	joined, err := coordinator.JoinGroup(join)
	if err != nil || joined.Err != sarama.ErrNoError {
		t.Fatal(err, joined)
	}
	partitions, err := client.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	sync := &sarama.SyncGroupRequest{GroupId: group, MemberId: joined.MemberId, GenerationId: joined.GenerationId}
	if err := sync.AddGroupAssignmentMember(joined.MemberId, &sarama.ConsumerGroupMemberAssignment{Topics: map[string][]int32{topic: partitions}}); err != nil {
		t.Fatal(err)
	}
	synced, err := coordinator.SyncGroup(sync)
	if err != nil || synced.Err != sarama.ErrNoError {
		t.Fatal(err, synced)
	}
	return joined.MemberId
}

func stopWhileJoining(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.joinAndDie(t, group, topic, 30*time.Second)
	waiting := c.join(t, c.sarama(t), group, topic, readOnly)
	members := func(n int) {
		t.Helper()
		await.NoError(t, func() error {
			d, err := c.admin.DescribeGroup(t.Context(), group)
			if err == nil && len(d.Members) != n {
				err = fmt.Errorf("the group is %+v, want %d members", d, n)
			}
			return err
		})
	}
	members(2)
	start := time.Now()
	waiting.stop(t)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	members(1) // only the dead one is left
	d, err := c.admin.DescribeGroup(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Members {
		if err := c.admin.RemoveMember(t.Context(), group, m.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func startPosition(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	c.fill(t, topic, 0, 5)
	sc := c.sarama(t)
	sc.Consumer.Offsets.Initial = sarama.OffsetOldest
	oldest := c.join(t, sc, c.group(t), topic, readOnly)
	sc = c.sarama(t)
	sc.Consumer.Offsets.Initial = sarama.OffsetNewest
	newest := c.join(t, sc, c.group(t), topic, readOnly)
	newest.awaitPartitions(t, 1)
	c.fill(t, topic, 0, 3)

	if got := oldest.awaitRecords(t, 8); got[0].Offset != 0 || len(got) != 8 {
		t.Errorf("from the oldest: %d records from offset %d on, want 8 from 0", len(got), got[0].Offset)
	}
	if got := newest.awaitRecords(t, 3); got[0].Offset != 5 || len(got) != 3 {
		t.Errorf("from the newest: %d records from offset %d on, want 3 from 5", len(got), got[0].Offset)
	}
}

func unknownGroup(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 3), c.name()
	committed := c.committed(t, group, topic)
	if len(committed) != 3 || committed[0] != -1 || committed[1] != -1 || committed[2] != -1 {
		t.Errorf("committed %v, want -1 in 3 partitions", committed)
	}
	all, err := c.admin.AllCommitted(t.Context(), group)
	if err != nil || len(all) != 0 {
		t.Errorf("committed %v (%v), want nothing", all, err)
	}
	d, err := c.admin.DescribeGroup(t.Context(), group)
	if err != nil || d.State != "Dead" || len(d.Members) != 0 {
		t.Errorf("the group is %+v (%v), want it dead", d, err)
	}
	groups, err := c.admin.ListGroups(t.Context())
	if err != nil || slices.Contains(groups, group) {
		t.Errorf("%s is among %v (%v)", group, groups, err)
	}
}

func deleteGroup(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	c.fill(t, topic, 0, 3)
	m := c.join(t, c.sarama(t), group, topic, markAndCommit)
	m.awaitRecords(t, 3)
	err := c.admin.DeleteGroup(t.Context(), group)
	requireNames(t, err, m.memberID())
	m.stop(t)

	groups, err := c.admin.ListGroups(t.Context())
	if err != nil || !slices.Contains(groups, group) {
		t.Errorf("%s is not among %v (%v)", group, groups, err)
	}
	if err := c.admin.DeleteGroup(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	if committed := c.committed(t, group, topic); committed[0] != -1 {
		t.Errorf("offset %d is still committed", committed[0])
	}
	if groups, err = c.admin.ListGroups(t.Context()); err != nil || slices.Contains(groups, group) {
		t.Errorf("%s is still among %v (%v)", group, groups, err)
	}
	requireNames(t, c.admin.DeleteGroup(t.Context(), group), group)
}

func growPartitions(t *testing.T, c *cluster) {
	topic, group := c.topic(t, 1), c.group(t)
	sc := c.sarama(t)
	sc.Metadata.RefreshFrequency = 100 * time.Millisecond
	m := c.join(t, sc, group, topic, readOnly)
	m.awaitPartitions(t, 1)
	if err := c.admin.AddPartitions(t.Context(), topic, 3); err != nil {
		t.Fatal(err)
	}
	m.awaitPartitions(t, 3)
}
