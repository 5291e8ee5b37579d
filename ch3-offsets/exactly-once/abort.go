package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// abort ends a transaction that failed: until it has ended, nobody reads on with read_committed.
func (h *handler) abort(producer sarama.SyncProducer, cause error) error {
	if producer.TxnStatus()&sarama.ProducerTxnFlagFatalError == 0 { // after a fatal error it can only be closed
		if err := producer.AbortTxn(); err != nil {
			cause = errors.Join(cause, fmt.Errorf("abort the transaction: %w", err))
		}
	}
	if fenced(cause) {
		return h.program.Fenced() // whoever has the transactional id now has aborted, or will
	}
	return cause
}

// fenced tells whether this program is a zombie, for whom another one has taken over.
func fenced(err error) bool {
	for _, refusal := range []error{
		sarama.ErrProducerFenced, sarama.ErrInvalidProducerEpoch, // another producer has the transactional id
		sarama.ErrUnknownMemberId, sarama.ErrIllegalGeneration, sarama.ErrFencedInstancedId, // the group goes on without it
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}
