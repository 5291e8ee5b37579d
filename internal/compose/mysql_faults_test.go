package compose_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/await"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// The database goes down under load, in order or by force, and comes back.
func TestRestartedMySQLKeepsWhatWasCommitted(t *testing.T) {
	s := requireStack(t)
	for name, down := range map[string][]string{
		"stopped": {"stop"},
		"killed":  {"kill", "--signal", "KILL"},
	} {
		t.Run(name, func(t *testing.T) {
			db := s.openMySQL(t)
			w := startWriters(t, db)
			t.Cleanup(func() { s.heal(t, context.Background()) }) // before the table is dropped
			w.awaitCommitted(t)

			open := db.Begin() // and stays so until the database is back
			if err := w.write(open, "open"); err != nil {
				t.Fatal(err)
			}
			docker(t, t.Context(), append(down, s.names["mysql"])...)
			w.awaitLost(t)
			var p *problem.Problem
			if _, err := mysql.Open(t.Context(), s.mysql); !errors.As(remedy.Of(err), &p) || !mysql.IsConnectionLost(err) {
				t.Errorf("opening a database that is down says %v", err)
			}

			docker(t, t.Context(), "start", s.names["mysql"])
			s.heal(t, t.Context())
			w.awaitCommitted(t) // by the same pool
			if err := open.Commit().Error; !mysql.IsConnectionLost(err) {
				t.Errorf("committing what was open while the database went down says %v", err)
			}
			w.requireStored(t, db)
		})
	}
}

func (s *stack) openMySQL(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := mysql.Open(t.Context(), s.mysql)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mysql.Close(db); err != nil {
			t.Error(err)
		}
	})
	return db
}

// writers run transactions of two rows until they are stopped, and remember what became of each.
type writers struct {
	table string
	stop  func()

	mu         sync.Mutex
	committed  []string
	rolledBack []string // on purpose, or because something failed before the COMMIT
	unknown    []string // the COMMIT failed
	errors     map[string]int
	unexpected []error // not a lost connection
}

// startWriters writes to a table of its own. Every fifth transaction is rolled back.
func startWriters(t *testing.T, db *gorm.DB) *writers {
	t.Helper()
	w := &writers{table: "faults_" + strings.ToLower(rand.Text()[:8]), errors: map[string]int{}}
	if err := db.Exec("CREATE TABLE " + w.table + " (id VARCHAR(20), part INT, PRIMARY KEY (id, part))").Error; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var writing sync.WaitGroup
	for writer := range 4 {
		writing.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond) // between transactions
			defer tick.Stop()
			for i := 1; ; i++ {
				select {
				case <-tick.C:
					w.transact(db, fmt.Sprintf("%d-%d", writer, i), i%5 == 0)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		writing.Wait()
	})
	t.Cleanup(func() {
		w.stop()
		if err := db.Exec("DROP TABLE " + w.table).Error; err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *writers) write(tx *gorm.DB, id string) error {
	for part := range 2 {
		if err := tx.Exec("INSERT INTO "+w.table+" VALUES (?, ?)", id, part).Error; err != nil {
			return err
		}
	}
	return nil
}

func (w *writers) transact(db *gorm.DB, id string, rollback bool) {
	tx := db.Begin()
	err := tx.Error
	if err == nil {
		err = w.write(tx, id)
	}
	fate := &w.rolledBack
	switch {
	case tx.Error != nil: // no transaction came about
	case err != nil:
		_ = tx.Rollback() // the connection is gone, and with it the transaction
	case rollback:
		err = tx.Rollback().Error
	default:
		fate = &w.committed
		if err = tx.Commit().Error; err != nil {
			fate = &w.unknown
		}
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	*fate = append(*fate, id)
	switch {
	case mysql.IsConnectionLost(err):
		w.errors[err.Error()]++
	case err != nil:
		w.unexpected = append(w.unexpected, err)
	}
}

// awaitCommitted waits until some more transactions are committed.
func (w *writers) awaitCommitted(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	before := len(w.committed)
	w.mu.Unlock()
	await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if more := len(w.committed) - before; more < 100 {
			return fmt.Errorf("%d more transactions are committed, want 100", more)
		}
		return nil
	})
}

// awaitLost waits until the writers have noticed that the database is down.
func (w *writers) awaitLost(t *testing.T) {
	t.Helper()
	await.NoErrorWithin(t.Context(), t, patience, func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.errors) == 0 {
			return errors.New("no connection was lost")
		}
		return nil
	})
}

// requireStored stops the writers and reads the table: all that was committed is there, and nothing that was not.
func (w *writers) requireStored(t *testing.T, db *gorm.DB) {
	t.Helper()
	w.stop()
	var rows []struct {
		ID    string
		Parts int
	}
	if err := db.Raw("SELECT id, COUNT(*) parts FROM " + w.table + " GROUP BY id").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	parts := map[string]int{}
	for _, r := range rows {
		parts[r.ID] = r.Parts
	}
	count := func(ids []string, stored int) (n int) {
		for _, id := range ids {
			if parts[id] == stored {
				n++
			}
			delete(parts, id)
		}
		return n
	}
	both, none := count(w.committed, 2), count(w.rolledBack, 0)
	var complete, absent int
	for _, id := range w.unknown {
		switch parts[id] {
		case 2:
			complete++
		case 0:
			absent++
		}
		delete(parts, id)
	}
	t.Logf("committed %d, rolled back %d, unknown %d (%d of them stored); errors %v", len(w.committed), len(w.rolledBack), len(w.unknown), complete, w.errors)
	if both != len(w.committed) || none != len(w.rolledBack) || complete+absent != len(w.unknown) || len(parts) != 0 {
		t.Errorf("stored: %d of %d committed; not stored: %d of %d rolled back; all or nothing: %d of %d unknown; besides: %v",
			both, len(w.committed), none, len(w.rolledBack), complete+absent, len(w.unknown), parts)
	}
	if len(w.unexpected) > 0 {
		t.Errorf("%d errors are not named a lost connection: %v", len(w.unexpected), w.unexpected[0])
	}
}
