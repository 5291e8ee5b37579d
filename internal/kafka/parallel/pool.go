package parallel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"kafkahandson/internal/kafka"

	"github.com/IBM/sarama"
)

// pool is what runs during one session of the member: the workers, and the claims whose records they handle.
type pool struct {
	options Options

	mu      sync.Mutex
	claims  map[*claim]struct{}
	ready   claimList     // which have a record to start
	failure chan struct{} // closed when a record failed
	failed  bool          // then nothing is started any more
	stopped bool          // the workers end

	work   *sync.Cond // for idle workers: there is something ready, or stopped
	idle   int        // workers that wait for work
	waking bool       // one of them is on its way; it wakes the next if there is more to do

	stopCommits context.CancelFunc
	goroutines  sync.WaitGroup
}

// claim is one partition of the session. pool.mu guards what changes.
type claim struct {
	topic     string
	partition int32
	ctx       context.Context              // of Handle
	enough    int                          // a full window is read into again when this much is free
	errors    <-chan *sarama.ConsumerError // sarama's of the partition, nil if they cannot be seen

	window  *window
	listed  bool          // in pool.ready
	next    *claim        // there
	full    bool          // reading waits for room
	room    chan struct{} // cap 1: there is room again
	ending  bool          // reading has ended
	drained chan struct{} // closed when the claim is ending and quiet
	err     error         // of the first record that failed
}

func startPool(o Options, s sarama.ConsumerGroupSession) *pool {
	p := &pool{options: o, claims: map[*claim]struct{}{}, failure: make(chan struct{})}
	p.work = sync.NewCond(&p.mu)
	for range o.Workers {
		p.goroutines.Go(p.handleRecords)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	p.stopCommits = cancel
	p.goroutines.Go(func() { p.commitPeriodically(ctx, s) })
	return p
}

func (p *pool) stop() {
	p.stopCommits()
	p.mu.Lock()
	p.stopped = true
	p.work.Broadcast()
	p.mu.Unlock()
	p.goroutines.Wait()
}

// consume reads a claim until it or the session ends or a record fails, and finishes what is in flight.
func (p *pool) consume(s sarama.ConsumerGroupSession, sc sarama.ConsumerGroupClaim) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	defer cancel()
	c := &claim{
		topic:     sc.Topic(),
		partition: sc.Partition(),
		ctx:       ctx,
		enough:    (p.options.MaxInFlight + 3) / 4,
		window:    newWindow(p.options.Mode, p.options.MaxInFlight),
		room:      make(chan struct{}, 1),
		drained:   make(chan struct{}),
	}
	if sees, ok := sc.(interface {
		Errors() <-chan *sarama.ConsumerError
	}); ok {
		c.errors = sees.Errors()
	}
	p.mu.Lock()
	p.claims[c] = struct{}{}
	p.mu.Unlock()

	p.read(s.Context(), c, sc.Messages())
	p.drain(c, cancel)
	p.commit(s, c) // here and not at the session's end: in a cooperative rebalance the session goes on

	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.claims, c)
	return c.err
}

// batchSize is how many records, of those that have arrived, are read before they are given to the workers together.
const batchSize = 64

// read reads records into the window.
func (p *pool) read(ctx context.Context, c *claim, messages <-chan *sarama.ConsumerMessage) {
	batch := make([]*sarama.ConsumerMessage, 0, batchSize)
	for {
		room, ok := p.add(ctx, c, batch)
		if !ok {
			return
		}
		batch = batch[:0]
		select {
		case m, ok := <-messages:
			if !ok {
				return
			}
			batch = append(batch, m)
		case <-ctx.Done():
			return
		case <-p.failure:
			return
		}
	arrived:
		for len(batch) < min(room, batchSize) {
			select {
			case m, ok := <-messages:
				if !ok {
					break arrived // the next receive says so again
				}
				batch = append(batch, m)
			default:
				break arrived
			}
		}
	}
}

// add puts records into the window, for which there is room, and waits until there is room for more. It returns how
// much there is, or false if nothing more may be read.
func (p *pool) add(ctx context.Context, c *claim, batch []*sarama.ConsumerMessage) (room int, ok bool) {
	p.mu.Lock()
	if p.failed || ctx.Err() != nil {
		p.mu.Unlock()
		return 0, false
	}
	for _, m := range batch {
		c.window.add(m)
	}
	p.list(c)
	p.wake()
	room = c.window.room()
	c.full = room == 0
	p.mu.Unlock()
	if room > 0 {
		return room, true
	}
	for {
		select {
		case <-c.room:
			return c.enough, true
		case <-ctx.Done():
			return 0, false
		case <-p.failure:
			return 0, false
		case err, ok := <-c.errors:
			// A cooperative rebalance that takes the partition away closes Messages, which cannot be seen before what it
			// has buffered is read, and Errors beside it. An error that comes instead is told as sarama tells those that
			// nobody asks for.
			if !ok {
				return 0, false
			}
			sarama.Logger.Println(err)
		}
	}
}

// drain waits until what has been started, and what lies below it, is done. When the time is over it cancels the
// records that still run and waits for their end.
func (p *pool) drain(c *claim, cancel context.CancelFunc) {
	timeout := time.NewTimer(p.options.DrainTimeout)
	defer timeout.Stop()
	p.mu.Lock()
	c.ending = true
	c.window.forget()
	p.settle(c)
	p.mu.Unlock()
	select {
	case <-c.drained:
		return
	case <-timeout.C:
	}
	p.mu.Lock()
	cancel() // under the lock: each error comes from before it or from after it
	c.window.halt()
	p.settle(c)
	p.mu.Unlock()
	<-c.drained
}

// handleRecords is a worker.
func (p *pool) handleRecords() {
	p.mu.Lock()
	for {
		c := p.nextReady()
		if c == nil {
			if p.stopped {
				p.mu.Unlock()
				return
			}
			p.idle++
			p.work.Wait()
			p.idle--
			p.waking = false
			continue
		}
		i, m := c.window.start()
		p.list(c)
		p.wake()
		p.mu.Unlock()

		err := p.options.Handle(c.ctx, m)

		p.mu.Lock()
		p.finish(c, i, m, err)
	}
}

// finish takes the result of a record.
func (p *pool) finish(c *claim, i int, m *sarama.ConsumerMessage, err error) {
	switch {
	case err == nil:
		c.window.finish(i)
		p.list(c)
		if c.full && c.window.room() >= c.enough {
			c.full = false
			c.room <- struct{}{}
		}
	case c.ctx.Err() != nil: // cancelled: the error says only that the record is not done
		c.window.fail()
	default:
		c.window.fail()
		switch record := (*kafka.RecordError)(nil); {
		case c.err != nil: // there was another one before
		case errors.As(err, &record): // it names the place itself
			c.err = err
		default:
			c.err = fmt.Errorf("handle the record at %s, partition %d, offset %d: %w", m.Topic, m.Partition, m.Offset, err)
		}
		p.fail()
	}
	p.settle(c)
}

// fail makes that no record is started any more.
func (p *pool) fail() {
	if p.failed {
		return
	}
	p.failed = true
	close(p.failure)
	for c := range p.claims {
		c.window.halt()
		p.settle(c)
	}
}

// settle tells an ending claim when it is quiet.
func (p *pool) settle(c *claim) {
	if c.ending && c.window.quiet() {
		c.ending = false
		close(c.drained)
	}
}

// wake wakes a worker if there is something to do. One worker wakes the next, so that few wake up for a little work.
func (p *pool) wake() {
	if p.ready.first != nil && p.idle > 0 && !p.waking {
		p.waking = true
		p.work.Signal()
	}
}

// list puts a claim that has a ready record at the end of the list.
func (p *pool) list(c *claim) {
	if !c.listed && c.window.hasReady() {
		c.listed = true
		p.ready.push(c)
	}
}

// nextReady takes the first claim with a ready record off the list: the partitions take turns.
func (p *pool) nextReady() *claim {
	for {
		c := p.ready.pop()
		if c == nil {
			return nil
		}
		c.listed = false
		if c.window.hasReady() { // else it was halted
			return c
		}
	}
}

// claimList is a queue of claims.
type claimList struct{ first, last *claim }

func (l *claimList) push(c *claim) {
	if l.first == nil {
		l.first = c
	} else {
		l.last.next = c
	}
	l.last = c
}

func (l *claimList) pop() *claim {
	c := l.first
	if c != nil {
		l.first, c.next = c.next, nil
	}
	return c
}

func (p *pool) commitPeriodically(ctx context.Context, s sarama.ConsumerGroupSession) {
	tick := time.NewTicker(p.options.CommitInterval)
	defer tick.Stop()
	var claims []*claim
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			claims = slices.AppendSeq(claims[:0], maps.Keys(p.claims))
			p.mu.Unlock()
			p.commit(s, claims...)
		case <-ctx.Done():
			return
		}
	}
}

// commit marks and commits the highest committable offsets. sarama sends nothing if they are committed already.
func (p *pool) commit(s sarama.ConsumerGroupSession, claims ...*claim) {
	for _, c := range claims {
		p.mu.Lock()
		offset := c.window.committable
		p.mu.Unlock()
		if offset >= 0 { // not under the lock: sarama has its own
			s.MarkOffset(c.topic, c.partition, offset, "")
		}
	}
	s.Commit()
}
