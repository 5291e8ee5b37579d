package admin

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
)

// The embedded Kafka takes settings that a broker refuses.
func TestTopicErrorHasAType(t *testing.T) {
	for code, isTyped := range map[sarama.KError]func(error) bool{
		sarama.ErrUnknownTopicOrPartition: func(err error) bool { return errors.As(err, new(*kafka.TopicNotFoundError)) },
		sarama.ErrTopicAlreadyExists:      func(err error) bool { return errors.As(err, new(*TopicExistsError)) },
		sarama.ErrInvalidTopic:            func(err error) bool { return errors.As(err, new(*TopicNameError)) },
		sarama.ErrInvalidConfig:           func(err error) bool { return errors.As(err, new(*TopicConfigError)) },
	} {
		if err := topicError("create", "t", &sarama.TopicError{Err: code}); !isTyped(err) || !errors.Is(err, code) {
			t.Errorf("%v became %#v", code, err)
		}
	}
}
