package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
)

// idleWatch finds out why a consumer group member receives nothing and says so, once per silence.
type idleWatch struct {
	group   string
	topics  []string
	initial int64
	after   time.Duration
	obs     GroupObserver

	mu sync.Mutex
	silence
	suspected, said bool
}

// silence is what is known while nothing arrives.
type silence struct {
	since    time.Time
	session  sarama.ConsumerGroupSession // nil while joining
	claims   []sarama.ConsumerGroupClaim // that have begun and not ended
	received int                         // records, since the program started
}

// partitions is how many are assigned; with a cooperative strategy that changes within a session.
func (s silence) partitions() int {
	n := 0
	for _, ids := range s.session.Claims() {
		n += len(ids)
	}
	return n
}

func newIdleWatch(group string, topics []string, initial int64, obs GroupObserver) *idleWatch {
	after := cmp.Or(obs.IdleAfter, 3*time.Second)
	return &idleWatch{group: group, topics: topics, initial: initial, after: after, obs: obs, silence: silence{since: time.Now()}}
}

// OnConsume makes the watch a [sarama.ConsumerInterceptor]: a record arrived.
func (w *idleWatch) OnConsume(*sarama.ConsumerMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.received++
	w.quiet()
}

// quiet begins a new silence.
func (w *idleWatch) quiet() { w.since, w.suspected, w.said = time.Now(), false, false }

func (w *idleWatch) joining() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.session, w.claims = nil, nil
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
			if why := w.why(ctx, client); !why.IsZero() {
				w.obs.Idle(why)
			}
		}
	}
}

// why is the reason of the present silence, or no text while there is nothing (new) to say.
func (w *idleWatch) why(ctx context.Context, client sarama.Client) i18n.Text {
	w.mu.Lock()
	if w.said || time.Since(w.since) < w.after {
		w.mu.Unlock()
		return i18n.Text{}
	}
	seen := w.silence
	seen.claims = slices.Clone(seen.claims)
	w.mu.Unlock()

	why := w.explain(ctx, client, seen)

	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.since != seen.since: // something happened meanwhile
		return i18n.Text{}
	case why.IsZero():
		w.quiet()
		return i18n.Text{}
	case !w.suspected: // look twice: a record may be on its way from the broker's answer to the handler
		w.suspected = true
		return i18n.Text{}
	}
	w.said = true
	return why
}

// explain is the reason of a silence, or no text if the member is busy.
func (w *idleWatch) explain(ctx context.Context, client sarama.Client, s silence) i18n.Text {
	switch {
	case s.session == nil:
		return i18n.Text{
			EN: "not in group %s yet: the broker waits until every other member has rejoined, or until a dead member's session timeout is over (%s)",
			KO: "아직 %s 그룹에 참여하지 못했습니다: 브로커는 다른 멤버가 모두 다시 참여하거나, 죽은 멤버의 세션 타임아웃이 지날 때까지 기다립니다 (%s)",
		}.With(w.group, describeGroup(ctx, client, w.group))
	case s.partitions() == 0:
		return i18n.Text{
			EN: "no partition is assigned to this member: group %s has more members than %s has partitions. Stop a member, or add partitions",
			KO: "이 멤버에 할당된 파티션이 없습니다: %s 그룹의 멤버가 %s의 파티션보다 많습니다. 멤버를 줄이거나 파티션을 늘리세요",
		}.With(w.group, strings.Join(w.topics, ", "))
	}
	if len(s.claims) != s.partitions() { // not all of them have begun, or some have yet to end
		return i18n.Text{}
	}
	var at []string
	for _, c := range s.claims {
		end, err := client.GetOffset(c.Topic(), c.Partition(), sarama.OffsetNewest)
		if err != nil {
			return i18n.Text{
				EN: "nothing arrives from %s, partition %d: its leader does not answer (%v)",
				KO: "%s 토픽 %d번 파티션에서 아무것도 오지 않습니다: 리더가 응답하지 않습니다 (%v)",
			}.With(c.Topic(), c.Partition(), err)
		}
		if len(c.Messages()) > 0 || c.HighWaterMarkOffset() != end { // records wait for the handler, or are on their way
			return i18n.Text{}
		}
		at = append(at, fmt.Sprintf("p%d@%d", c.Partition(), end))
	}
	slices.Sort(at)
	if s.received == 0 && w.initial == sarama.OffsetNewest {
		return i18n.Text{
			EN: "waiting at the end (%s): a group without committed offsets starts at the newest record here, so what was sent before it joined is skipped",
			KO: "끝에서 기다리는 중입니다 (%s): 커밋된 오프셋이 없는 그룹은 여기서 최신 위치부터 시작하므로, 참여하기 전에 보낸 레코드는 건너뜁니다",
		}.With(strings.Join(at, " "))
	}
	return i18n.Text{
		EN: "caught up: everything up to the end (%s) has been read; waiting for new records",
		KO: "모두 따라잡았습니다: 끝(%s)까지 다 읽었고, 새 레코드를 기다립니다",
	}.With(strings.Join(at, " "))
}

// describeGroup asks the coordinator for the group's state and members, as far as it answers. It does so on a connection
// of its own: on the member's, JoinGroup waits for its answer.
func describeGroup(ctx context.Context, client sarama.Client, group string) string {
	coordinator, err := client.Coordinator(group)
	if err != nil {
		return "coordinator: " + err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	sc := *client.Config()
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, contextDialer{ctx}
	b := sarama.NewBroker(coordinator.Addr())
	if err := b.Open(&sc); err != nil {
		return "coordinator: " + err.Error()
	}
	defer func() { _ = b.Close() }() // what it answered is known
	resp, err := b.DescribeGroups(&sarama.DescribeGroupsRequest{Groups: []string{group}})
	if err != nil || len(resp.Groups) == 0 {
		return fmt.Sprintf("describe group: %v", err)
	}
	return fmt.Sprintf("%s, %d members", resp.Groups[0].State, len(resp.Groups[0].Members))
}
