// Package parallel handles the records of a consumer group member concurrently, beyond one at a time for each
// partition, and still loses none: it commits an offset only when every record before it is done.
//
//	handler, err := parallel.New(parallel.Options{Handle: handle, Workers: 64})
//	…
//	err = kafka.ConsumeGroup(ctx, cfg, config, group, topics, handler, observer)
//
// The terms are those of Confluent's Parallel Consumer (https://github.com/confluentinc/parallel-consumer): the modes
// UNORDERED, PARTITION and KEY, and the highest committable offset, which is the offset up to which all records of a
// partition are done.
//
// # Order
//
//   - [Key]: the records of one key in one partition are handled one after another, in offset order. Records without
//     a key count as one key, as in Confluent's; an empty key is no key.
//   - [Partition]: so are all records of one partition.
//   - [Unordered]: no order.
//
// "After another" means that Handle has returned nil for the one before the next is started.
//
// # At least once
//
// The highest committable offset of each partition is marked and committed every CommitInterval and when the partition
// is given up. What was done above it is handled again after a crash: at most the last CommitInterval and MaxInFlight
// records of each partition. sarama's own AutoCommit may be on or off; it finds no marks but these.
//
// # The end of a session
//
// At a rebalance and at the end of the group's context the claims stop reading. So that a calm end repeats nothing,
// records that lie below one that has been started are still handled; the others are as if they had never been read.
// What is not done within DrainTimeout is cancelled through its context, is not committed and comes again. The claim
// waits until Handle has returned from it: nothing runs on after a session.
//
// So it is for a partition that a cooperative rebalance takes away, with one difference: sarama says so only by closing
// the Messages channel, and what it has buffered there (ChannelBufferSize, 256 records) is read before, as far as there
// is room.
//
// # The first error
//
// An error of Handle is fatal, so decide inside Handle what is retried, sent to a dead letter topic or skipped. No
// further record is started, those that run are finished as above, what is done without a gap is committed, and
// ConsumeClaim returns the error with the record's topic, partition and offset.
//
// # Back-pressure
//
// A claim holds MaxInFlight records at most. Then it leaves the rest in its Messages channel until there is room for a
// quarter of that. It does not pause the partition, because sarama does so by itself and better: when nothing is taken from
// Messages for Consumer.MaxProcessingTime (up to twice that), the partition is left out of the fetches until what has
// been fetched is taken, and its neighbours on the same broker go on. This is not a rebalance, and nothing is lost or
// repeated. Reading in gulps of a quarter matters: who takes one record now and then from a full partition never
// reaches that time, and keeps all partitions of the broker waiting for the slowest. Pausing would stop only further
// fetches; what has already been fetched, up to Consumer.Fetch.Default bytes, would still wait for the claim to take it
// and run into the same time. While all partitions of a broker are paused, sarama also looks only ten times a second
// whether one is resumed.
package parallel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// Mode says which records are handled in order.
type Mode string

// The modes of Confluent's Parallel Consumer.
const (
	Key       Mode = "key"
	Partition Mode = "partition"
	Unordered Mode = "unordered"
)

// Options configure a [Handler].
type Options struct {
	// Handle does the work for one record. It is called by several goroutines at once; nil means that the record is
	// done. ctx outlives the session's: it ends when DrainTimeout is over, and then Handle must return soon. Required.
	Handle func(ctx context.Context, m *sarama.ConsumerMessage) error
	// Mode is what is handled in order. Default: Key.
	Mode Mode
	// Workers is how many records are handled at the same time, over all partitions of the member. Default: 16.
	Workers int
	// MaxInFlight is how many records of one partition may be in flight: from the first that is not done to the last
	// that was read. Several times Workers keeps them busy when the load of keys and partitions is uneven.
	// Default: 16 times Workers.
	MaxInFlight int
	// CommitInterval is the time between commits. Default: 1 s, as sarama's AutoCommit.Interval.
	CommitInterval time.Duration
	// DrainTimeout is how long started records may take to finish when a session ends. It must be well below
	// Consumer.Group.Rebalance.Timeout (sarama's default: 60 s), after which the group goes on without the member.
	// Default: 10 s.
	DrainTimeout time.Duration
}

// Handler is a [sarama.ConsumerGroupHandler] for one member of a consumer group. It may serve one session after
// another, but not two members.
type Handler struct {
	options Options
	pool    *pool // between Setup and Cleanup
}

// New returns a handler. It fails if an option is out of range.
func New(o Options) (*Handler, error) {
	o.Mode = cmp.Or(o.Mode, Key)
	o.Workers = cmp.Or(o.Workers, 16)
	o.MaxInFlight = cmp.Or(o.MaxInFlight, 16*o.Workers)
	o.CommitInterval = cmp.Or(o.CommitInterval, time.Second)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 10*time.Second)
	switch {
	case o.Handle == nil:
		return nil, errors.New("parallel: Handle is nil")
	case o.Mode != Key && o.Mode != Partition && o.Mode != Unordered:
		return nil, fmt.Errorf("parallel: unknown Mode %q", o.Mode)
	case o.Workers < 0:
		return nil, fmt.Errorf("parallel: Workers is %d", o.Workers)
	case o.MaxInFlight < 0:
		return nil, fmt.Errorf("parallel: MaxInFlight is %d", o.MaxInFlight)
	case o.CommitInterval < 0:
		return nil, fmt.Errorf("parallel: CommitInterval is %v", o.CommitInterval)
	case o.DrainTimeout < 0:
		return nil, fmt.Errorf("parallel: DrainTimeout is %v", o.DrainTimeout)
	}
	return &Handler{options: o}, nil
}

// Setup starts the workers of a session.
func (h *Handler) Setup(s sarama.ConsumerGroupSession) error {
	h.pool = startPool(h.options, s)
	return nil
}

// ConsumeClaim handles the records of one partition until the session or the claim ends, or a record fails.
func (h *Handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	return h.pool.consume(s, c)
}

// Cleanup ends the workers. All claims have ended before.
func (h *Handler) Cleanup(sarama.ConsumerGroupSession) error {
	if h.pool != nil { // there is none if the Setup of a wrapping handler failed
		h.pool.stop()
		h.pool = nil
	}
	return nil
}
