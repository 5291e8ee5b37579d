package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	driver "github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Open connects to the database. While the server does not answer it tries again, for Config.OpenTimeout; then, or at
// once if the server refuses the user or does not have the database, it returns a [*ConnectError].
//
// What it sets beside the connection: times are UTC and cut to the millisecond that a datetime(3) column keeps, a Go
// string without a size is a varchar(255), and no INSERT … RETURNING, which only MariaDB has.
// Errors are gorm's where gorm has a name for them (gorm.ErrDuplicatedKey), and a [*ValueError] where a column does not
// take a value.
//
// The caller closes the database with [Close].
func Open(ctx context.Context, c Config) (*gorm.DB, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dc, err := c.driverConfig()
	if err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(dc)
	if err != nil {
		return nil, fmt.Errorf("open MySQL at %s: %w", c, err)
	}
	pool := sql.OpenDB(connector)
	conns := cmp.Or(c.MaxOpenConns, 10)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(cmp.Or(c.ConnMaxLifetime, 3*time.Minute))

	if err := reach(ctx, pool, dc, cmp.Or(c.OpenTimeout, 2500*time.Millisecond)); err != nil {
		closePool(pool)
		return nil, err
	}
	db, err := gorm.Open(
		dialector{gormmysql.New(gormmysql.Config{Conn: pool, DefaultStringSize: 255, DisableWithReturning: true}).(*gormmysql.Dialector)},
		&gorm.Config{
			Logger:               slowQueries(c.Log, cmp.Or(c.SlowThreshold, time.Second)),
			NowFunc:              func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) },
			TranslateError:       true,
			DisableAutomaticPing: true, // just done
		})
	if err != nil {
		closePool(pool)
		return nil, fmt.Errorf("open MySQL at %s: %w", c, err)
	}
	return db, nil
}

// Close closes the database's connections. That the server has closed one of them before is no error.
func Close(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return fmt.Errorf("close MySQL: %w", err)
	}
	closePool(pool)
	return nil
}

// closePool closes the connections. What can fail is to say goodbye to a server that has gone.
func closePool(pool *sql.DB) { _ = pool.Close() }

// reach pings until the server answers.
func reach(ctx context.Context, pool *sql.DB, dc *driver.Config, patience time.Duration) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval, intervals.MaxInterval = 50*time.Millisecond, 500*time.Millisecond

	var last error // Retry returns the context's error in its place when time is up
	tries := 0
	_, err := backoff.Retry(limited, func() (struct{}, error) {
		err := pool.PingContext(limited)
		if err != nil {
			tries++
			if last == nil || limited.Err() == nil { // "deadline exceeded" tells less than the error before it
				last = err
			}
			if refusal(err) != 0 {
				err = backoff.Permanent(err)
			}
		}
		return struct{}{}, err
	}, backoff.WithBackOff(intervals), backoff.WithMaxElapsedTime(patience))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("open MySQL at %s: %w", dc.Addr, context.Cause(ctx))
	}
	if errors.Is(last, context.DeadlineExceeded) {
		last = fmt.Errorf("connected, but got no answer: %w", last)
	}
	return unreachable(last, dc, tries, patience)
}

// The server's numbers for "not with this user" and "no such database", the same in MySQL and MariaDB.
const (
	erDBAccessDenied    = 1044
	erAccessDenied      = 1045
	erBadDB             = 1049
	erHostNotPrivileged = 1130
	erAccessDeniedNoPwd = 1698
)

// refusal is the server's number for a refusal that trying again does not change, 0 for any other error.
func refusal(err error) uint16 {
	switch n := number(err); n {
	case erDBAccessDenied, erAccessDenied, erBadDB, erHostNotPrivileged, erAccessDeniedNoPwd:
		return n
	}
	return 0
}

func unreachable(cause error, dc *driver.Config, tries int, patience time.Duration) error {
	e := &ConnectError{Reason: NoAnswer, Addr: dc.Addr, User: dc.User, Database: dc.DBName, Tries: tries, Waited: patience, Err: cause}
	switch refusal(cause) {
	case 0:
	case erBadDB:
		e.Reason = NoDatabase
	default:
		e.Reason = Refused
	}
	return e
}

// slowQueries logs slow statements and leaves errors to those who get them returned. db.Debug() shows everything,
// because the mode it sets comes without slowOnly.
func slowQueries(w io.Writer, threshold time.Duration) logger.Interface {
	if threshold < 0 {
		return logger.Discard
	}
	if w == nil {
		w = os.Stderr
	}
	return slowOnly{logger.New(log.New(w, "", log.LstdFlags), logger.Config{
		LogLevel:      logger.Warn,
		SlowThreshold: threshold,
	})}
}

type slowOnly struct{ logger.Interface }

func (l slowOnly) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), _ error) {
	l.Interface.Trace(ctx, begin, fc, nil)
}
