package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/cenkalti/backoff/v5"
)

// HandlerDefaults are the Setup and Cleanup of a [sarama.ConsumerGroupHandler] that has nothing to do in them: embed it, and
// write ConsumeClaim.
type HandlerDefaults struct{}

func (HandlerDefaults) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (HandlerDefaults) Cleanup(sarama.ConsumerGroupSession) error { return nil }

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
	// Error: something failed that the loop recovers from by itself. Each fault is told once until the member has joined
	// again: see [Faults].
	Error func(err error)
}

// ConsumeGroup joins a consumer group and hands records to the handler, generation after generation, until ctx ends;
// then it finishes the session, leaves the group and returns nil.
//
// It owns what surrounds sarama's ConsumerGroup: the connection, the loop around Consume, the Errors channel, backoff
// (250 ms, growing to 5 s) after failures of the cluster. What time does not cure ends it with a [*MemberRefusedError]:
// a static member whose place another has taken, a strategy that the others do not know, no permission. An error that
// handler.ConsumeClaim or handler.Setup returns is the program's own: the member leaves the group, nothing more is
// handled, and ConsumeGroup returns the error with the topic and partition it came from. The record it concerns is not
// marked, so it is delivered again after a restart.
//
// sc.Consumer.Offsets.Initial must be set by the caller. A missing topic is a [*TopicNotFoundError]; the errors of
// connecting are those of [NewClient].
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

	ctx, stop := context.WithCancelCause(ctx)
	faults := &Faults{Tell: obs.Error}
	failed := func(err error) {
		switch claim := (*claimError)(nil); {
		case errors.As(err, &claim): // a handler's own error is returned, not told
		case isFinal(err):
			stop(&MemberRefusedError{Group: group, InstanceID: own.Consumer.Group.InstanceId, Err: err})
		default:
			faults.Seen(err)
		}
	}

	var wg sync.WaitGroup
	wg.Go(func() {
		for err := range member.Errors() {
			failed(err)
		}
	})
	wg.Go(func() { watch.run(ctx, client) })
	defer func() {
		stop(nil)
		_ = member.Close() // if leaving fails, the coordinator misses this member after its session timeout
		wg.Wait()
	}()

	wg.Go(func() {
		<-ctx.Done()
		if !watch.consuming() { // JoinGroup may wait for others, as long as a dead member's session lasts
			dialer.breakAll()
		}
	})
	observed := &observedHandler{group: group, handler: handler, obs: obs, watch: watch, faults: faults, stop: stop}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 250*time.Millisecond, 5*time.Second
	for {
		watch.joining()
		err := member.Consume(ctx, topics, observed)
		if err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("consume in group %s: %w", group, err))
		}
		if ctx.Err() != nil {
			return ended(ctx)
		}
		if err == nil { // a rebalance: join the next generation
			pause.Reset()
			continue
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// ended is the error that has ended a member, nil if its caller has.
func ended(ctx context.Context) error {
	var claim *claimError
	var refused *MemberRefusedError
	switch cause := context.Cause(ctx); {
	case errors.As(cause, &claim):
		return claim
	case errors.As(cause, &refused):
		return refused
	}
	return nil
}

func requireTopics(client sarama.Client, topics []string) error {
	for _, topic := range topics {
		err := client.RefreshMetadata(topic)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) || errors.Is(err, sarama.ErrInvalidTopic) {
			return &TopicNotFoundError{Topic: topic, Err: err}
		}
		if err != nil {
			return fmt.Errorf("look up topic %s: %w", topic, err)
		}
	}
	return nil
}

// claimError is an error of the handler, with the place it came from.
type claimError struct {
	where string
	err   error
}

func (e *claimError) Error() string {
	if e.where == "" {
		return e.err.Error()
	}
	return e.where + ": " + e.err.Error()
}
func (e *claimError) Unwrap() error { return e.err }

// observedHandler is the program's handler with an observer around it.
type observedHandler struct {
	group   string
	handler sarama.ConsumerGroupHandler
	faults  *Faults
	obs     GroupObserver
	watch   *idleWatch
	stop    context.CancelCauseFunc
}

func (h *observedHandler) Setup(s sarama.ConsumerGroupSession) error {
	h.faults.Over() // the coordinator answers
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
	if record := (*RecordError)(nil); errors.As(err, &record) { // it names the place itself
		claim.where, record.Group = "", h.group
	}
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
