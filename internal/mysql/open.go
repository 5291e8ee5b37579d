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

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Open connects to the database. While the server does not answer it tries again, for Config.OpenTimeout; then, or at
// once if the server refuses the user or does not have the database, it returns a [*problem.Problem].
//
// What it sets beside the connection: times are UTC and cut to the millisecond that a datetime(3) column keeps, a Go
// string without a size is a varchar(255), and no INSERT … RETURNING, which only MariaDB has.
// Errors are gorm's where gorm has a name for them (gorm.ErrDuplicatedKey).
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
		gormmysql.New(gormmysql.Config{Conn: pool, DefaultStringSize: 255, DisableWithReturning: true}),
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
	checkDSN := i18n.Text{
		EN: "check %s: it is used before the compose stack and the embedded server",
		KO: "%s 값을 확인해 주세요. compose 스택이나 내장 서버보다 먼저 쓰입니다",
	}.With(EnvDSN)
	switch refusal(cause) {
	case 0:
	case erBadDB:
		return problem.Environment(cause, i18n.Text{
			EN: "MySQL at %s has no database %s.",
			KO: "%s의 MySQL에 %s 데이터베이스가 없습니다.",
		}.With(dc.Addr, dc.DBName), checkDSN)
	default:
		return problem.Environment(cause, i18n.Text{
			EN: "MySQL at %s does not let the user %s into the database %s.",
			KO: "%s의 MySQL이 사용자 %s의 %s 데이터베이스 접속을 거부했습니다.",
		}.With(dc.Addr, dc.User, dc.DBName), checkDSN, i18n.Text{
			EN: "if another MySQL of yours has the port, stop it, then start the course's: make up",
			KO: "다른 MySQL이 그 포트를 쓰고 있다면 종료한 뒤 강의의 스택을 시작하세요: make up",
		})
	}
	return problem.Environment(cause, i18n.Text{
		EN: "MySQL at %s does not answer (database %s, user %s; tried %d times in %v).",
		KO: "%s의 MySQL이 응답하지 않습니다(데이터베이스 %s, 사용자 %s, %[5]v 동안 %[4]d번 시도).",
	}.With(dc.Addr, dc.DBName, dc.User, tries, patience), i18n.Text{
		EN: "start the course's stack: make up",
		KO: "강의의 스택을 시작하세요: make up",
	}, i18n.Text{
		EN: "without Docker, leave %s unset: lessons and programs start a private server by themselves",
		KO: "Docker가 없다면 %s을(를) 설정하지 마세요. 레슨과 프로그램이 개인용 서버를 스스로 시작합니다",
	}.With(EnvDSN), checkDSN)
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
