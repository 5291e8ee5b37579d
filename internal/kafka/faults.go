package kafka

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

// forgotten is how long a fault must not be seen to be news again. It is longer than the pauses between two tries.
const forgotten = 30 * time.Second

// Faults tells each fault of a cluster once, however often it is seen and whatever fails because of it: a broker that is
// gone is one fault. It is news again once it has not been seen for 30 s, or after [Faults.Over]. It is safe for concurrent
// use.
type Faults struct {
	// Tell is told, from the goroutine that has seen the fault. Default: nobody.
	Tell func(error)

	mu   sync.Mutex
	last map[string]time.Time // when a fault was seen last
}

// Seen takes in an error that will be tried again.
func (f *Faults) Seen(err error) {
	if f.Tell == nil {
		return
	}
	fault, now := faultOf(err), time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.last, func(_ string, last time.Time) bool { return now.Sub(last) > forgotten })
	_, known := f.last[fault]
	if f.last == nil {
		f.last = map[string]time.Time{}
	}
	f.last[fault] = now
	if !known {
		f.Tell(err)
	}
}

// Over says that all is well again.
func (f *Faults) Over() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.last)
}

// IsGone tells whether an error says that a broker does not answer, or cannot be reached: others take its place, or it
// comes again.
func IsGone(err error) bool { return faultOf(err) == gone }

// gone is the fault that a broker does not answer.
const gone = "gone"

// faultOf is what errors of the same fault have in common: the broker's code, or that a broker is gone.
func faultOf(err error) string {
	var code sarama.KError
	var network net.Error
	switch {
	case errors.As(err, &code):
		switch code {
		case sarama.ErrBrokerNotAvailable, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrReplicaNotAvailable,
			sarama.ErrRequestTimedOut, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrOffsetsLoadInProgress:
			return gone
		}
		return code.Error()
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, sarama.ErrOutOfBrokers),
		errors.Is(err, sarama.ErrNotConnected), errors.Is(err, sarama.ErrClosedClient), errors.Is(err, sarama.ErrControllerNotAvailable):
		return gone
	}
	return err.Error()
}
