package mysqld_test

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
	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/await"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/mysqld"
)

// greetingRow is a row of the tests.
type greetingRow struct{ ID int }

func TestIsSharedByProcesses(t *testing.T) {
	dir := newDir(t)
	other := startUser(t, dir)
	other.waitFor("ready")

	mine := start(t, dir)
	if got := status(t, dir); got.PID != other.server || got.Port != mine.Port() || !got.InUse {
		t.Errorf("status %+v, but the other process has server %d", got, other.server)
	}
	db := mysqltest.Open(t, mysql.Config{DSN: mine.DSN()})
	must(t, mysql.Migrate(t.Context(), db, &greetingRow{}))
	must(t, db.Create(&greetingRow{ID: 1}).Error)

	other.release()
	if got := status(t, dir); got.PID != other.server || !got.InUse {
		t.Errorf("the first one out stopped the server: %+v", got)
	}
	must(t, db.Create(&greetingRow{ID: 2}).Error)
	must(t, mine.Release(t.Context()))
	if got := status(t, dir); got.Running || got.InUse {
		t.Errorf("the last one out left the server: %+v", got)
	}
}

func TestIsStartedOnceByManyAtTheSameTime(t *testing.T) {
	dir := newDir(t)
	others := []*user{startUser(t, dir), startUser(t, dir)}
	mine := make([]*mysqld.Server, 4)
	var starts errgroup.Group
	for i := range mine {
		starts.Go(func() (err error) {
			mine[i], err = mysqld.Start(t.Context(), mysqld.Options{Dir: dir})
			return err
		})
	}
	must(t, starts.Wait())
	for _, other := range others {
		other.waitFor("ready")
		if got := status(t, dir); got.PID != other.server {
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
	must(t, ends.Wait())
	if got := status(t, dir); got.Running {
		t.Errorf("all are out, and it runs: %+v", got)
	}
}

// The starter is killed while it initialises, while it starts, and after that. What it leaves can be used.
func TestOutlivesItsKilledStarter(t *testing.T) {
	for _, moment := range []string{"preparing", "starting", "ready"} {
		t.Run(moment, func(t *testing.T) {
			dir := newDir(t)
			starter := startUser(t, dir)
			starter.waitFor(moment)
			starter.kill()

			mine := start(t, dir)
			if moment == "ready" {
				if got := status(t, dir); got.PID != starter.server {
					t.Errorf("server %d was replaced: %+v", starter.server, got)
				}
			}
			db := mysqltest.Open(t, mysql.Config{DSN: mine.DSN()})
			must(t, mysql.Migrate(t.Context(), db, &greetingRow{}))
			must(t, mine.Release(t.Context()))
			if got := status(t, dir); got.Running {
				t.Errorf("status %+v", got)
			}
		})
	}

	t.Run("and can be stopped", func(t *testing.T) {
		dir := newDir(t)
		starter := startUser(t, dir)
		starter.waitFor("ready")
		starter.kill()
		if got := status(t, dir); !got.Running || got.InUse || got.PID != starter.server {
			t.Errorf("status %+v, want server %d running, not in use", got, starter.server)
		}
		must(t, mysqld.Stop(t.Context(), dir))
		if got := status(t, dir); got.Running {
			t.Errorf("status %+v", got)
		}
		must(t, mysqld.Stop(t.Context(), dir)) // nothing to stop is no error
	})
}

// A commit that was acknowledged survives kill -9 of the server, a transaction under way leaves nothing, and the
// next one to come gets a server that goes on.
func TestRecoversFromKill(t *testing.T) {
	dir := newDir(t)
	before := start(t, dir)
	db := mysqltest.Open(t, mysql.Config{DSN: before.DSN()})
	must(t, mysql.Migrate(t.Context(), db, &greetingRow{}))

	under := db.Begin()
	must(t, under.Create(&greetingRow{ID: -1}).Error)
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
	kill(t, dir)
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
	if got := status(t, dir); got.Running || !got.InUse {
		t.Errorf("after the kill: %+v", got)
	}

	after := start(t, dir)
	if after.Port() != before.Port() {
		t.Errorf("the port changed from %d to %d, although it was free", before.Port(), after.Port())
	}
	var ids []int // through the pool that lived through it
	must(t, db.Model(&greetingRow{}).Order("id").Pluck("id", &ids).Error)
	if len(ids) == 0 || ids[0] != 1 {
		t.Errorf("the transaction under way left rows: %v", ids)
	}
	// The one on its way when the server died may be stored or not.
	if n := len(ids); n != last && n != last+1 || ids[n-1] != n {
		t.Errorf("%d commits acknowledged, %d rows, the last is %d", last, n, ids[n-1])
	}
	must(t, db.Create(&greetingRow{ID: 1_000_000}).Error)

	must(t, before.Release(t.Context()))
	if got := status(t, dir); !got.Running {
		t.Errorf("one share is left, and it ended: %+v", got)
	}
	must(t, after.Release(t.Context()))
	if got := status(t, dir); got.Running {
		t.Errorf("status %+v", got)
	}
}

// Whoever comes while the server is dying gets the next one.
func TestIsStartedAgainWhileItDies(t *testing.T) {
	dir := newDir(t)
	before := start(t, dir)
	for range 5 {
		p, err := os.FindProcess(status(t, dir).PID)
		must(t, err)
		must(t, p.Kill())
		after := start(t, dir)
		mysqltest.Open(t, mysql.Config{DSN: after.DSN()})
		must(t, after.Release(t.Context()))
	}
	must(t, before.Release(t.Context()))
}

// A server that somebody has suspended lives, and can be stopped.
func TestStopsASuspendedServer(t *testing.T) {
	dir := newDir(t)
	user := startUser(t, dir)
	user.waitFor("ready")
	user.kill() // what it used stays
	must(t, syscall.Kill(status(t, dir).PID, syscall.SIGSTOP))
	if got := status(t, dir); !got.Running {
		t.Errorf("status %+v", got)
	}
	must(t, mysqld.Stop(t.Context(), dir))
	if got := status(t, dir); got.Running {
		t.Errorf("status %+v", got)
	}
}

// MariaDB may miss a signal amid its start. It is not left to the kill that comes much later.
func TestStopsAServerAmidItsStart(t *testing.T) {
	dir := newDir(t)
	must(t, start(t, dir).Release(t.Context()))
	said := func() int {
		log, err := os.ReadFile(filepath.Join(dir, "server.log"))
		must(t, err)
		return strings.Count(string(log), "\n")
	}
	for lines := range 10 {
		before := said()
		starter := startUser(t, dir)
		starter.waitFor("starting")
		await.True(t, "it has said so much", func() bool { return said() >= before+lines })
		starter.kill()
		begin := time.Now()
		must(t, mysqld.Stop(t.Context(), dir))
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("after %d lines of its log it took %v", lines, took)
		}
	}
}

func TestTakesAnotherPortWhenItsOwnIsTaken(t *testing.T) {
	dir := newDir(t)
	m := start(t, dir)
	must(t, m.Release(t.Context()))
	taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.Port())))
	must(t, err)
	defer taken.Close()
	again := start(t, dir)
	if again.Port() == m.Port() {
		t.Errorf("port %d is taken", m.Port())
	}
	mysqltest.Open(t, mysql.Config{DSN: again.DSN()})
	must(t, again.Release(t.Context()))
}

func TestReplacesDataOfAnotherSeries(t *testing.T) {
	dir := newDir(t)
	must(t, start(t, dir).Release(t.Context()))
	// As a program that has gone since would have left it.
	file := filepath.Join(dir, "server.json")
	b, err := os.ReadFile(file)
	must(t, err)
	var state map[string]any
	must(t, json.Unmarshal(b, &state))
	state["program"] = map[string]string{"server": filepath.Join(dir, "gone"), "version": "MySQL 5.5.1"}
	b, err = json.Marshal(state)
	must(t, err)
	must(t, os.WriteFile(file, b, 0o600))

	var said []string
	m, err := mysqld.Start(t.Context(), mysqld.Options{Dir: dir, Progress: func(s i18n.Text) { said = append(said, s.EN) }})
	must(t, err)
	if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, "preparing") }) {
		t.Errorf("no new database was prepared: %q", said)
	}
	must(t, m.Release(t.Context()))
}

// An installed server that cannot initialise (Ubuntu's AppArmor forbids mysqld the user's folders) is not the end.
func TestPassesOverAnInstalledServerThatFails(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs a distribution whose packages can be fetched without root: no apt-get here")
	}
	mysqltest.Need(t, mysqld.FetchProgram(t.Context()))
	bin := t.TempDir()
	for name, script := range map[string]string{
		"mariadbd":           "echo 'mariadbd  Ver 99.1.2-MariaDB'",
		"mariadb-install-db": "echo '[ERROR] Permission denied' >&2; exit 1",
	} {
		must(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	m := start(t, newDir(t))
	if strings.Contains(m.Version(), "99.1.2") {
		t.Errorf("the failing server was used: %s", m.Version())
	}
	must(t, m.Release(t.Context()))
}

func TestUserHasTheCoursesRightsOnly(t *testing.T) {
	m := start(t, newDir(t))
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
	must(t, db.Raw("SELECT @@bind_address").Scan(&host).Error)
	if host != "127.0.0.1" {
		t.Errorf("listens on %s", host)
	}
	must(t, m.Release(t.Context()))
}

func TestStartEndsWithItsContext(t *testing.T) {
	dir := newDir(t)
	must(t, start(t, dir).Release(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := mysqld.Start(ctx, mysqld.Options{Dir: dir, Progress: func(s i18n.Text) {
		if strings.HasPrefix(s.EN, "starting") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got := status(t, dir); got.Running || got.InUse {
		t.Errorf("status %+v", got)
	}
}

func TestIsNotTakenFromItsUsers(t *testing.T) {
	dir := newDir(t)
	other := startUser(t, dir)
	other.waitFor("ready")
	for _, err := range []error{mysqld.Stop(t.Context(), dir), mysqld.Delete(t.Context(), dir)} {
		if !errors.Is(err, mysqld.ErrInUse) {
			t.Errorf("got %v", err)
		}
	}
	if got := status(t, dir); !got.InUse || got.PID != other.server {
		t.Errorf("status %+v, want server %d in use", got, other.server)
	}
	other.release()
}

func TestIsDeleted(t *testing.T) {
	dir := newDir(t)
	m := start(t, dir)
	config := mysql.Config{DSN: m.DSN()}
	must(t, mysql.Migrate(t.Context(), mysqltest.Open(t, config), &greetingRow{}))
	must(t, m.Release(t.Context()))
	must(t, mysqld.Delete(t.Context(), dir))
	must(t, mysqld.Delete(t.Context(), dir)) // nothing to delete is no error
	var left []string
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if !slices.Equal(left, []string{"leases", "lock"}) { // other processes may wait for these very files
		t.Errorf("%v is left", left)
	}

	m = start(t, dir)
	if mysqltest.Open(t, mysql.Config{DSN: m.DSN()}).Migrator().HasTable(&greetingRow{}) {
		t.Error("the table is still there")
	}
	must(t, m.Release(t.Context()))
}

func TestWaitsForItsTurnAndSaysSo(t *testing.T) {
	dir := newDir(t)
	busy := flock.New(filepath.Join(dir, "lock"))
	must(t, busy.Lock())
	defer busy.Close()
	got, err := mysqld.StatusOf(dir)
	if must(t, err); !got.Busy {
		t.Errorf("status %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = mysqld.Start(ctx, mysqld.Options{Dir: dir})
	var told *mysqld.Error
	if !errors.As(err, &told) || told.Reason != mysqld.Busy || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestStatusText(t *testing.T) {
	for _, test := range []struct {
		status mysqld.Status
		en, ko string
	}{
		{mysqld.Status{}, "embedded MySQL: not running", "내장 MySQL: 실행 중이 아님"},
		{mysqld.Status{Busy: true}, "embedded MySQL: starting or stopping", "내장 MySQL: 시작 또는 종료하는 중"},
		{
			mysqld.Status{Running: true, Version: "MariaDB 10.11.6", Port: 4000, PID: 7, InUse: true},
			"embedded MySQL: MariaDB 10.11.6 on 127.0.0.1:4000, process 7, in use, stops with its last user",
			"내장 MySQL: 127.0.0.1:4000에서 MariaDB 10.11.6 실행 중, 프로세스 7, 사용 중, 마지막 사용자가 끝나면 종료됨",
		},
		{
			mysqld.Status{Running: true, Version: "MySQL 8.4.3", Port: 4000, PID: 7},
			"embedded MySQL: MySQL 8.4.3 on 127.0.0.1:4000, process 7, not used by anyone now",
			"내장 MySQL: 127.0.0.1:4000에서 MySQL 8.4.3 실행 중, 프로세스 7, 지금은 아무도 쓰지 않음",
		},
	} {
		if got := test.status.Text(); got.EN != test.en || got.KO != test.ko {
			t.Errorf("%+v:\n%s\n%s", test.status, got.EN, got.KO)
		}
	}
}

// BenchmarkStart measures what a person waits for: the first start, later ones, and joining one that runs.
func BenchmarkStart(b *testing.B) {
	dir := newDir(b)
	must(b, start(b, dir).Release(context.Background())) // the packages are there from here on
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			m := start(b, filepath.Join(dir, strconv.FormatInt(time.Now().UnixNano(), 36)))
			b.StopTimer()
			must(b, m.Release(context.Background()))
			b.StartTimer()
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			m := start(b, dir)
			b.StopTimer()
			must(b, m.Release(context.Background()))
			b.StartTimer()
		}
	})
	b.Run("join", func(b *testing.B) {
		m := start(b, dir)
		for b.Loop() {
			must(b, start(b, dir).Release(context.Background()))
		}
		must(b, m.Release(context.Background()))
	})
	b.Run("stop", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			m := start(b, dir)
			b.StartTimer()
			must(b, m.Release(context.Background()))
		}
	})
}

// newDir is a server's folder, in a test that needs a server: a short run skips it. When the test ends, whatever still
// runs in the folder is stopped, and that is an error.
func newDir(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it prepares a MySQL of its own, which takes seconds")
	}
	mysqltest.Need(t, mysqld.FindProgram(t.Context())) // before any other process looks for one
	dir := t.TempDir()
	t.Cleanup(func() {
		status, err := mysqld.StatusOf(dir)
		if err != nil || status.Running {
			t.Errorf("left behind: %+v, %v", status, err)
		}
		if status.PID != 0 { // its users may be left behind, too
			must(t, syscall.Kill(status.PID, syscall.SIGKILL))
		}
		await.True(t, "no process is left in "+dir, func() bool { return len(processesIn(t, dir)) == 0 })
	})
	return dir
}

func start(t testing.TB, dir string) *mysqld.Server {
	t.Helper()
	m, err := mysqld.Start(context.Background(), mysqld.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func status(t testing.TB, dir string) mysqld.Status {
	t.Helper()
	var status mysqld.Status
	await.True(t, "nobody starts or stops the server", func() bool {
		var err error
		status, err = mysqld.StatusOf(dir)
		must(t, err)
		return !status.Busy
	})
	return status
}

// kill pulls the plug of the running server and waits until it is gone.
func kill(t *testing.T, dir string) {
	t.Helper()
	p, err := os.FindProcess(status(t, dir).PID)
	must(t, err)
	must(t, p.Kill())
	await.True(t, "the server is gone", func() bool { return !status(t, dir).Running })
}

// user is another process that uses the server of a folder.
type user struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Scanner
	server int // the server's process id, when it is ready
	ended  sync.Once
}

const envUser = "TEST_MYSQL_USER_OF"

// startUser starts this test binary again, as TestUserProcess.
func startUser(t *testing.T, dir string) *user {
	t.Helper()
	u := &user{t: t, cmd: exec.Command(os.Args[0], "-test.run=^TestUserProcess$", "-test.count=1")}
	u.cmd.Env = append(os.Environ(), envUser+"="+dir)
	u.cmd.Stderr = os.Stderr
	stdin, err := u.cmd.StdinPipe()
	must(t, err)
	stdout, err := u.cmd.StdoutPipe()
	must(t, err)
	u.stdin, u.stdout = stdin, bufio.NewScanner(stdout)
	must(t, u.cmd.Start())
	t.Cleanup(u.kill)
	return u
}

// TestUserProcess is what the other process does: it uses the server until its standard input ends.
func TestUserProcess(t *testing.T) {
	dir := os.Getenv(envUser)
	if dir == "" {
		t.Skip("not a test of its own: the other tests start it as a second process")
	}
	m, err := mysqld.Start(t.Context(), mysqld.Options{Dir: dir, Progress: func(s i18n.Text) { fmt.Println(s.EN) }})
	must(t, err)
	fmt.Println("ready", status(t, dir).PID)
	_, err = io.Copy(io.Discard, os.Stdin)
	must(t, err)
	must(t, m.Release(t.Context()))
	fmt.Println("released")
}

// waitFor reads what the process says until a line begins with a word.
func (u *user) waitFor(word string) {
	u.t.Helper()
	for u.stdout.Scan() {
		line := u.stdout.Text()
		if pid, ok := strings.CutPrefix(line, "ready "); ok {
			server, err := strconv.Atoi(pid)
			must(u.t, err)
			u.server = server
		}
		if strings.HasPrefix(line, word) {
			return
		}
	}
	u.t.Fatalf("the other process ended without %q: %v", word, u.stdout.Err())
}

// release lets the process give its share back and end.
func (u *user) release() {
	u.t.Helper()
	must(u.t, u.stdin.Close())
	u.waitFor("released")
	u.ended.Do(func() {
		for u.stdout.Scan() { // what the test binary says at its end
		}
		must(u.t, u.cmd.Wait())
	})
}

// kill is kill -9, unless the process has ended.
func (u *user) kill() {
	u.ended.Do(func() {
		must(u.t, u.cmd.Process.Kill())
		_ = u.cmd.Wait() // "signal: killed"
	})
}

// processesIn are the command lines of the processes that work in a folder.
func processesIn(t testing.TB, dir string) []string {
	t.Helper()
	all, err := process.Processes()
	must(t, err)
	var in []string
	for _, p := range all {
		line, err := p.Cmdline()
		if err != nil { // it ended meanwhile
			continue
		}
		cwd, err := p.Cwd()
		if err == nil && (strings.HasPrefix(cwd, dir) || strings.Contains(line, dir)) && !gone(t, p.Pid) {
			in = append(in, line)
		}
	}
	return in
}

// gone tells whether a process has ended; one that only waits for its parent to notice has.
func gone(t testing.TB, pid int32) bool {
	t.Helper()
	p, err := process.NewProcess(pid)
	if errors.Is(err, process.ErrorProcessNotRunning) {
		return true
	}
	must(t, err)
	status, err := p.Status()
	return err != nil || slices.Contains(status, process.Zombie)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
