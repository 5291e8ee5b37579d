// Package mysql opens the course's database with gorm, and names the errors that its programs decide on.
//
// What the course writes runs on MySQL 8.4 and on MariaDB, and this package makes the two alike where gorm treats them
// differently. Two of gorm's behaviours to know: RowsAffected counts the rows that changed, not those that matched, so
// an UPDATE that writes what is there already affects 0 rows, and an INSERT with clause.OnConflict{DoNothing: true} of
// a row that is there affects 0; and every single Create, Save and Delete runs in a transaction of its own.
package mysql

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// EnvDSN is the environment variable that holds the data source name: where the database is, and as whom to log in.
const EnvDSN = "MYSQL_DSN"

// The course's database, as the compose stack and the embedded server have it.
const (
	DefaultHost     = "127.0.0.1"
	DefaultPort     = 3306
	DefaultUser     = "myuser"
	DefaultPassword = "mypassword"
	DefaultDatabase = "campus"
)

// Config says which database to open, and how patiently. Its zero value is the compose stack's.
type Config struct {
	// DSN is a data source name in the form of github.com/go-sql-driver/mysql: user:password@tcp(host:port)/database.
	// If set, Host, Port, User, Password and Database are not used.
	DSN string

	Host string // Default: 127.0.0.1
	Port int    // Default: 3306
	// User and Password. Default: myuser and mypassword. A User without a Password logs in without one.
	User, Password string
	Database       string // Default: campus

	// OpenTimeout is how long Open goes on trying to reach the server. Default: 2.5 s
	OpenTimeout time.Duration
	// ConnectTimeout is how long one TCP connect may take. Default: the DSN's timeout=, or 1 s
	ConnectTimeout time.Duration
	// QueryTimeout is how long the server may stay silent during one query. Keep it above the 50 s that a query waits
	// for a row lock (innodb_lock_wait_timeout). Default: the DSN's readTimeout=, or 60 s
	QueryTimeout time.Duration

	// MaxOpenConns bounds the pool; all of it may stay idle. Default: 10
	MaxOpenConns int
	// ConnMaxLifetime is when a connection is replaced. Default: 3 min, as the driver recommends
	ConnMaxLifetime time.Duration

	// SlowThreshold is the time from which a statement is logged as slow. Errors are not logged: they are returned.
	// See all SQL with db.Debug(). Default: 1 s; negative: log nothing
	SlowThreshold time.Duration
	// Log is where slow statements go, and what db.Debug() shows. Default: standard error
	Log io.Writer
}

// FromEnv is the configuration with the DSN from MYSQL_DSN, or the compose stack's if that is not set.
func FromEnv(getenv func(string) string) Config { return Config{DSN: getenv(EnvDSN)} }

// Validate reports the first setting that cannot work: of those that a person may have written a [*DSNError] or a
// [*PortError].
func (c Config) Validate() error {
	for _, limit := range []struct {
		name  string
		value int64
	}{
		{"OpenTimeout", int64(c.OpenTimeout)},
		{"ConnectTimeout", int64(c.ConnectTimeout)},
		{"QueryTimeout", int64(c.QueryTimeout)},
		{"MaxOpenConns", int64(c.MaxOpenConns)},
		{"ConnMaxLifetime", int64(c.ConnMaxLifetime)},
	} {
		if limit.value < 0 {
			return fmt.Errorf("mysql.Config.%s is negative", limit.name)
		}
	}
	if c.Port < 0 || c.Port > 65535 {
		return &PortError{Port: c.Port}
	}
	_, err := c.driverConfig()
	return err
}

// WithDatabase is the same server and user with another database.
func (c Config) WithDatabase(name string) (Config, error) {
	dc, err := c.driverConfig()
	if err != nil {
		return Config{}, err
	}
	dc.DBName = name
	c.DSN = dc.FormatDSN()
	return c, nil
}

// Addr is where the server is: host:port.
func (c Config) Addr() (string, error) {
	dc, err := c.driverConfig()
	if err != nil {
		return "", err
	}
	return dc.Addr, nil
}

// WithAddr is the same database and user at another address: a proxy's, say.
func (c Config) WithAddr(addr string) (Config, error) {
	dc, err := c.driverConfig()
	if err != nil {
		return Config{}, err
	}
	dc.Net, dc.Addr = "tcp", addr
	c.DSN = dc.FormatDSN()
	return c, nil
}

// FormatDSN returns the whole configuration of the connection as one data source name, password included, for the
// environment of a child process.
func (c Config) FormatDSN() (string, error) {
	dc, err := c.driverConfig()
	if err != nil {
		return "", err
	}
	return dc.FormatDSN(), nil
}

// String says where and as whom, without the password.
func (c Config) String() string {
	dc, err := c.driverConfig()
	if err != nil {
		return "unreadable " + EnvDSN
	}
	return fmt.Sprintf("%s@%s/%s", dc.User, dc.Addr, dc.DBName)
}

// GoString is String, so that no %#v prints the password.
func (c Config) GoString() string { return c.String() }

// driverConfig fills in the defaults and what the course relies on: time.Time in UTC, and all of Unicode.
func (c Config) driverConfig() (*driver.Config, error) {
	dc := driver.NewConfig()
	if c.DSN != "" {
		parsed, err := driver.ParseDSN(c.DSN)
		if err == nil && (parsed.DBName == "" || !slices.Contains([]string{"tcp", "unix"}, parsed.Net)) {
			err = errors.ErrUnsupported // a password without its @ is taken for the network
		}
		if err != nil {
			// The parser's error is left out: it may quote the part that holds the password.
			return nil, &DSNError{}
		}
		dc = parsed
	} else {
		dc.Net = "tcp"
		dc.Addr = net.JoinHostPort(cmp.Or(c.Host, DefaultHost), strconv.Itoa(cmp.Or(c.Port, DefaultPort)))
		dc.User, dc.Passwd = c.User, c.Password
		if c.User == "" {
			dc.User, dc.Passwd = DefaultUser, cmp.Or(c.Password, DefaultPassword)
		}
		dc.DBName = cmp.Or(c.Database, DefaultDatabase)
	}

	dc.Timeout = cmp.Or(c.ConnectTimeout, dc.Timeout, time.Second)
	dc.ReadTimeout = cmp.Or(c.QueryTimeout, dc.ReadTimeout, time.Minute)
	dc.WriteTimeout = cmp.Or(dc.WriteTimeout, dc.ReadTimeout)
	dc.Logger = &driver.NopLogger{} // it logs errors that it returns as well
	// Rows affected are rows changed, whatever the DSN says: with found rows, MySQL counts 1 for the row of a duplicate
	// that clause.OnConflict{DoNothing: true} leaves as it is.
	dc.ClientFoundRows = false

	dc.ParseTime, dc.Loc = true, time.UTC
	dc.Params = maps.Clone(dc.Params)
	if dc.Params == nil {
		dc.Params = map[string]string{}
	}
	dc.Params["time_zone"] = "'+00:00'" // NOW() and CURRENT_TIMESTAMP too
	// No collation: each server's own default for utf8mb4 is the fastest and the best it knows.
	if err := dc.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("set utf8mb4: %w", err)
	}
	return dc, nil
}
