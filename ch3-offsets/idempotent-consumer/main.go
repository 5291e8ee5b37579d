// Command idempotent-consumer welcomes people, once each, although their greeting may come more than once. How it knows
// whom it has welcomed:
//
//	-dedup none     it does not
//	-dedup memory   in a map of this process
//	-dedup mysql    in a table, written in the same transaction as the welcome itself
package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"gorm.io/gorm"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/program"
)

// Welcome is the effect: a row each time somebody is welcomed. Nothing stops it from being written twice.
type Welcome struct {
	ID         uint64
	GreetingID int64
	Name       string
}

// ConsumedMessage remembers the events that have had their effect. The primary key refuses the second one.
type ConsumedMessage struct {
	EventID         string `gorm:"primaryKey;size:64"`
	TimeOfReceiving time.Time
}

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "idempotent-consumer writes a row for each greeting, once.", KO: "idempotent-consumer는 인사말마다 행을 한 번만 씁니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	group := p.Group("test-consumer-group")
	dedup := p.Choice("dedup", i18n.Text{EN: "`where` to remember what is done", KO: "끝난 일을 기억할 곳 (`where`)"}, inMySQL, inMemory, none)
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest

	return p.WithMySQL(ctx, []any{&Welcome{}, &ConsumedMessage{}}, func(db *gorm.DB) error {
		h := &handler{program: p, db: db, dedup: *dedup, seen: map[int64]bool{}}
		return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, h, p.Observer(*group))
	})
}

const (
	none     = "none"
	inMemory = "memory"
	inMySQL  = "mysql"
)

type handler struct {
	kafka.HandlerDefaults
	program *program.Program
	db      *gorm.DB
	dedup   string

	mu   sync.Mutex // the partitions' goroutines share the map
	seen map[int64]bool
}

func (h *handler) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		g, err := greeting.Decode(m.Value)
		if err != nil {
			return kafka.BadRecord(m, err)
		}
		first, err := h.welcome(s.Context(), g)
		if err != nil && s.Context().Err() != nil {
			return nil // a rebalance, or Ctrl-C: not marked, so it comes again, to whoever has the partition then
		}
		if err != nil {
			return err // not marked: it comes again, and that is no harm
		}
		if first {
			h.program.Handled(m, g)
		} else {
			h.program.Duplicate(m, g)
		}
		h.program.CrashPoint("after-handle")

		s.MarkMessage(m, "")
		s.Commit()
	}
	return nil
}

// welcome has its effect, and returns false if it had it before.
func (h *handler) welcome(ctx context.Context, g greeting.Greeting) (first bool, err error) {
	db := h.db.WithContext(ctx)
	effect := &Welcome{GreetingID: g.ID, Name: g.Name}
	switch h.dedup {
	case inMemory:
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.seen[g.ID] {
			return false, nil
		}
		if err := db.Create(effect).Error; err != nil {
			return false, err
		}
		h.seen[g.ID] = true // only now: what failed comes again, and must not look like a duplicate then
		return true, nil
	case inMySQL:
		duplicate := false
		err := db.Transaction(func(tx *gorm.DB) error {
			// The memory first. The primary key refuses a duplicate here, before there is any work to be undone.
			memory := &ConsumedMessage{EventID: strconv.FormatInt(g.ID, 10), TimeOfReceiving: time.Now()}
			if err := tx.Create(memory).Error; err != nil {
				duplicate = errors.Is(err, gorm.ErrDuplicatedKey)
				return err
			}
			h.program.CrashPoint("between-inserts")
			return tx.Create(effect).Error // both rows, or neither
		})
		if duplicate {
			return false, nil
		}
		return err == nil, err
	}
	return true, db.Create(effect).Error
}
