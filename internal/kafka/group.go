package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// GroupObserver is told what happens in a consumer group member, as [net/http/httptrace.ClientTrace] is for a
// request. A nil function is not called. Calls may come from several goroutines.
type GroupObserver struct {
	// Assigned: a session begins; its claims are this member's partitions by topic, possibly none. With an eager strategy
	// a session lasts one generation, with a cooperative one as long as the member stays.
	Assigned func(s sarama.ConsumerGroupSession)
	// Revoked: the session ended, its claims are given up.
	Revoked func(s sarama.ConsumerGroupSession)
	// Acquired and Released: ConsumeClaim of a partition begins, and has returned. In between, and at no other time, the
	// partition is this member's.
	Acquired, Released func(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim)
	// Committed: a call of session.Commit() returned after this time. sarama gives no result: its error goes to Error.
	Committed func(took time.Duration)
	// Idle: nothing has arrived for IdleAfter, and this is why. It is told again when the reason becomes another one.
	Idle func(why Idle)
	// IdleAfter is how long nothing may arrive before a member says why. Default: 3 s.
	IdleAfter time.Duration
	// Error: something failed that the loop recovers from by itself.
	Error func(err error)
}

// ConsumeGroup joins a consumer group and hands records to the handler, generation after generation, until ctx ends;
// then it finishes the session, leaves the group and returns nil.
//
// It owns what surrounds sarama's ConsumerGroup: the connection, the loop around Consume, the Errors channel, backoff
// (250 ms, growing to 5 s) after failures of the cluster. An error that handler.ConsumeClaim or handler.Setup returns
// is the program's own: the member leaves the group, nothing more is handled, and ConsumeGroup returns the error with
// the topic and partition it came from. The record it concerns is not marked, so it is delivered again after a restart.
//
// sc.Consumer.Offsets.Initial must be set by the caller. A missing topic is a *[problem.Problem].
func ConsumeGroup(ctx context.Context, cfg Config, sc *sarama.Config, group string, topics []string, handler sarama.ConsumerGroupHandler, obs GroupObserver) (err error) {
	own := *sc
	watch := newIdleWatch(group, topics, obs)
	own.Consumer.Interceptors = append([]sarama.ConsumerInterceptor{watch}, sc.Consumer.Interceptors...)

	dialer := newBreakableDialer(&own)

	client, err := NewClient(ctx, cfg, &own)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := requireTopics(client, topics); err != nil {
		return err
	}
	member, err := sarama.NewConsumerGroupFromClient(group, client)
	if err != nil {
		return fmt.Errorf("create a member of group %s: %w", group, err)
	}

	var wg sync.WaitGroup
	wg.Go(func() {
		for err := range member.Errors() {
			var claim *claimError
			if !errors.As(err, &claim) && obs.Error != nil { // a handler's own error is returned, not reported
				obs.Error(err)
			}
		}
	})
	watching, stopWatch := context.WithCancel(ctx)
	wg.Go(func() { watch.run(watching, client) })
	defer func() {
		stopWatch()
		_ = member.Close() // if leaving fails, the coordinator misses this member after its session timeout
		wg.Wait()
	}()

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	wg.Go(func() {
		<-ctx.Done()
		if !watch.consuming() { // JoinGroup may wait for others, as long as a dead member's session lasts
			dialer.breakAll()
		}
	})
	observed := &observedHandler{handler: handler, obs: obs, watch: watch, stop: stop}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 250*time.Millisecond, 5*time.Second
	for {
		watch.joining()
		err := member.Consume(ctx, topics, observed)
		var claim *claimError
		if errors.As(context.Cause(ctx), &claim) {
			return claim
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil { // a rebalance: join the next generation
			pause.Reset()
			continue
		}
		if obs.Error != nil {
			obs.Error(fmt.Errorf("consume in group %s: %w", group, err))
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return nil
		}
	}
}

func requireTopics(client sarama.Client, topics []string) error {
	for _, topic := range topics {
		err := client.RefreshMetadata(topic)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) || errors.Is(err, sarama.ErrInvalidTopic) {
			return MissingTopic(topic, err)
		}
		if err != nil {
			return fmt.Errorf("look up topic %s: %w", topic, err)
		}
	}
	return nil
}

// MissingTopic is the problem that a topic does not exist.
func MissingTopic(topic string, cause error) error {
	return problem.Environment(cause,
		i18n.Text{EN: "there is no topic %s", KO: "%s 토픽이 없습니다"}.With(topic),
		i18n.Text{EN: "create it: lab topic create --topic %s --partitions 3", KO: "토픽을 만드세요: lab topic create --topic %s --partitions 3"}.With(topic),
		i18n.Text{EN: "look for a typing mistake: lab topic list", KO: "이름이 맞는지 확인하세요: lab topic list"})
}

// claimError is an error of the handler, with the place it came from.
type claimError struct {
	where string
	err   error
}

func (e *claimError) Error() string { return e.where + ": " + e.err.Error() }
func (e *claimError) Unwrap() error { return e.err }

// observedHandler is the program's handler with an observer around it.
type observedHandler struct {
	handler sarama.ConsumerGroupHandler
	obs     GroupObserver
	watch   *idleWatch
	stop    context.CancelCauseFunc
}

func (h *observedHandler) Setup(s sarama.ConsumerGroupSession) error {
	h.watch.assigned(s)
	if h.obs.Assigned != nil {
		h.obs.Assigned(s)
	}
	return h.fatal("setup", h.handler.Setup(h.session(s)))
}

func (h *observedHandler) Cleanup(s sarama.ConsumerGroupSession) error {
	err := h.handler.Cleanup(h.session(s))
	if h.obs.Revoked != nil {
		h.obs.Revoked(s)
	}
	return h.fatal("cleanup", err)
}

func (h *observedHandler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	h.watch.claimed(c)
	if h.obs.Acquired != nil {
		h.obs.Acquired(s, c)
	}
	err := h.handler.ConsumeClaim(h.session(s), c)
	if h.obs.Released != nil {
		h.obs.Released(s, c)
	}
	h.watch.released(c)
	return h.fatal(fmt.Sprintf("%s, partition %d", c.Topic(), c.Partition()), err)
}

func (h *observedHandler) fatal(where string, err error) error {
	if err == nil {
		return nil
	}
	claim := &claimError{where: where, err: err}
	h.stop(claim)
	return claim
}

func (h *observedHandler) session(s sarama.ConsumerGroupSession) sarama.ConsumerGroupSession {
	return &observedSession{ConsumerGroupSession: s, obs: h.obs, watch: h.watch}
}

type observedSession struct {
	sarama.ConsumerGroupSession
	obs   GroupObserver
	watch *idleWatch
}

func (s *observedSession) MarkMessage(m *sarama.ConsumerMessage, metadata string) {
	s.MarkOffset(m.Topic, m.Partition, m.Offset+1, metadata)
}

func (s *observedSession) MarkOffset(topic string, partition int32, offset int64, metadata string) {
	s.ConsumerGroupSession.MarkOffset(topic, partition, offset, metadata)
	s.watch.marked(topic, partition, offset)
}

func (s *observedSession) ResetOffset(topic string, partition int32, offset int64, metadata string) {
	s.ConsumerGroupSession.ResetOffset(topic, partition, offset, metadata)
	s.watch.reset(topic, partition, offset)
}

func (s *observedSession) Commit() {
	start := time.Now()
	s.ConsumerGroupSession.Commit()
	if s.obs.Committed != nil {
		s.obs.Committed(time.Since(start))
	}
}

// BadRecord is the problem that a program cannot read a record. It names the record and the way past it.
func BadRecord(m *sarama.ConsumerMessage, cause error) error {
	return &problem.Problem{Cause: cause,
		What: i18n.Text{EN: "the record at %s, partition %d, offset %d cannot be read", KO: "%s 토픽 %d번 파티션 오프셋 %d의 레코드를 읽을 수 없습니다"}.With(m.Topic, m.Partition, m.Offset),
		Solve: []i18n.Text{
			i18n.Text{EN: "look at it: lab consume --topic %s --partition %d --offset %d --max-messages 1", KO: "내용을 확인하세요: lab consume --topic %s --partition %d --offset %d --max-messages 1"}.With(m.Topic, m.Partition, m.Offset),
			i18n.Text{EN: "skip it on purpose: lab group reset-offsets --group GROUP --topic %s:%d --to-offset %d --execute", KO: "의도적으로 건너뛰려면: lab group reset-offsets --group GROUP --topic %s:%d --to-offset %d --execute"}.With(m.Topic, m.Partition, m.Offset+1),
		}}
}
