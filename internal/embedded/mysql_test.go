package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/shirou/gopsutil/v4/process"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/problem"
)

// greetingRow is a row of the tests.
type greetingRow struct{ ID int }

func TestMySQLIsSharedByProcesses(t *testing.T) {
	dir := mysqlDir(t)
	other := startMySQLUser(t, dir)
	other.waitFor("ready")

	mine := ensureMySQL(t, dir)
	if got := mysqlStatus(t, dir); got.PID != other.server || got.Port != mine.Port() || !got.InUse || got.Keep {
		t.Errorf("status %+v, but the other process has server %d", got, other.server)
	}
	db := mysqltest.Open(t, mysql.Config{DSN: mine.DSN()})
	mysqlMust(t, mysql.Migrate(t.Context(), db, &greetingRow{}))
	mysqlMust(t, db.Create(&greetingRow{ID: 1}).Error)

	other.release()
	if got := mysqlStatus(t, dir); got.PID != other.server || !got.InUse {
		t.Errorf("the first one out stopped the server: %+v", got)
	}
	mysqlMust(t, db.Create(&greetingRow{ID: 2}).Error)
	mysqlMust(t, mine.Release(t.Context()))
	if got := mysqlStatus(t, dir); got.Running || got.InUse {
		t.Errorf("the last one out left the server: %+v", got)
	}
}

func TestMySQLIsStartedOnceByManyAtTheSameTime(t *testing.T) {
	dir := mysqlDir(t)
	others := []*mysqlUser{startMySQLUser(t, dir), startMySQLUser(t, dir)}
	mine := make([]*embedded.MySQL, 4)
	var starts errgroup.Group
	for i := range mine {
		starts.Go(func() (err error) {
			mine[i], err = embedded.EnsureMySQL(t.Context(), embedded.MySQLOptions{Dir: dir})
			return err
		})
	}
	mysqlMust(t, starts.Wait())
	for _, other := range others {
		other.waitFor("ready")
		if got := mysqlStatus(t, dir); got.PID != other.server {
			t.Errorf("server %d here, %d there", got.PID, other.server)
		}
	}
	var ends errgroup.Group
	for _, m := range mine {
		ends.Go(func() error { return m.Release(t.Context()) })
	}
	for _, other := range others {
		other.release()
	}
	mysqlMust(t, ends.Wait())
	if got := mysqlStatus(t, dir); got.Running {
		t.Errorf("all are out, and it runs: %+v", got)
	}
}

// The starter is killed while it initialises, while it starts, and after that. What it leaves can be used.
func TestMySQLOutlivesItsKilledStarter(t *testing.T) {
	for _, moment := range []string{"preparing", "starting", "ready"} {
		t.Run(moment, func(t *testing.T) {
			dir := mysqlDir(t)
			starter := startMySQLUser(t, dir)
			starter.waitFor(moment)
			starter.kill()

			mine := ensureMySQL(t, dir)
			if moment == "ready" {
				if got := mysqlStatus(t, dir); got.PID != starter.server {
					t.Errorf("server %d was replaced: %+v", starter.server, got)
				}
			}
			db := mysqltest.Open(t, mysql.Config{DSN: mine.DSN()})
			mysqlMust(t, mysql.Migrate(t.Context(), db, &greetingRow{}))
			mysqlMust(t, mine.Release(t.Context()))
			if got := mysqlStatus(t, dir); got.Running {
				t.Errorf("status %+v", got)
			}
		})
	}

	t.Run("and can be stopped", func(t *testing.T) {
		dir := mysqlDir(t)
		starter := startMySQLUser(t, dir)
		starter.waitFor("ready")
		starter.kill()
		if got := mysqlStatus(t, dir); !got.Running || got.InUse || got.PID != starter.server {
			t.Errorf("status %+v, want server %d running, not in use", got, starter.server)
		}
		mysqlMust(t, embedded.StopMySQL(t.Context(), dir))
		if got := mysqlStatus(t, dir); got.Running {
			t.Errorf("status %+v", got)
		}
		mysqlMust(t, embedded.StopMySQL(t.Context(), dir)) // nothing to stop is no error
	})
}

// A commit that was acknowledged survives kill -9 of the server, a transaction under way leaves nothing, and the
// next one to come gets a server that goes on.
func TestMySQLRecoversFromKill(t *testing.T) {
	dir := mysqlDir(t)
	before := ensureMySQL(t, dir)
	db := mysqltest.Open(t, mysql.Config{DSN: before.DSN()})
	mysqlMust(t, mysql.Migrate(t.Context(), db, &greetingRow{}))

	under := db.Begin()
	mysqlMust(t, under.Create(&greetingRow{ID: -1}).Error)
	acknowledged := make(chan int, 10_000)
	var writer errgroup.Group
	writer.Go(func() error {
		defer close(acknowledged)
		for id := 1; ; id++ {
			if err := db.Create(&greetingRow{ID: id}).Error; err != nil {
				return err
			}
			acknowledged <- id
		}
	})
	for id := range acknowledged { // it is killed in the middle of a stream of commits
		if id == 50 {
			break
		}
	}
	killMySQL(t, dir)
	if err := writer.Wait(); !mysql.IsConnectionLost(err) {
		t.Errorf("the writer's error is not a lost connection: %v", err)
	}
	last := 50
	for id := range acknowledged {
		last = id
	}
	if err := under.Create(&greetingRow{ID: -2}).Error; !mysql.IsConnectionLost(err) {
		t.Errorf("the transaction's error is not a lost connection: %v", err)
	}
	under.Rollback()
	if got := mysqlStatus(t, dir); got.Running || !got.InUse {
		t.Errorf("after the kill: %+v", got)
	}

	after := ensureMySQL(t, dir)
	if after.Port() != before.Port() {
		t.Errorf("the port changed from %d to %d, although it was free", before.Port(), after.Port())
	}
	var ids []int // through the pool that lived through it
	mysqlMust(t, db.Model(&greetingRow{}).Order("id").Pluck("id", &ids).Error)
	if len(ids) == 0 || ids[0] != 1 {
		t.Errorf("the transaction under way left rows: %v", ids)
	}
	// The one on its way when the server died may be stored or not.
	if n := len(ids); n != last && n != last+1 || ids[n-1] != n {
		t.Errorf("%d commits acknowledged, %d rows, the last is %d", last, n, ids[n-1])
	}
	mysqlMust(t, db.Create(&greetingRow{ID: 1_000_000}).Error)

	mysqlMust(t, before.Release(t.Context()))
	if got := mysqlStatus(t, dir); !got.Running {
		t.Errorf("one share is left, and it ended: %+v", got)
	}
	mysqlMust(t, after.Release(t.Context()))
	if got := mysqlStatus(t, dir); got.Running {
		t.Errorf("status %+v", got)
	}
}

// Whoever comes while the server is dying gets the next one.
func TestMySQLIsStartedAgainWhileItDies(t *testing.T) {
	dir := mysqlDir(t)
	before := ensureMySQL(t, dir)
	for range 5 {
		p, err := os.FindProcess(mysqlStatus(t, dir).PID)
		mysqlMust(t, err)
		mysqlMust(t, p.Kill())
		after := ensureMySQL(t, dir)
		mysqltest.Open(t, mysql.Config{DSN: after.DSN()})
		mysqlMust(t, after.Release(t.Context()))
	}
	mysqlMust(t, before.Release(t.Context()))
}

func TestMySQLStaysUpWhenKept(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := mysqlDir(t)
	kept, err := embedded.EnsureMySQL(t.Context(), embedded.MySQLOptions{Dir: dir, Keep: true})
	mysqlMust(t, err)
	mysqlMust(t, kept.Release(t.Context()))
	first := mysqlStatus(t, dir)
	if !first.Running || first.InUse || !first.Keep {
		t.Errorf("status %+v", first)
	}
	mysqlMust(t, ensureMySQL(t, dir).Release(t.Context())) // a run that uses it does not end it
	if got := mysqlStatus(t, dir); got != first {
		t.Errorf("status %+v, before the run %+v", got, first)
	}
	mysqlMust(t, embedded.StopMySQL(t.Context(), dir))
	mysqlMust(t, ensureMySQL(t, dir).Release(t.Context())) // to keep one up is not to keep the next up
	if got := mysqlStatus(t, dir); got.Running || got.Keep {
		t.Errorf("status %+v", got)
	}
}

func TestMySQLTakesAnotherPortWhenItsOwnIsTaken(t *testing.T) {
	dir := mysqlDir(t)
	m := ensureMySQL(t, dir)
	mysqlMust(t, m.Release(t.Context()))
	taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.Port())))
	mysqlMust(t, err)
	defer taken.Close()
	again := ensureMySQL(t, dir)
	if again.Port() == m.Port() {
		t.Errorf("port %d is taken", m.Port())
	}
	mysqltest.Open(t, mysql.Config{DSN: again.DSN()})
	mysqlMust(t, again.Release(t.Context()))
}

func TestMySQLReplacesDataOfAnotherSeries(t *testing.T) {
	dir := mysqlDir(t)
	mysqlMust(t, ensureMySQL(t, dir).Release(t.Context()))
	// As a program that has gone since would have left it.
	file := filepath.Join(dir, "server.json")
	b, err := os.ReadFile(file)
	mysqlMust(t, err)
	var state map[string]any
	mysqlMust(t, json.Unmarshal(b, &state))
	state["program"] = map[string]string{"server": filepath.Join(dir, "gone"), "version": "MySQL 5.5.1"}
	b, err = json.Marshal(state)
	mysqlMust(t, err)
	mysqlMust(t, os.WriteFile(file, b, 0o600))

	var said []string
	m, err := embedded.EnsureMySQL(t.Context(), embedded.MySQLOptions{Dir: dir, Progress: func(s i18n.Text) { said = append(said, s.EN) }})
	mysqlMust(t, err)
	if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "preparing") }) {
		t.Errorf("no new database was prepared: %q", said)
	}
	mysqlMust(t, m.Release(t.Context()))
}

// An installed server that cannot initialise (Ubuntu's AppArmor forbids mysqld the user's folders) is not the end.
func TestMySQLPassesOverAnInstalledServerThatFails(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs a distribution whose packages can be fetched without root: no apt-get here")
	}
	mysqltest.Need(t, embedded.FetchMySQLProgram(t.Context()))
	bin := t.TempDir()
	for name, script := range map[string]string{
		"mariadbd":           "echo 'mariadbd  Ver 99.1.2-MariaDB'",
		"mariadb-install-db": "echo '[ERROR] Permission denied' >&2; exit 1",
	} {
		mysqlMust(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	m := ensureMySQL(t, mysqlDir(t))
	if strings.Contains(m.Version(), "99.1.2") {
		t.Errorf("the failing server was used: %s", m.Version())
	}
	mysqlMust(t, m.Release(t.Context()))
}

func TestMySQLUserHasTheCoursesRightsOnly(t *testing.T) {
	m := ensureMySQL(t, mysqlDir(t))
	db := mysqltest.Open(t, mysql.Config{DSN: m.DSN()})
	for _, allowed := range []string{
		"CREATE DATABASE campus_r7f3", "CREATE TABLE campus_r7f3.t (id INT)", "DROP DATABASE campus_r7f3",
		"SHOW BINARY LOGS", "SHOW ENGINE INNODB STATUS",
	} {
		if err := db.Exec(allowed).Error; err != nil {
			t.Errorf("%s: %v", allowed, err)
		}
	}
	for _, forbidden := range []string{
		"CREATE DATABASE shop", "CREATE DATABASE campus2", // _ is a letter here, not a wildcard
		"CREATE USER eve", "SELECT * FROM mysql.user", "SHUTDOWN",
	} {
		if db.Exec(forbidden).Error == nil {
			t.Errorf("%s is allowed", forbidden)
		}
	}
	var host string
	mysqlMust(t, db.Raw("SELECT @@bind_address").Scan(&host).Error)
	if host != "127.0.0.1" {
		t.Errorf("listens on %s", host)
	}
	mysqlMust(t, m.Release(t.Context()))
}

func TestMySQLStartEndsWithItsContext(t *testing.T) {
	dir := mysqlDir(t)
	mysqlMust(t, ensureMySQL(t, dir).Release(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := embedded.EnsureMySQL(ctx, embedded.MySQLOptions{Dir: dir, Progress: func(s i18n.Text) {
		if strings.HasPrefix(s.EN, "starting") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := mysqlStatus(t, dir); got.Running || got.InUse {
		t.Errorf("status %+v", got)
	}
}

func TestMySQLIsNotTakenFromItsUsers(t *testing.T) {
	dir := mysqlDir(t)
	other := startMySQLUser(t, dir)
	other.waitFor("ready")
	for _, err := range []error{embedded.StopMySQL(t.Context(), dir), embedded.DeleteMySQL(t.Context(), dir)} {
		if !errors.Is(err, embedded.ErrMySQLInUse) {
			t.Errorf("got %v", err)
		}
	}
	if got := mysqlStatus(t, dir); !got.InUse || got.PID != other.server {
		t.Errorf("status %+v, want server %d in use", got, other.server)
	}
	other.release()
}

func TestMySQLIsDeleted(t *testing.T) {
	dir := mysqlDir(t)
	m := ensureMySQL(t, dir)
	config := mysql.Config{DSN: m.DSN()}
	mysqlMust(t, mysql.Migrate(t.Context(), mysqltest.Open(t, config), &greetingRow{}))
	mysqlMust(t, m.Release(t.Context()))
	mysqlMust(t, embedded.DeleteMySQL(t.Context(), dir))
	mysqlMust(t, embedded.DeleteMySQL(t.Context(), dir)) // nothing to delete is no error
	var left []string
	entries, err := os.ReadDir(dir)
	mysqlMust(t, err)
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if !slices.Equal(left, []string{"alive", "leases", "lock"}) { // other processes may wait for these very files
		t.Errorf("%v is left", left)
	}

	m = ensureMySQL(t, dir)
	if mysqltest.Open(t, mysql.Config{DSN: m.DSN()}).Migrator().HasTable(&greetingRow{}) {
		t.Error("the table is still there")
	}
	mysqlMust(t, m.Release(t.Context()))
}

func TestMySQLWaitsForItsTurnAndSaysSo(t *testing.T) {
	dir := mysqlDir(t)
	busy := flock.New(filepath.Join(dir, "lock"))
	mysqlMust(t, busy.Lock())
	defer busy.Close()
	got, err := embedded.StatusMySQL(dir)
	if mysqlMust(t, err); !got.Busy {
		t.Errorf("status %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = embedded.EnsureMySQL(ctx, embedded.MySQLOptions{Dir: dir})
	var p *problem.Problem
	if !errors.As(err, &p) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestMySQLStatusText(t *testing.T) {
	for _, test := range []struct {
		status embedded.MySQLStatus
		en, ko string
	}{
		{embedded.MySQLStatus{}, "embedded MySQL: not running", "내장 MySQL: 실행 중이 아님"},
		{embedded.MySQLStatus{Busy: true}, "embedded MySQL: starting or stopping", "내장 MySQL: 시작 또는 종료하는 중"},
		{
			embedded.MySQLStatus{Running: true, Version: "MariaDB 10.11.6", Port: 4000, PID: 7, InUse: true},
			"embedded MySQL: MariaDB 10.11.6 on 127.0.0.1:4000, process 7, in use, stops with its last user",
			"내장 MySQL: 127.0.0.1:4000에서 MariaDB 10.11.6 실행 중, 프로세스 7, 사용 중, 마지막 사용자가 끝나면 종료됨",
		},
		{
			embedded.MySQLStatus{Running: true, Version: "MySQL 8.4.3", Port: 4000, PID: 7, Keep: true},
			"embedded MySQL: MySQL 8.4.3 on 127.0.0.1:4000, process 7, not used by anyone now, kept up",
			"내장 MySQL: 127.0.0.1:4000에서 MySQL 8.4.3 실행 중, 프로세스 7, 지금은 아무도 쓰지 않음, 계속 켜 둠",
		},
	} {
		if got := test.status.Text(); got.EN != test.en || got.KO != test.ko {
			t.Errorf("%+v:\n%s\n%s", test.status, got.EN, got.KO)
		}
	}
}

// BenchmarkMySQL measures what a person waits for: the first start, later ones, and joining one that runs.
func BenchmarkMySQL(b *testing.B) {
	dir := mysqlDir(b)
	mysqlMust(b, ensureMySQL(b, dir).Release(context.Background())) // the packages are there from here on
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			m := ensureMySQL(b, filepath.Join(dir, strconv.FormatInt(time.Now().UnixNano(), 36)))
			b.StopTimer()
			mysqlMust(b, m.Release(context.Background()))
			b.StartTimer()
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			m := ensureMySQL(b, dir)
			b.StopTimer()
			mysqlMust(b, m.Release(context.Background()))
			b.StartTimer()
		}
	})
	b.Run("join", func(b *testing.B) {
		m := ensureMySQL(b, dir)
		for b.Loop() {
			mysqlMust(b, ensureMySQL(b, dir).Release(context.Background()))
		}
		mysqlMust(b, m.Release(context.Background()))
	})
	b.Run("stop", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			m := ensureMySQL(b, dir)
			b.StartTimer()
			mysqlMust(b, m.Release(context.Background()))
		}
	})
}

// mysqlDir is a server's folder, in a test that needs a server. When the test ends, whatever still runs in the folder is
// stopped, and that is an error.
func mysqlDir(t testing.TB) string {
	t.Helper()
	mysqltest.Need(t, embedded.FindMySQLProgram(t.Context())) // before any other process looks for one
	dir := t.TempDir()
	t.Cleanup(func() {
		status, err := embedded.StatusMySQL(dir)
		if err != nil || status.Running {
			t.Errorf("left behind: %+v, %v", status, err)
		}
		if status.PID != 0 { // its users may be left behind, too
			mysqlMust(t, syscall.Kill(status.PID, syscall.SIGKILL))
		}
		mysqlEventually(t, "no process is left in "+dir, func() bool { return len(mysqlProcessesIn(t, dir)) == 0 })
	})
	return dir
}

func ensureMySQL(t testing.TB, dir string) *embedded.MySQL {
	t.Helper()
	m, err := embedded.EnsureMySQL(context.Background(), embedded.MySQLOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mysqlStatus(t testing.TB, dir string) embedded.MySQLStatus {
	t.Helper()
	var status embedded.MySQLStatus
	mysqlEventually(t, "nobody starts or stops the server", func() bool {
		var err error
		status, err = embedded.StatusMySQL(dir)
		mysqlMust(t, err)
		return !status.Busy
	})
	return status
}

// killMySQL pulls the plug of the running server and waits until it is gone.
func killMySQL(t *testing.T, dir string) {
	t.Helper()
	p, err := os.FindProcess(mysqlStatus(t, dir).PID)
	mysqlMust(t, err)
	mysqlMust(t, p.Kill())
	mysqlEventually(t, "the server is gone", func() bool { return !mysqlStatus(t, dir).Running })
}

// mysqlUser is another process that uses the server of a folder.
type mysqlUser struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Scanner
	server int // the server's process id, when it is ready
	ended  sync.Once
}

const envMySQLUser = "TEST_MYSQL_USER_OF"

// startMySQLUser starts this test binary again, as TestMySQLUserProcess.
func startMySQLUser(t *testing.T, dir string) *mysqlUser {
	t.Helper()
	u := &mysqlUser{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestMySQLUserProcess$", "-test.count=1")}
	u.cmd.Env = append(os.Environ(), envMySQLUser+"="+dir)
	u.cmd.Stderr = os.Stderr
	stdin, err := u.cmd.StdinPipe()
	mysqlMust(t, err)
	stdout, err := u.cmd.StdoutPipe()
	mysqlMust(t, err)
	u.stdin, u.stdout = stdin, bufio.NewScanner(stdout)
	mysqlMust(t, u.cmd.Start())
	t.Cleanup(u.kill)
	return u
}

// TestMySQLUserProcess is what the other process does: it uses the server until its standard input ends.
func TestMySQLUserProcess(t *testing.T) {
	dir := os.Getenv(envMySQLUser)
	if dir == "" {
		t.Skip("not a test of its own: the other tests start it as a second process")
	}
	m, err := embedded.EnsureMySQL(t.Context(), embedded.MySQLOptions{Dir: dir, Progress: func(s i18n.Text) { fmt.Println(s.EN) }})
	mysqlMust(t, err)
	fmt.Println("ready", mysqlStatus(t, dir).PID)
	_, err = io.Copy(io.Discard, os.Stdin)
	mysqlMust(t, err)
	mysqlMust(t, m.Release(t.Context()))
	fmt.Println("released")
}

// waitFor reads what the process says until a line begins with a word.
func (u *mysqlUser) waitFor(word string) {
	u.t.Helper()
	for u.stdout.Scan() {
		line := u.stdout.Text()
		if pid, ok := strings.CutPrefix(line, "ready "); ok {
			server, err := strconv.Atoi(pid)
			mysqlMust(u.t, err)
			u.server = server
		}
		if strings.HasPrefix(line, word) {
			return
		}
	}
	u.t.Fatalf("the other process ended without %q: %v", word, u.stdout.Err())
}

// release lets the process give its share back and end.
func (u *mysqlUser) release() {
	u.t.Helper()
	mysqlMust(u.t, u.stdin.Close())
	u.waitFor("released")
	u.ended.Do(func() {
		for u.stdout.Scan() { // what the test binary says at its end
		}
		mysqlMust(u.t, u.cmd.Wait())
	})
}

// kill is kill -9, unless the process has ended.
func (u *mysqlUser) kill() {
	u.ended.Do(func() {
		mysqlMust(u.t, u.cmd.Process.Kill())
		_ = u.cmd.Wait() // "signal: killed"
	})
}

// mysqlProcessesIn are the command lines of the processes that work in a folder.
func mysqlProcessesIn(t testing.TB, dir string) []string {
	t.Helper()
	all, err := process.Processes()
	mysqlMust(t, err)
	var in []string
	for _, p := range all {
		line, err := p.Cmdline()
		if err != nil { // it ended meanwhile
			continue
		}
		cwd, err := p.Cwd()
		if err == nil && (strings.HasPrefix(cwd, dir) || strings.Contains(line, dir)) && !mysqlGone(t, p.Pid) {
			in = append(in, line)
		}
	}
	return in
}

// mysqlGone tells whether a process has ended; one that only waits for its parent to notice has.
func mysqlGone(t testing.TB, pid int32) bool {
	t.Helper()
	p, err := process.NewProcess(pid)
	if errors.Is(err, process.ErrorProcessNotRunning) {
		return true
	}
	mysqlMust(t, err)
	status, err := p.Status()
	return err != nil || slices.Contains(status, process.Zombie)
}

// mysqlEventually waits for a condition, looking every few milliseconds.
func mysqlEventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}

func mysqlMust(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
