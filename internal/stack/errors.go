package stack

import (
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
}

func (e *NoKafkaError) Error() string {
	return fmt.Sprintf("no Kafka (%s): %s", e.Kind, i18n.Join(e.Tried, "; ").EN)
}
