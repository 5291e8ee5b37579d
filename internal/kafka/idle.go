package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
)

// IdleReason is why a member receives nothing, for machines.
type IdleReason string

const (
	IdleJoining         IdleReason = "joining"          // the group lets it wait
	IdleNoPartition     IdleReason = "no-partition"     // it has none
	IdleNoLeader        IdleReason = "no-leader"        // a partition's leader does not answer
	IdleOpenTransaction IdleReason = "open-transaction" // read_committed waits before one
	IdleUnmarked        IdleReason = "unmarked"         // everything was fetched, and the handler has not marked all of it
	IdleAtNewest        IdleReason = "at-newest"        // it began at the end, and skipped what was before
	IdleCaughtUp        IdleReason = "caught-up"        // it has read everything
)

// Idle tells why a member receives nothing.
type Idle struct {
	Reason IdleReason
	Text   i18n.Text // for people
	// Ends are the ends of its partitions, by topic. Set with IdleAtNewest and IdleCaughtUp: it has read up to there.
	Ends map[string]map[int32]int64
}

// idleWatch finds out why a consumer group member receives nothing and says so: once in a silence, and again when the
// reason becomes another one.
type idleWatch struct {
	group  string
	topics []string
	after  time.Duration
	obs    GroupObserver

	moves  atomic.Int64 // records that were fetched, and marks: what ends a silence
	places places

	mu sync.Mutex
	silence
	suspected bool
	said      i18n.Text // what was said last in this silence
}

// silence is what is known while nothing arrives.
type silence struct {
	since   time.Time                   // when it began, or when a reason was found last
	session sarama.ConsumerGroupSession // nil while joining
	claims  []sarama.ConsumerGroupClaim // that have begun and not ended
	moves   int64                       // when it began
}

type partition struct {
	topic string
	id    int32
}

// place is how far a member has come in a partition. The offsets are those of the next record, 0 before the first.
type place struct{ fetched, marked atomic.Int64 }

// unmarked tells whether a record was fetched and not marked: the handler has yet to do its work for it.
func (p *place) unmarked() bool { return p.fetched.Load() > p.marked.Load() }

// places are where a member is in its partitions, since the last join. Each record passes here twice, so there is no lock
// on its way but one that readers share.
type places struct {
	mu sync.RWMutex
	of map[partition]*place
}

func (p *places) at(topic string, id int32) *place {
	key := partition{topic, id}
	p.mu.RLock()
	found := p.of[key]
	p.mu.RUnlock()
	if found != nil {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[key] == nil {
		if p.of == nil {
			p.of = map[partition]*place{}
		}
		p.of[key] = &place{}
	}
	return p.of[key]
}

func (p *places) forget(topic string, id int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, partition{topic, id})
}

func (p *places) forgetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of = nil
}

// partitions is how many are assigned; with a cooperative strategy that changes within a session.
func (s silence) partitions() int {
	n := 0
	for _, ids := range s.session.Claims() {
		n += len(ids)
	}
	return n
}

func newIdleWatch(group string, topics []string, obs GroupObserver) *idleWatch {
	w := &idleWatch{group: group, topics: topics, after: cmp.Or(obs.IdleAfter, 3*time.Second), obs: obs}
	w.joining()
	return w
}

// OnConsume makes the watch a [sarama.ConsumerInterceptor]: a record was fetched, and goes to the handler next.
func (w *idleWatch) OnConsume(m *sarama.ConsumerMessage) {
	w.places.at(m.Topic, m.Partition).fetched.Store(m.Offset + 1)
	w.moves.Add(1)
}

func (w *idleWatch) marked(topic string, id int32, next int64) {
	p := &w.places.at(topic, id).marked
	for now := p.Load(); next > now && !p.CompareAndSwap(now, next); now = p.Load() {
	}
	w.moves.Add(1)
}

func (w *idleWatch) reset(topic string, id int32, next int64) {
	p := &w.places.at(topic, id).marked
	for now := p.Load(); next < now && !p.CompareAndSwap(now, next); now = p.Load() {
	}
	w.moves.Add(1)
}

// quiet begins a new silence.
func (w *idleWatch) quiet() {
	w.listen()
	w.said = i18n.Text{}
}

// listen waits for the silence to last.
func (w *idleWatch) listen() {
	w.since, w.silence.moves, w.suspected = time.Now(), w.moves.Load(), false
}

func (w *idleWatch) joining() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session, w.claims = nil, nil
	w.places.forgetAll()
	w.quiet()
}

func (w *idleWatch) assigned(s sarama.ConsumerGroupSession) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session = s
	w.quiet()
}

// consuming tells whether a session has begun, and the next join has not.
func (w *idleWatch) consuming() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.session != nil
}

func (w *idleWatch) claimed(c sarama.ConsumerGroupClaim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims = append(w.claims, c)
	w.quiet()
}

func (w *idleWatch) released(c sarama.ConsumerGroupClaim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims = slices.DeleteFunc(w.claims, func(other sarama.ConsumerGroupClaim) bool { return other == c })
	w.places.forget(c.Topic(), c.Partition())
	w.quiet()
}

func (w *idleWatch) run(ctx context.Context, client sarama.Client) {
	if w.obs.Idle == nil {
		return
	}
	tick := time.NewTicker(w.after / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if why := w.why(ctx, client); why.Reason != "" {
				w.obs.Idle(why)
			}
		}
	}
}

// why is the reason of the present silence, or none while there is nothing (new) to say.
func (w *idleWatch) why(ctx context.Context, client sarama.Client) Idle {
	w.mu.Lock()
	if w.silence.moves != w.moves.Load() {
		w.quiet()
	}
	if time.Since(w.since) < w.after {
		w.mu.Unlock()
		return Idle{}
	}
	seen := w.silence
	seen.claims = slices.Clone(seen.claims)
	w.mu.Unlock()

	why := w.explain(ctx, client, seen)

	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.since != seen.since || w.moves.Load() != seen.moves: // something happened meanwhile
		return Idle{}
	case why.Reason == "":
		w.quiet()
		return Idle{}
	case why.Text == w.said:
		w.listen()
		return Idle{}
	case !w.suspected: // look twice: a record may be on its way from the broker's answer to the handler
		w.suspected = true
		return Idle{}
	}
	w.listen()
	w.said = why.Text
	return why
}

// explain is the reason of a silence, or none if the member is busy.
func (w *idleWatch) explain(ctx context.Context, client sarama.Client, s silence) Idle {
	switch {
	case s.session == nil:
		state, err := describeGroup(ctx, client, w.group)
		if err != nil { // nobody is there to wait for: the loop around Consume has told it, and tries again
			return Idle{}
		}
		return Idle{Reason: IdleJoining, Text: i18n.Text{
			EN: "not in group %s yet: the broker waits until every other member has rejoined, or until a dead member's session timeout is over (%s)",
			KO: "아직 %s 그룹에 참여하지 못했습니다: 브로커는 다른 멤버가 모두 다시 참여하거나, 죽은 멤버의 세션 타임아웃이 지날 때까지 기다립니다 (%s)",
		}.With(w.group, state)}
	case s.partitions() == 0:
		return Idle{Reason: IdleNoPartition, Text: i18n.Text{
			EN: "no partition is assigned to this member: group %s has more members than %s has partitions. Stop a member, or add partitions",
			KO: "이 멤버에 할당된 파티션이 없습니다: %s 그룹의 멤버가 %s의 파티션보다 많습니다. 멤버를 줄이거나 파티션을 늘리세요",
		}.With(w.group, strings.Join(w.topics, ", "))}
	}
	if len(s.claims) != s.partitions() { // not all of them have begun, or some have yet to end
		return Idle{}
	}
	slices.SortFunc(s.claims, func(a, b sarama.ConsumerGroupClaim) int {
		return cmp.Or(cmp.Compare(a.Topic(), b.Topic()), cmp.Compare(a.Partition(), b.Partition()))
	})
	var upTo, open, unmarked, skipped []string
	ends := map[string]map[int32]int64{}
	for _, c := range s.claims {
		end, readable, err := readableEnd(client, c.Topic(), c.Partition())
		if err != nil {
			return Idle{Reason: IdleNoLeader, Text: i18n.Text{
				EN: "nothing arrives from %s, partition %d: its leader does not answer",
				KO: "%s 토픽 %d번 파티션에서 아무것도 오지 않습니다: 리더가 응답하지 않습니다",
			}.With(c.Topic(), c.Partition())}
		}
		at := func(offset int64) string { return fmt.Sprintf("p%d@%d", c.Partition(), offset) }
		place := w.places.at(c.Topic(), c.Partition())
		switch {
		case len(c.Messages()) > 0: // records wait for the handler
			return Idle{}
		case readable < end: // sarama learns of the end with records only, and gets none
			open = append(open, at(readable))
		case c.HighWaterMarkOffset() != end: // records are on their way
			return Idle{}
		}
		upTo = append(upTo, at(end))
		if ends[c.Topic()] == nil {
			ends[c.Topic()] = map[int32]int64{}
		}
		ends[c.Topic()][c.Partition()] = end
		if place.unmarked() {
			unmarked = append(unmarked, at(place.fetched.Load()-1))
		}
		if place.fetched.Load() == 0 && c.InitialOffset() == sarama.OffsetNewest {
			skipped = append(skipped, fmt.Sprintf("p%d", c.Partition()))
		}
	}
	list := func(all []string) string { return strings.Join(all, " ") }
	switch {
	case len(open) > 0:
		return Idle{Reason: IdleOpenTransaction, Text: i18n.Text{
			EN: "waiting for an open transaction: with read_committed, nothing from %s on can be read until the transaction is committed or aborted",
			KO: "열린 트랜잭션을 기다리는 중입니다: read_committed에서는 트랜잭션이 커밋되거나 취소될 때까지 %s부터 읽을 수 없습니다",
		}.With(list(open))}
	case len(unmarked) > 0:
		return Idle{Reason: IdleUnmarked, Text: i18n.Text{
			EN: "everything up to the end (%s) has been fetched, but %s is not marked: the handler is still at work on it, or marks nothing",
			KO: "끝(%s)까지 모두 가져왔지만 %s은(는) 아직 표시(mark)되지 않았습니다: 핸들러가 아직 처리하는 중이거나, 표시를 하지 않습니다",
		}.With(list(upTo), list(unmarked))}
	case len(skipped) > 0:
		return Idle{Reason: IdleAtNewest, Text: i18n.Text{
			EN: "waiting at the end (%s): the group has no committed offset that could be used for %s, so it starts there at the newest record and skips what was sent before it joined",
			KO: "끝에서 기다리는 중입니다 (%s): 이 그룹에는 %s에 쓸 수 있는 커밋 오프셋이 없어서 최신 위치부터 시작하고, 참여하기 전에 보낸 레코드는 건너뜁니다",
		}.With(list(upTo), list(skipped)), Ends: ends}
	}
	return Idle{Reason: IdleCaughtUp, Text: i18n.Text{
		EN: "caught up: everything up to the end (%s) has been read; waiting for new records",
		KO: "모두 따라잡았습니다: 끝(%s)까지 다 읽었고, 새 레코드를 기다립니다",
	}.With(list(upTo)), Ends: ends}
}

// readableEnd returns the end of a partition and the offset up to which this client may read it: the last stable one
// with read_committed.
func readableEnd(client sarama.Client, topic string, partition int32) (end, readable int64, err error) {
	if end, err = client.GetOffset(topic, partition, sarama.OffsetNewest); err != nil {
		return 0, 0, err
	}
	if client.Config().Consumer.IsolationLevel == sarama.ReadUncommitted {
		return end, end, nil
	}
	admin, err := sarama.NewClusterAdminFromClient(client) // its Close would close the client
	if err != nil {
		return 0, 0, err
	}
	readable, err = LastStable(admin, topic, partition)
	return end, readable, err
}

// describeGroup asks the coordinator for the group's state and members. It does so on a connection of its own: on the
// member's, JoinGroup waits for its answer.
func describeGroup(ctx context.Context, client sarama.Client, group string) (string, error) {
	coordinator, err := client.Coordinator(group)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	sc := *client.Config()
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, contextDialer{ctx}
	b := sarama.NewBroker(coordinator.Addr())
	if err := b.Open(&sc); err != nil {
		return "", err
	}
	defer func() { _ = b.Close() }() // what it answered is known
	resp, err := b.DescribeGroups(&sarama.DescribeGroupsRequest{Groups: []string{group}})
	if err != nil {
		return "", err
	}
	if len(resp.Groups) == 0 {
		return "", errors.New("no answer about the group")
	}
	if code := resp.Groups[0].Err; !errors.Is(code, sarama.ErrNoError) {
		return "", code
	}
	return fmt.Sprintf("%s, %d members", resp.Groups[0].State, len(resp.Groups[0].Members)), nil
}

// LastStable returns the offset up to which read_committed consumers may read a partition: that of the first record of
// the oldest open transaction, or the end.
func LastStable(admin sarama.ClusterAdmin, topic string, partition int32) (int64, error) {
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
