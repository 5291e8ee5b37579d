package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// The server's numbers, from MySQL's server error reference and MariaDB's list of error codes. They share one range;
// where a comment names one server, the other never sends the number in that sense.
const (
	erDupKey         = 1022
	erDupEntry       = 1062
	erDupUnique      = 1169
	erDupEntryNamed  = 1586
	erLockTimeout    = 1205
	erDeadlock       = 1213
	erCheckRead      = 1020 // MariaDB ≥ 11.6.2: the row changed since this transaction's snapshot
	erLockNoWait     = 3572 // MySQL: NOWAIT; MariaDB answers erLockTimeout
	erShutdown       = 1053
	erNormalShutdown = 1077
	erAborted        = 1152
	erConnKilled     = 1927 // MariaDB
	erSessionKilled  = 3169 // MySQL
	erIdleTooLong    = 4031 // MySQL: wait_timeout
	erTooLong        = 1406
	erOutOfRange     = 1264
	erNull           = 1048
	erNoDefault      = 1364
	erWrongValue     = 1292
	erWrongField     = 1366
)

// ConnectReason is why a database cannot be used, for machines.
type ConnectReason string

const (
	NoAnswer   ConnectReason = "no-answer"   // nobody is there, or it does not answer in time
	NoDatabase ConnectReason = "no-database" // the server has no database of this name
	Refused    ConnectReason = "refused"     // the server does not let the user in
)

// ConnectError tells why a database cannot be used. It has no password in it.
type ConnectError struct {
	Reason         ConnectReason
	Addr           string
	User, Database string
	Tries          int
	Waited         time.Duration
	Err            error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connect to MySQL at %s (database %s, user %s): %s: %v", e.Addr, e.Database, e.User, e.Reason, e.Err)
}
func (e *ConnectError) Unwrap() error { return e.Err }

// DSNError is a [Config.DSN] that cannot be read. It does not quote the DSN, which may hold a password.
type DSNError struct{}

func (*DSNError) Error() string { return "the DSN is not one of the Go MySQL driver" }

// PortError is a port that no server has.
type PortError struct{ Port int }

func (e *PortError) Error() string { return fmt.Sprintf("MySQL port %d", e.Port) }

// ValueReason is why a column does not take a value, for machines.
type ValueReason string

const (
	TooLong    ValueReason = "too-long"     // more than the column's size
	OutOfRange ValueReason = "out-of-range" // a number that the column's type does not have
	Null       ValueReason = "null"         // NULL, where the column must have a value
	Invalid    ValueReason = "invalid"      // not of the column's type or character set
)

// ValueError is a value that a column does not take. Nothing was written.
type ValueError struct {
	Column string
	Reason ValueReason
	Err    error // the server's
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("value of column %s: %s: %v", e.Column, e.Reason, e.Err)
}
func (e *ValueError) Unwrap() error { return e.Err }

// valueError is an error of the server as a ValueError, nil if it is none.
func valueError(err error) *ValueError {
	reasons := map[uint16]ValueReason{
		erTooLong: TooLong, erOutOfRange: OutOfRange, erNull: Null, erNoDefault: Null, erWrongValue: Invalid, erWrongField: Invalid,
	}
	var m *mysqldriver.MySQLError
	if !errors.As(err, &m) || reasons[m.Number] == "" {
		return nil
	}
	e := &ValueError{Reason: reasons[m.Number], Err: err}
	if found := column().FindStringSubmatch(m.Message); found != nil {
		e.Column = found[1] + found[2]
	}
	return e
}

// column finds the column in a message of the server: "Data too long for column 'name' at row 1", "Column 'name' cannot be
// null", "Field 'name' doesn't have a default value"; MariaDB also writes `database`.`table`.`name`. The value, which may
// say anything, comes before it.
func column() *regexp.Regexp {
	return regexp.MustCompile("(?s)^.*(?:[Cc]olumn|Field) (?:'([^']+)'|(?:`[^`]+`\\.)*`([^`]+)`)")
}

// dialector is gorm's, and knows [ValueError] too.
type dialector struct{ *gormmysql.Dialector }

// Translate is called by gorm with each error of the server.
func (d dialector) Translate(err error) error {
	if v := valueError(err); v != nil {
		return v
	}
	return d.Dialector.Translate(err)
}

// number is the server's error number, 0 if the error does not come from the server.
func number(err error) uint16 {
	var m *mysqldriver.MySQLError
	if errors.As(err, &m) {
		return m.Number
	}
	return 0
}

// IsDuplicateKey tells whether a row was refused because its primary or unique key is taken. Of a database from [Open],
// errors.Is(err, gorm.ErrDuplicatedKey) says the same; this also knows errors that did not pass through gorm.
func IsDuplicateKey(err error) bool {
	switch number(err) {
	case erDupEntry, erDupKey, erDupUnique, erDupEntryNamed:
		return true
	}
	return errors.Is(err, gorm.ErrDuplicatedKey)
}

// IsDeadlock tells whether the transaction lost against a concurrent one and has to be run again from its beginning:
// a deadlock, or MariaDB's refusal to change a row that someone else changed since the transaction first looked.
func IsDeadlock(err error) bool {
	n := number(err)
	return n == erDeadlock || n == erCheckRead
}

// IsLockTimeout tells whether a statement gave up waiting for a row lock: after innodb_lock_wait_timeout (50 s), or at
// once under NOWAIT. Only the statement was undone; roll the transaction back.
func IsLockTimeout(err error) bool {
	n := number(err)
	return n == erLockTimeout || n == erLockNoWait
}

// IsConnectionLost tells whether the connection broke or could not be made: server stopped, killed or restarting,
// session killed, network cut. Whether a COMMIT on its way took effect is unknown then. A context that the caller
// cancelled is not a lost connection.
func IsConnectionLost(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var network *net.OpError
	if errors.As(err, &network) { // also a time-out of the network, which Go takes for a context.DeadlineExceeded too
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	switch number(err) {
	case erShutdown, erNormalShutdown, erAborted, erConnKilled, erSessionKilled, erIdleTooLong:
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysqldriver.ErrInvalidConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
