package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"
)

// forgotten is how long a fault must not be seen to be news again. It is longer than the pauses between two tries.
const forgotten = 30 * time.Second

// faults tells each fault once, however often it is seen. It is safe for concurrent use.
type faults struct {
	tell func(error) // nil: nobody

	mu   sync.Mutex
	last map[string]time.Time // when a fault was seen last
}

func (f *faults) seen(err error) {
	if f.tell == nil {
		return
	}
	fault := faultOf(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	last, known := f.last[fault]
	if f.last == nil {
		f.last = map[string]time.Time{}
	}
	f.last[fault] = time.Now()
	if !known || time.Since(last) > forgotten {
		f.tell(err)
	}
}

// faultOf is what errors of the same fault have in common: the broker's code, or that a broker is gone.
func faultOf(err error) string {
	var code sarama.KError
	var network net.Error
	switch {
	case errors.As(err, &code):
		switch code {
		case sarama.ErrBrokerNotAvailable, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrReplicaNotAvailable,
			sarama.ErrRequestTimedOut, sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotCoordinatorForConsumer, sarama.ErrOffsetsLoadInProgress:
			return "gone" // others take its place, or it comes again
		}
		return code.Error()
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, sarama.ErrOutOfBrokers),
		errors.Is(err, sarama.ErrNotConnected), errors.Is(err, sarama.ErrClosedClient), errors.Is(err, sarama.ErrControllerNotAvailable):
		return "gone"
	}
	return err.Error()
}
