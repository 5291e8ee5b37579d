package kafka

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
)

// errOver stands for the end of all faults.
var errOver = errors.New("all is well")

// TestFaultIsToldOnce lets faults be seen at some seconds; each is told once, and again when it had been forgotten.
func TestFaultIsToldOnce(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, test := range map[string]struct {
		seen []error // one a second
		told []int   // which of them
	}{
		"a broker that is gone":  {[]error{io.EOF, refused, fmt.Errorf("consume: %w", sarama.ErrOutOfBrokers), sarama.ErrConsumerCoordinatorNotAvailable, refused}, []int{0}},
		"two faults":             {[]error{refused, sarama.ErrUnknownMemberId, refused, sarama.ErrUnknownMemberId}, []int{0, 1}},
		"two codes":              {[]error{sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration}, []int{0, 1}},
		"others":                 {[]error{errors.New("a"), errors.New("b"), errors.New("a")}, []int{0, 1}},
		"news after it was over": {[]error{refused, io.EOF, errOver, refused, refused}, []int{0, 3}},
		"news after 30 s":        {append(append([]error{refused}, make([]error, 30)...), refused), []int{0, 31}},
		"no news while it lasts": {[]error{refused, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, refused, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, refused}, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []int
				now := 0
				f := &Faults{Tell: func(error) { told = append(told, now) }}
				for i, err := range test.seen {
					now = i
					switch {
					case errors.Is(err, errOver):
						f.Over()
					case err != nil:
						f.Seen(err)
					}
					time.Sleep(time.Second) // of synctest's clock: no time passes
				}
				if !slices.Equal(told, test.told) {
					t.Errorf("told %v, want %v", told, test.told)
				}
			})
		})
	}
}
