package mysql_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

func TestConfigDefaultsToTheComposeStack(t *testing.T) {
	dsn, err := mysql.FromEnv(func(string) string { return "" }).FormatDSN()
	if err != nil {
		t.Fatal(err)
	}
	dc, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if dc.User != "myuser" || dc.Passwd != "mypassword" || dc.Addr != "127.0.0.1:3306" || dc.DBName != "campus" {
		t.Errorf("DSN %s", dsn)
	}
	if !dc.ParseTime || dc.Loc != time.UTC || dc.Params["time_zone"] != "'+00:00'" {
		t.Errorf("times are not UTC: %s", dsn)
	}
	if dc.Timeout != time.Second || dc.ReadTimeout != time.Minute || dc.WriteTimeout != time.Minute {
		t.Errorf("timeouts %v %v %v", dc.Timeout, dc.ReadTimeout, dc.WriteTimeout)
	}
}

func TestConfigKeepsWhatTheDSNSays(t *testing.T) {
	env := func(name string) string {
		return map[string]string{mysql.EnvDSN: "ann:s3c:r@t@tcp(db.example:3307)/shop?timeout=7s&readTimeout=8s&tls=skip-verify"}[name]
	}
	c, err := mysql.FromEnv(env).WithDatabase("campus_r1")
	if err != nil {
		t.Fatal(err)
	}
	if addr, err := c.Addr(); err != nil || addr != "db.example:3307" {
		t.Errorf("it is at %s (%v)", addr, err)
	}
	there, err := c.WithAddr("127.0.0.1:4000")
	if err != nil || there.String() != "ann@127.0.0.1:4000/campus_r1" {
		t.Errorf("elsewhere it is %s (%v)", there, err)
	}
	dsn, err := c.FormatDSN()
	if err != nil {
		t.Fatal(err)
	}
	dc, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if dc.User != "ann" || dc.Passwd != "s3c:r@t" || dc.Addr != "db.example:3307" || dc.DBName != "campus_r1" || dc.TLSConfig != "skip-verify" {
		t.Errorf("DSN %s", dsn)
	}
	if dc.Timeout != 7*time.Second || dc.ReadTimeout != 8*time.Second {
		t.Errorf("timeouts %v %v", dc.Timeout, dc.ReadTimeout)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(format, c); strings.Contains(s, "s3c") {
			t.Errorf("%s shows the password: %s", format, s)
		}
	}
}

func TestValidateNamesTheMistakeWithoutThePassword(t *testing.T) {
	for _, dsn := range []string{
		"ann:s3cret",
		"ann:s3cret@db.example/shop",
		"ann:s3cret(db.example)/shop",
		"mysql://ann:s3cret@db.example:3306/shop",
		"ann:s3cret@tcp(db.example)/",
		"ann:s3cret@tcp(db.example)/shop?parseTime=perhaps",
	} {
		err := mysql.Config{DSN: dsn}.Validate()
		var p *problem.Problem
		if !errors.As(remedy.Of(err), &p) || remedy.ExitCode(err) != problem.ExitUsage || len(p.Solve) == 0 {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
			var b strings.Builder
			remedy.Render(&b, lang, err)
			if strings.Contains(b.String(), "s3cret") || !strings.Contains(b.String(), mysql.EnvDSN) {
				t.Errorf("%s: %s", dsn, b.String())
			}
		}
	}
	for _, c := range []mysql.Config{{Port: 70000}, {Port: -1}, {OpenTimeout: -1}, {MaxOpenConns: -1}} {
		if c.Validate() == nil {
			t.Errorf("%#v: no error", c)
		}
	}
	if err := (mysql.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhatItTriedWithinThreeSeconds(t *testing.T) {
	closed := listen(t)
	closed.Close()
	mute := listen(t) // accepts, says nothing: a port of another kind of server

	for name, addr := range map[string]string{"nobody listens": closed.Addr().String(), "nobody speaks": mute.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := mysql.Open(t.Context(), mysql.Config{DSN: "ann:s3cret@tcp(" + addr + ")/shop"})
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			var p *problem.Problem
			if !errors.As(remedy.Of(err), &p) || remedy.ExitCode(err) != problem.ExitEnvironment {
				t.Fatalf("not a problem of the environment: %v", err)
			}
			var b strings.Builder
			remedy.Render(&b, i18n.Korean, err)
			t.Log(b.String())
			for _, part := range []string{addr, "shop", "ann", "make up", "개인용 서버", mysql.EnvDSN} {
				if !strings.Contains(b.String(), part) {
					t.Errorf("does not say %q", part)
				}
			}
			if strings.Contains(b.String(), "s3cret") {
				t.Error("says the password")
			}
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	closed := listen(t)
	closed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := mysql.Open(ctx, mysql.Config{DSN: "ann:s3cret@tcp(" + closed.Addr().String() + ")/shop"})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// One server for what needs one: it takes a second to make.
func TestOpen(t *testing.T) {
	dsn := mysqltest.Server(t)
	known, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *mysqldriver.Config){
		"wrong password":   func(c *mysqldriver.Config) { c.Passwd = "s3cret" },
		"unknown user":     func(c *mysqldriver.Config) { c.User = "nobody-here" },
		"root":             func(c *mysqldriver.Config) { c.User, c.Passwd = "root", "" },
		"unknown database": func(c *mysqldriver.Config) { c.DBName = "campus_nowhere" },
		"not our database": func(c *mysqldriver.Config) { c.DBName = "mysql" },
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			refused := known.Clone()
			change(refused)
			begin := time.Now()
			_, err := mysql.Open(t.Context(), mysql.Config{DSN: refused.FormatDSN(), OpenTimeout: 20 * time.Second})
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("went on for %v", took)
			}
			var p *problem.Problem
			if !errors.As(remedy.Of(err), &p) || remedy.ExitCode(err) != problem.ExitEnvironment || p.Cause == nil {
				t.Fatalf("not a problem of the environment: %v", err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("says the password: %v", err)
			}
		})
	}

	t.Run("errors are returned, slow statements logged", func(t *testing.T) {
		var logged strings.Builder
		db, err := mysql.Open(t.Context(), mysql.Config{DSN: dsn, SlowThreshold: 50 * time.Millisecond, Log: &logged})
		if err != nil {
			t.Fatal(err)
		}
		defer mysql.Close(db)
		if db.Exec("SELECT nonsense").Error == nil || logged.Len() != 0 {
			t.Errorf("an error was logged: %s", &logged)
		}
		if err := db.Exec("DO SLEEP(0.1)").Error; err != nil || !strings.Contains(logged.String(), "DO SLEEP") {
			t.Errorf("a slow statement was not logged: %v, %s", err, &logged)
		}
		logged.Reset()
		if db.Debug().Exec("SELECT nonsense").Error == nil || !strings.Contains(logged.String(), "SELECT nonsense") {
			t.Errorf("Debug logged %q", &logged)
		}
	})

	t.Run("only databases of runs are dropped", func(t *testing.T) {
		db := mysqltest.Open(t, mysql.Config{DSN: dsn})
		for _, name := range []string{"campus", "campus_", "mysql", "campus_a`b", "campus_a-b", ""} {
			if err := mysql.DropDatabase(t.Context(), db, name); err == nil {
				t.Errorf("%q: dropped", name)
			}
		}
	})
}

func TestErrorsAreNamed(t *testing.T) {
	server := func(n uint16) error {
		return fmt.Errorf("insert: %w", &mysqldriver.MySQLError{Number: n, Message: "…"})
	}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{server(1062), "duplicate"}, {server(1586), "duplicate"}, {gorm.ErrDuplicatedKey, "duplicate"},
		{server(1213), "deadlock"}, {server(1020), "deadlock"},
		{server(1205), "timeout"}, {server(3572), "timeout"},
		{server(1053), "lost"}, {server(1927), "lost"}, {server(3169), "lost"}, {server(4031), "lost"},
		{fmt.Errorf("query: %w", driver.ErrBadConn), "lost"}, {mysqldriver.ErrInvalidConn, "lost"},
		{io.ErrUnexpectedEOF, "lost"}, {fmt.Errorf("open: %w", dial), "lost"},
		{context.Canceled, ""}, {context.DeadlineExceeded, ""}, {server(1064), ""}, {gorm.ErrRecordNotFound, ""},
	} {
		var got []string
		for name, is := range map[string]func(error) bool{
			"duplicate": mysql.IsDuplicateKey, "deadlock": mysql.IsDeadlock, "timeout": mysql.IsLockTimeout, "lost": mysql.IsConnectionLost,
		} {
			if is(test.err) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v is %v, want %q", test.err, got, test.want)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
