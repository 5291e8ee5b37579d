// Command no-transaction is ch3-offsets/idempotent-consumer with a defect: it remembers a message, and does the work
// then, without a transaction around the two.
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

type Welcome struct {
	ID         uint64
	GreetingID int64
	Name       string
}

type ConsumedMessage struct {
	EventID         string `gorm:"primaryKey;size:64"`
	TimeOfReceiving time.Time
}

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	group := p.String("group", "", i18n.Verbatim("group"))
	p.String("dedup", "", i18n.Verbatim("ignored"))
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return p.WithMySQL(ctx, []any{&Welcome{}, &ConsumedMessage{}}, func(db *gorm.DB) error {
		return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, &handler{p, db}, p.Observer(*group))
	})
}

type handler struct {
	*program.Program
	db *gorm.DB
}

func (h *handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (h *handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return err
		}
		memory := &ConsumedMessage{EventID: strconv.FormatInt(g.ID, 10), TimeOfReceiving: time.Now()}
		insert := h.db.Clauses(clause.OnConflict{DoNothing: true}).Create(memory)
		if insert.Error != nil {
			return insert.Error
		}
		if insert.RowsAffected == 0 {
			h.Duplicate(m, g)
		} else {
			h.CrashPoint("between-inserts")
			if err := h.db.Create(&Welcome{GreetingID: g.ID, Name: g.Name}).Error; err != nil {
				return err
			}
			h.Handled(m, g)
		}
		h.CrashPoint("after-handle")
		s.MarkMessage(m, "")
		s.Commit()
	}
	return nil
}
