package main

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/program"
)

func newHandler(t testing.TB, dedup string) *handler {
	t.Helper()
	db, _ := mysqltest.Database(t, mysqltest.Server(t))
	if err := mysql.Migrate(t.Context(), db, &Welcome{}, &ConsumedMessage{}); err != nil {
		t.Fatal(err)
	}
	return &handler{program: &program.Program{}, db: db, dedup: dedup, seen: map[int64]bool{}}
}

// A message whose work failed comes again, and is then no duplicate.
func TestWhatFailedIsNoDuplicate(t *testing.T) {
	for _, dedup := range []string{inMemory, inMySQL} {
		t.Run(dedup, func(t *testing.T) {
			h := newHandler(t, dedup)
			g := greeting.Greeting{ID: 1, Name: "Jiwoo"}
			if err := h.db.Migrator().RenameTable("welcomes", "away"); err != nil {
				t.Fatal(err)
			}
			if _, err := h.welcome(t.Context(), g); err == nil {
				t.Fatal("written into a table that is not there")
			}
			if err := h.db.Migrator().RenameTable("away", "welcomes"); err != nil {
				t.Fatal(err)
			}
			for delivery, want := range []bool{true, false} {
				if first, err := h.welcome(t.Context(), g); first != want || err != nil {
					t.Errorf("delivery %d: first %t, %v, want %t", delivery+2, first, err, want)
				}
			}
		})
	}
}

// BenchmarkDelivery compares new messages with duplicates, which are delivered right after them, and these with duplicates
// for which the work comes first and is undone. The ratios are of one run; between computers and servers they differ.
func BenchmarkDelivery(b *testing.B) {
	h := newHandler(b, inMySQL)
	insertFirst := func(g greeting.Greeting) error {
		first, err := h.welcome(b.Context(), g)
		if err == nil && !first {
			err = gorm.ErrDuplicatedKey
		}
		return err
	}
	workFirst := func(g greeting.Greeting) error {
		return h.db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Create(&Welcome{GreetingID: g.ID, Name: g.Name}).Error; err != nil {
				return err
			}
			return tx.Create(&ConsumedMessage{EventID: strconv.FormatInt(g.ID, 10), TimeOfReceiving: time.Now()}).Error
		})
	}
	var fresh, duplicate, undone time.Duration
	deliver := func(total *time.Duration, how func(greeting.Greeting) error, g greeting.Greeting, want error) {
		start := time.Now()
		err := how(g)
		*total += time.Since(start)
		if !errors.Is(err, want) {
			b.Fatalf("%v, want %v", err, want)
		}
	}
	var g greeting.Greeting
	for b.Loop() {
		g.ID++
		deliver(&fresh, insertFirst, g, nil)
		deliver(&duplicate, insertFirst, g, gorm.ErrDuplicatedKey)
		g.ID++
		deliver(&fresh, insertFirst, g, nil)
		deliver(&undone, workFirst, g, gorm.ErrDuplicatedKey)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(fresh.Microseconds())/float64(2*b.N), "µs/new")
	b.ReportMetric(2*float64(duplicate)/float64(fresh), "duplicate/new")
	b.ReportMetric(2*float64(undone)/float64(fresh), "undone/new")
}
