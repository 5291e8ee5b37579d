package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

// abort ends a transaction that failed: until it has ended, nobody reads on with read_committed.
func (h *handler) abort(producer sarama.SyncProducer, cause error) error {
	if fenced(cause) {
		cause = h.program.Fenced(cause)
	}
	if producer.TxnStatus()&sarama.ProducerTxnFlagFatalError != 0 {
		return cause // this producer can end nothing any more: whoever has its id now has done it
	}
	if err := producer.AbortTxn(); err != nil {
		return errors.Join(cause, fmt.Errorf("abort the transaction: %w", err))
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
