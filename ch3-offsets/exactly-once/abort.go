package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// abort ends a transaction that failed: until it has ended, nobody reads on with read_committed.
func (h *handler) abort(producer sarama.SyncProducer, cause error) error {
	if producer.TxnStatus()&sarama.ProducerTxnFlagFatalError == 0 { // after a fatal error it can only be closed
		if err := producer.AbortTxn(); err != nil {
			cause = errors.Join(cause, fmt.Errorf("abort the transaction: %w", err))
		}
	}
	if fenced(cause) {
		h.program.Observe(i18n.Text{}, observation.Fenced{})
		return takenOver() // whoever has the transactional id now has aborted, or will
	}
	return cause
}

// takenOver is the problem for a zombie to end with.
func takenOver() error {
	return &problem.Problem{
		What:  i18n.Text{EN: "fenced off: the cluster took this program for dead, and takes nothing more from it", KO: "차단되었습니다(fenced): 클러스터가 이 프로그램을 죽은 것으로 보고 더는 아무것도 받지 않습니다"},
		Solve: []i18n.Text{{EN: "let it end: whoever has its partitions now goes on where the group has committed. If nobody has, start it again", KO: "그대로 종료되게 두세요. 지금 그 파티션을 가진 프로그램이 그룹이 커밋한 곳부터 이어서 합니다. 아무도 없다면 다시 시작하세요"}},
	}
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
