package main

import (
	"context"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

// A rebalance may come before there is a producer. That is no error: the next session makes one.
func TestASessionThatIsOverIsNoError(t *testing.T) {
	p := &program.Program{Kafka: kafka.Config{Brokers: []string{"127.0.0.1:1"}}}
	config, err := p.Kafka.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := &handler{program: p, config: *config, transactions: true}
	if err := h.ConsumeClaim(session{ctx: ctx}, claim{}); err != nil {
		t.Error(err)
	}
}

type session struct {
	sarama.ConsumerGroupSession
	ctx context.Context
}

func (s session) Context() context.Context { return s.ctx }

type claim struct{ sarama.ConsumerGroupClaim }

func (claim) Topic() string    { return "my-json-topic" }
func (claim) Partition() int32 { return 0 }
