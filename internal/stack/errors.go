package stack

import (
	"errors"
	"fmt"

	"kafkahandson/internal/i18n"
)

// KindError is a word that names no stack.
type KindError struct{ Value string }

func (e *KindError) Error() string { return fmt.Sprintf("unknown stack %q", e.Value) }

// NoKafkaError tells that there is no Kafka of a kind.
type NoKafkaError struct {
	Kind   Kind
	ForRun bool        // a lesson's run needs it; otherwise a program does
	Tried  []i18n.Text // what was tried, for people
	// Silent is the Kafka that `lab up --embedded` keeps up and that does not answer; nil if there is no such.
	Silent *SilentError
}

func (e *NoKafkaError) Error() string {
	return fmt.Sprintf("no Kafka (%s): %s", e.Kind, i18n.Join(e.Tried, "; ").EN)
}

func (e *NoKafkaError) Unwrap() error {
	if e.Silent == nil {
		return nil
	}
	return e.Silent
}

// ErrNotKept says that no embedded Kafka is kept up.
var ErrNotKept = errors.New("no embedded Kafka is kept up")

// SilentError is an embedded Kafka that is kept up and does not answer: somebody may have suspended it.
type SilentError struct {
	PID int // of its process
}

func (e *SilentError) Error() string { return e.Text().EN }

// Text is what Error says, in both languages.
func (e *SilentError) Text() i18n.Text {
	return i18n.Text{EN: "lab up --embedded runs (pid %d), but does not answer", KO: "lab up --embedded가 실행 중이지만(pid %d) 응답하지 않습니다"}.With(e.PID)
}
