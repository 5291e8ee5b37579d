// Package mysqltest proves that a server keeps the promises that the course's lessons rest on. One suite runs over
// every server: the embedded MariaDB or MySQL, and the compose stack's MySQL.
package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysqld"
)

const (
	// EnvDSN is the environment variable that points the tests at a running server, in place of an embedded one.
	EnvDSN = "MYSQL_DSN_TEST"
	// EnvRequire, set to 1, makes those tests fail that are skipped where no MySQL can be had.
	EnvRequire = "KAFKAHANDSON_REQUIRE_MYSQL"
)

// event stands for a row of the outbox.
type event struct {
	ID        string `gorm:"primaryKey;size:36"`
	Aggregate string
	Claims    int
}

// counter is a row that many change.
type counter struct {
	ID    int
	Value int
}

// note has what goes wrong when character set, time zone or SQL mode are not the course's.
type note struct {
	ID        uint64
	Name      string `gorm:"size:10"`
	Content   string
	CreatedAt time.Time
}

// Need ends a test that cannot go on because of err; nil is no reason. Where no MySQL is installed and none can be
// fetched it skips the test, so that the tests run on a computer that has only Go, unless EnvRequire forbids that. On
// any other error the test fails.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, mysqld.ErrNoProgram) && os.Getenv(EnvRequire) != "1":
		t.Skipf("needs a MySQL: %v", err)
	default:
		t.Fatal(err)
	}
}

// Server returns the data source name of the server that EnvDSN names, or of an embedded one that ends with the test.
func Server(t testing.TB) (dsn string) {
	t.Helper()
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		return dsn
	}
	server, err := mysqld.Start(t.Context(), mysqld.Options{
		Dir:      t.TempDir(),
		Progress: func(s i18n.Text) { t.Log(s.EN) },
	})
	Need(t, err)
	t.Cleanup(func() {
		if err := server.Release(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.DSN()
}

// Database creates a database of its own on the server of the data source name and opens it. Both go with the test.
func Database(t testing.TB, dsn string) (*gorm.DB, mysql.Config) {
	t.Helper()
	admin := Open(t, mysql.Config{DSN: dsn})
	name := mysql.ScopedPrefix + "test_" + strconv.FormatUint(rand.Uint64(), 36)
	if err := mysql.CreateDatabase(t.Context(), admin, name); err != nil {
		t.Fatalf("%v (the user needs ALL on `campus\\_%%`.*)", err)
	}
	t.Cleanup(func() {
		if err := mysql.DropDatabase(context.Background(), admin, name); err != nil {
			t.Error(err)
		}
	})
	config, err := mysql.Config{DSN: dsn}.WithDatabase(name)
	if err != nil {
		t.Fatal(err)
	}
	return Open(t, config), config
}

// Open opens a database and closes it when the test ends.
func Open(t testing.TB, c mysql.Config) *gorm.DB {
	t.Helper()
	c.SlowThreshold = -1 // waiting for locks is what the tests do
	db, err := mysql.Open(t.Context(), c)
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

// RunConformance runs the suite against the server of a data source name, in databases of its own. The user needs all
// rights on `campus\_%`, and may see the server's variables.
func RunConformance(t *testing.T, dsn string) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, string)
	}{
		{"SkipLockedRowsAreNotWaitedFor", skipLockedIsNotWaitedFor},
		{"TwoRelaysNeverClaimTheSameRow", relaysNeverClaimTheSame},
		{"OneOfConcurrentDuplicatesIsStored", oneOfDuplicatesIsStored},
		{"DoNothingTellsWhetherTheRowIsNew", doNothingTells},
		{"NoIncrementIsLost", noIncrementIsLost},
		{"RollbackLeavesNothing", rollbackLeavesNothing},
		{"DeadlockIsNamedAndRetried", deadlockIsRetried},
		{"LockTimeoutIsNamed", lockTimeoutIsNamed},
		{"KilledSessionIsALostConnection", killedSessionIsLost},
		{"ProgramsMigrateAtTheSameTime", programsMigrateTogether},
		{"AllOfUnicodeAndTimesInUTC", unicodeAndUTC},
		{"BadValueNamesItsColumn", badValueNamesItsColumn},
		{"JSONIsReadAlike", jsonIsReadAlike},
		{"BinaryLogHasRows", binaryLogHasRows},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, dsn) })
	}
}

func newEvents(t *testing.T, db *gorm.DB, n int) {
	t.Helper()
	events := make([]event, n)
	for i := range events {
		events[i] = event{ID: fmt.Sprintf("e%03d", i), Aggregate: strconv.Itoa(i % 5)}
	}
	must(t, mysql.Migrate(t.Context(), db, &event{}))
	must(t, db.Create(&events).Error)
}

// claim is a relay's claim: the oldest rows that nobody else works on, locked until tx ends.
func claim(tx *gorm.DB, n int) ([]event, error) {
	var claimed []event
	err := tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}).Order("id").Limit(n).Find(&claimed).Error
	return claimed, err
}

func skipLockedIsNotWaitedFor(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	newEvents(t, db, 10)
	must(t, db.Transaction(func(first *gorm.DB) error {
		mine, err := claim(first, 4)
		if err != nil {
			return err
		}
		return db.Transaction(func(second *gorm.DB) error {
			if err := second.Exec("SET SESSION innodb_lock_wait_timeout = 1").Error; err != nil {
				return err
			}
			others, err := claim(second, 100)
			if err != nil {
				return fmt.Errorf("the second claim waited for the first one's rows: %w", err)
			}
			if len(mine) != 4 || len(others) != 6 {
				t.Errorf("claims of %d and %d rows, want 4 and the other 6", len(mine), len(others))
			}
			if len(others) > 0 && others[0].ID != "e004" {
				t.Errorf("the second claim begins with %s, want e004", others[0].ID)
			}
			return nil
		})
	}))
}

func relaysNeverClaimTheSame(t *testing.T, dsn string) {
	const rows = 200
	db, config := Database(t, dsn)
	newEvents(t, db, rows)

	var mu sync.Mutex
	claims := map[string]int{}
	relay := func(db *gorm.DB) error {
		for {
			var got []event
			// A relay with nothing to claim is not done: the other one may roll its rows back.
			if err := mysql.RetryDeadlock(t.Context(), db, func(tx *gorm.DB) (err error) {
				if got, err = claim(tx, 3); err != nil || len(got) == 0 {
					return err
				}
				return tx.Delete(&got).Error
			}); err != nil {
				return err
			}
			mu.Lock()
			for _, e := range got {
				claims[e.ID]++
			}
			done := len(claims) == rows
			mu.Unlock()
			if done {
				return nil
			}
		}
	}
	var relays errgroup.Group
	for range 2 {
		own := Open(t, config) // as a process of its own would
		relays.Go(func() error { return relay(own) })
	}
	must(t, relays.Wait())
	for id, n := range claims {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
}

func oneOfDuplicatesIsStored(t *testing.T, dsn string) {
	const writers = 8
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &event{}))
	errs := make([]error, writers)
	together(writers, func(i int) { errs[i] = db.Create(&event{ID: "one"}).Error })
	stored := 0
	for _, err := range errs {
		switch {
		case err == nil:
			stored++
		case !mysql.IsDuplicateKey(err):
			t.Errorf("not a duplicate key: %v", err)
		case !errors.Is(err, gorm.ErrDuplicatedKey):
			t.Errorf("not gorm's duplicated key: %v", err)
		}
	}
	if stored != 1 {
		t.Errorf("%d writers stored the row, want 1", stored)
	}
	// Past gorm's translation, too.
	pool, err := db.DB()
	must(t, err)
	if _, err := pool.ExecContext(t.Context(), "INSERT INTO events (id) VALUES ('one')"); !mysql.IsDuplicateKey(err) {
		t.Errorf("not a duplicate key: %v", err)
	}
}

func doNothingTells(t *testing.T, dsn string) {
	withFoundRows, err := driver.ParseDSN(dsn)
	must(t, err)
	withFoundRows.ClientFoundRows = true // in somebody's MYSQL_DSN
	for _, dsn := range []string{dsn, withFoundRows.FormatDSN()} {
		doNothingTellsWith(t, dsn)
	}
}

func doNothingTellsWith(t *testing.T, dsn string) {
	t.Helper()
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &event{}, &counter{}))
	for i, want := range []int64{1, 0} {
		got := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&event{ID: "one"})
		must(t, got.Error)
		if got.RowsAffected != want {
			t.Errorf("insert %d affected %d rows, want %d", i+1, got.RowsAffected, want)
		}
	}
	// A generated id makes gorm ask for it back, with RETURNING if it believes the server has it.
	for i, want := range []int64{1, 0} {
		got := db.Clauses(clause.OnConflict{DoNothing: true}).Create(&counter{ID: 7})
		must(t, got.Error)
		if got.RowsAffected != want {
			t.Errorf("insert %d with an id given affected %d rows, want %d", i+1, got.RowsAffected, want)
		}
	}
	fresh := counter{}
	must(t, db.Create(&fresh).Error)
	if fresh.ID != 8 {
		t.Errorf("generated id %d, want 8", fresh.ID)
	}
}

func noIncrementIsLost(t *testing.T, dsn string) {
	const writers, each = 8, 25
	for name, increment := range map[string]func(tx *gorm.DB) error{
		"Expression": func(tx *gorm.DB) error {
			return tx.Model(&counter{}).Where("id = 1").Update("value", gorm.Expr("value + 1")).Error
		},
		"SelectForUpdate": func(tx *gorm.DB) error {
			var c counter
			if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).First(&c, 1).Error; err != nil {
				return err
			}
			return tx.Model(&c).Update("value", c.Value+1).Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := Database(t, dsn)
			must(t, mysql.Migrate(t.Context(), db, &counter{}))
			must(t, db.Create(&counter{ID: 1}).Error)
			errs := make([]error, writers)
			together(writers, func(i int) {
				for range each {
					errs[i] = errors.Join(errs[i], mysql.RetryDeadlock(t.Context(), db, increment))
				}
			})
			must(t, errors.Join(errs...))
			var c counter
			must(t, db.First(&c, 1).Error)
			if c.Value != writers*each {
				t.Errorf("%d increments made %d", writers*each, c.Value)
			}
		})
	}
}

func rollbackLeavesNothing(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &event{}, &counter{}))
	count := func() (n int64) {
		t.Helper()
		must(t, db.Model(&event{}).Count(&n).Error)
		return n
	}
	changedMind := errors.New("changed my mind")
	err := db.Transaction(func(tx *gorm.DB) error {
		if err := errors.Join(tx.Create(&event{ID: "one"}).Error, tx.Create(&counter{ID: 1}).Error); err != nil {
			return err
		}
		if n := count(); n != 0 {
			t.Errorf("others see %d rows of a transaction that is under way", n)
		}
		return changedMind
	})
	if !errors.Is(err, changedMind) {
		t.Fatal(err)
	}
	if n := count(); n != 0 {
		t.Errorf("%d rows after the rollback", n)
	}
}

func deadlockIsRetried(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &counter{}))
	must(t, db.Create([]counter{{ID: 1}, {ID: 2}}).Error)

	// Both take one row, wait until the other has the other row, and want that one, too. Run again, they do not wait.
	var bothHaveOne sync.WaitGroup
	bothHaveOne.Add(2)
	var runs, deadlocks [2]int
	errs := make([]error, 2)
	together(2, func(i int) {
		errs[i] = mysql.RetryDeadlock(t.Context(), db, func(tx *gorm.DB) error {
			runs[i]++
			for step, id := range []int{i + 1, 2 - i} {
				err := tx.Model(&counter{}).Where("id = ?", id).Update("value", gorm.Expr("value + 1")).Error
				if mysql.IsDeadlock(err) {
					deadlocks[i]++
				}
				if err != nil {
					return err
				}
				if step == 0 && runs[i] == 1 {
					bothHaveOne.Done()
					bothHaveOne.Wait()
				}
			}
			return nil
		})
	})
	must(t, errors.Join(errs...))
	if deadlocks[0]+deadlocks[1] == 0 {
		t.Error("no deadlock was named")
	}
	var all []counter
	must(t, db.Find(&all).Error)
	for _, c := range all {
		if c.Value != 2 {
			t.Errorf("row %d was incremented %d times, want 2 (runs %v)", c.ID, c.Value, runs)
		}
	}

	other := errors.New("not a deadlock")
	calls := 0
	err := mysql.RetryDeadlock(t.Context(), db, func(*gorm.DB) error { calls++; return other })
	if !errors.Is(err, other) || calls != 1 {
		t.Errorf("another error was tried %d times and returned as %v", calls, err)
	}
	calls = 0
	err = mysql.RetryDeadlock(t.Context(), db, func(*gorm.DB) error { calls++; return &driver.MySQLError{Number: 1213} })
	if !mysql.IsDeadlock(err) || calls != 20 {
		t.Errorf("one deadlock after the other was tried %d times and returned as %v", calls, err)
	}
}

func lockTimeoutIsNamed(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &counter{}))
	must(t, db.Create(&counter{ID: 1}).Error)
	must(t, db.Transaction(func(holder *gorm.DB) error {
		if err := holder.Model(&counter{}).Where("id = 1").Update("value", 1).Error; err != nil {
			return err
		}
		for name, wait := range map[string]func(tx *gorm.DB) error{
			"wait": func(tx *gorm.DB) error {
				if err := tx.Exec("SET SESSION innodb_lock_wait_timeout = 1").Error; err != nil {
					return err
				}
				return tx.Model(&counter{}).Where("id = 1").Update("value", 2).Error
			},
			"NOWAIT": func(tx *gorm.DB) error {
				return tx.Clauses(clause.Locking{Strength: "UPDATE", Options: "NOWAIT"}).First(&counter{}, 1).Error
			},
		} {
			if err := db.Transaction(wait); !mysql.IsLockTimeout(err) || mysql.IsDeadlock(err) {
				t.Errorf("%s: not a lock timeout: %v", name, err)
			}
		}
		return nil
	}))
}

func killedSessionIsLost(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	err := db.Transaction(func(tx *gorm.DB) error {
		var id int64
		if err := tx.Raw("SELECT CONNECTION_ID()").Scan(&id).Error; err != nil {
			return err
		}
		if err := db.Exec(fmt.Sprintf("KILL %d", id)).Error; err != nil {
			t.Errorf("kill the other session: %v", err)
		}
		return tx.Exec("DO 1").Error
	})
	if !mysql.IsConnectionLost(err) {
		t.Errorf("not a lost connection: %v", err)
	}
	must(t, db.Exec("DO 1").Error) // the pool makes a new one
	if mysql.IsConnectionLost(db.Exec("SELECT nonsense").Error) {
		t.Error("a wrong statement is named a lost connection")
	}
}

func programsMigrateTogether(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	errs := make([]error, 6)
	together(len(errs), func(i int) { errs[i] = mysql.Migrate(t.Context(), db, &event{}, &counter{}, &note{}) })
	must(t, errors.Join(errs...))
	for _, table := range []string{"events", "counters", "notes"} {
		if !db.Migrator().HasTable(table) {
			t.Errorf("no table %s", table)
		}
	}
	var free int
	must(t, db.Raw("SELECT IS_FREE_LOCK('kafkahandson.migrate')").Scan(&free).Error)
	if free != 1 {
		t.Error("the lock of the migrations was not released")
	}
}

func unicodeAndUTC(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	must(t, mysql.Migrate(t.Context(), db, &note{}))
	stored := note{Name: "김철수", Content: "안녕하세요 👋🏽 \\ ' \" \x00"}
	must(t, db.Create(&stored).Error)
	var read note
	must(t, db.First(&read, stored.ID).Error)
	if read != stored { // the time, too: same instant, same location, same precision
		t.Errorf("stored %+v\nread   %+v", stored, read)
	}
	var now time.Time
	must(t, db.Raw("SELECT NOW(3)").Row().Scan(&now))
	if apart := time.Since(now).Abs(); apart > time.Minute {
		t.Errorf("the server's NOW() is %v away: not in UTC", apart)
	}
	for query, want := range map[string]string{
		"SELECT @@session.time_zone":              "+00:00",
		"SELECT @@session.character_set_client":   "utf8mb4",
		"SELECT @@session.character_set_results":  "utf8mb4",
		"SELECT @@session.character_set_database": "utf8mb4",
	} {
		var got string
		must(t, db.Raw(query).Scan(&got).Error)
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func badValueNamesItsColumn(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	type entry struct {
		ID   int64
		Name *string `gorm:"type:varchar(10);not null"`
		Age  int16   `gorm:"type:tinyint"`
	}
	must(t, mysql.Migrate(t.Context(), db, &entry{}))
	name := func(s string) *string { return &s }
	for _, test := range []struct {
		entry  entry
		column string
		reason mysql.ValueReason
	}{
		{entry{Name: name("longer than ten")}, "name", mysql.TooLong},
		{entry{Name: name("column 'age' it isn't")}, "name", mysql.TooLong},
		{entry{Name: name("ann"), Age: 300}, "age", mysql.OutOfRange},
		{entry{Age: 30}, "name", mysql.Null},
		{entry{Name: name("\xff")}, "name", mysql.Invalid},
		{entry{Name: name("col `x`\xff")}, "name", mysql.Invalid},
	} {
		err := db.Create(&test.entry).Error
		var v *mysql.ValueError
		if !errors.As(err, &v) || v.Column != test.column || v.Reason != test.reason {
			t.Errorf("%v: got %v, want column %s, %s", test.entry, err, test.column, test.reason)
		}
	}
	var rows int64
	must(t, db.Model(&entry{}).Count(&rows).Error)
	if rows != 0 {
		t.Errorf("%d rows were stored", rows)
	}
	var v *mysql.ValueError
	if err := db.Exec("INSERT INTO entries (age) VALUES (1)").Error; !errors.As(err, &v) || v.Column != "name" || v.Reason != mysql.Null {
		t.Errorf("a column without a default: %v", err)
	}
}

func jsonIsReadAlike(t *testing.T, dsn string) {
	db, _ := Database(t, dsn)
	must(t, db.Exec("CREATE TABLE documents (id INT PRIMARY KEY, payload JSON)").Error)
	must(t, db.Exec("INSERT INTO documents VALUES (1, ?), (2, ?)", `{"name":"kim"}`, []byte(`{"name":"lee"}`)).Error)
	var names []string
	must(t, db.Raw("SELECT JSON_UNQUOTE(JSON_EXTRACT(payload, '$.name')) FROM documents ORDER BY id").Scan(&names).Error)
	if strings.Join(names, " ") != "kim lee" {
		t.Errorf("names %q", names)
	}
}

func binaryLogHasRows(t *testing.T, dsn string) {
	db := Open(t, mysql.Config{DSN: dsn})
	for variable, want := range map[string]string{"log_bin": "1", "binlog_format": "ROW"} {
		var got string
		must(t, db.Raw("SELECT @@global."+variable).Scan(&got).Error)
		if got != want {
			t.Errorf("%s = %s, want %s: change data capture reads the binary log", variable, got, want)
		}
	}
}

// together runs n functions at the same time and waits for all.
func together(n int, run func(i int)) {
	var start, done sync.WaitGroup
	start.Add(n)
	for i := range n {
		done.Go(func() {
			start.Done()
			start.Wait()
			run(i)
		})
	}
	done.Wait()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
