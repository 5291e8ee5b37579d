package main

import (
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
)

// send makes the answer to a greeting and sends it.
func (h *handler) send(producer sarama.SyncProducer, m *sarama.ConsumerMessage) error {
	g, err := greeting.Decode(m.Value)
	if err != nil {
		return kafka.BadRecord(m, err)
	}
	g.Content = fmt.Sprintf("Hello %s!", g.Name)
	value, err := g.Encode()
	if err != nil {
		return err
	}
	out := &sarama.ProducerMessage{Topic: h.to, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(value)}
	if _, _, err := producer.SendMessage(out); err != nil {
		return fmt.Errorf("answer greeting %d: %w", g.ID, err)
	}
	h.program.Observe(i18n.Text{EN: "sent    p%d@%-3d → p%d@%-3d key=%s %s", KO: "보냄 p%d@%-3d → p%d@%-3d key=%s %s"}.
		With(m.Partition, m.Offset, out.Partition, out.Offset, g.Key(), g), observation.Derived{ID: g.MessageID(), Topic: out.Topic, Partition: out.Partition, Offset: out.Offset})
	return nil
}
