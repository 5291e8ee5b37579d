package remedy

import (
	"strings"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
)

// Retrying says in a line what has failed and will be tried again: see [kafka.Faults].
func Retrying(err error) i18n.Text {
	cause, _, _ := strings.Cut(err.Error(), "\n") // sarama has a line for each broker
	if kafka.IsGone(err) {
		return i18n.Text{EN: "a broker does not answer, waiting for it (%s)", KO: "브로커가 응답하지 않습니다. 다시 응답하기를 기다립니다 (%s)"}.With(cause)
	}
	return i18n.Text{EN: "error, will try again: %s", KO: "오류, 다시 시도합니다: %s"}.With(cause)
}
