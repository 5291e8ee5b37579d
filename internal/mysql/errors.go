package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	mysqldriver "github.com/go-sql-driver/mysql"
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
)

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
