package mysqld

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/localport"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/pidfile"
)

const (
	startLimit = time.Minute      // recovery of a large log on a slow disk included
	deafLimit  = 15 * time.Second // of a start that somebody wants to end
	pollEvery  = 10 * time.Millisecond
)

var errEnded = errors.New("the embedded MySQL ended before it answered")

// settings is server.json: what one start leaves to the next.
type settings struct {
	Port  int  `json:"port"`
	Ready bool `json:"ready"` // it has answered since its start
	// Program made the data directory. Empty: there is none, or none that is complete.
	Program program `json:"program"`
}

func (s folder) readSettings() (settings, error) {
	var state settings
	b, err := os.ReadFile(s.path("server.json"))
	if errors.Is(err, os.ErrNotExist) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &state)
	}
	if err != nil {
		return state, fmt.Errorf("read the state of the embedded MySQL: %w", err)
	}
	return state, nil
}

func (s folder) writeSettings(state settings) error {
	b, err := json.MarshalIndent(state, "", "  ")
	if err == nil {
		err = os.WriteFile(s.path("server.json.new"), b, 0o600)
	}
	if err == nil {
		err = os.Rename(s.path("server.json.new"), s.path("server.json")) // never half written
	}
	if err != nil {
		return fmt.Errorf("write the state of the embedded MySQL: %w", err)
	}
	return nil
}

// alive tells whether the server runs.
func (s folder) alive() (bool, error) {
	alive, err := pidfile.Alive(s.path("alive"))
	if err != nil {
		return false, fmt.Errorf("look for the embedded MySQL: %w", err)
	}
	return alive, nil
}

// start makes the server run, on its data directory or on a new one, with the first program that can. The caller
// holds lock, and the server does not run.
func (s folder) start(ctx context.Context, o Options) (settings, *exec.Cmd, error) {
	state, err := s.readSettings()
	if err != nil {
		return state, nil, err
	}
	for _, leftover := range glob(s.dir, "data-*") {
		// The program of a killed initialisation may go on writing there for a second; then the next start gets the rest.
		_ = os.RemoveAll(leftover)
	}
	var failed error
	for _, find := range []func(context.Context, func(i18n.Text)) (program, error){
		// The one that made the data comes first: a server installed since may not read it.
		func(ctx context.Context, _ func(i18n.Text)) (program, error) { return state.Program.again(ctx) },
		findInstalled,
		// After an installed one that failed, too: Ubuntu's AppArmor confines /usr/sbin/mysqld to /var/lib/mysql.
		fetchPackages,
	} {
		p, err := find(ctx, o.Progress)
		if err == nil {
			err = s.prepare(ctx, p, &state, o.Progress)
		}
		if err == nil {
			child, err := s.serve(ctx, p, &state, o.Progress)
			return state, child, err
		}
		if ctx.Err() != nil {
			return state, nil, fmt.Errorf("start the embedded MySQL: %w", err)
		}
		if err != ErrNoProgram { // that alone says nothing new
			o.Progress(i18n.Text{
				EN: "this server cannot be used: %v",
				KO: "이 서버는 쓸 수 없습니다: %v",
			}.With(err))
			if failed != nil { // there is a server, and it failed: that another cannot be fetched is not the reason
				err = fmt.Errorf("%w; %v", failed, err)
			}
			failed = err
		}
	}
	return state, nil, noProgram(failed)
}

// prepare sees to it that there is a data directory that the program can read.
func (s folder) prepare(ctx context.Context, p program, state *settings, progress func(i18n.Text)) error {
	if info, err := os.Stat(s.path("data")); err == nil && info.IsDir() && state.Program.series() == p.series() {
		return nil
	}
	progress(i18n.Text{
		EN: "preparing a new database with %s",
		KO: "%s(으)로 새 데이터베이스를 준비하는 중입니다",
	}.With(p.Version))
	if err := s.initialise(ctx, p, state); err != nil {
		return fmt.Errorf("initialise the embedded MySQL with %s: %w", p.Server, err)
	}
	return nil
}

// initialise makes a data directory beside the old one, and puts it in its place when it is complete.
func (s folder) initialise(ctx context.Context, p program, state *settings) error {
	fresh := s.path("data-" + strconv.FormatInt(time.Now().UnixNano(), 36)) // the program wants to make it itself
	defer os.RemoveAll(fresh)
	if out, err := p.initCommand(ctx, s.dir, fresh).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, errorLines(string(out)))
	}

	state.Program = program{} // until there is a new data directory
	if err := s.writeSettings(*state); err != nil {
		return err
	}
	if err := os.RemoveAll(s.path("data")); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.path("data")); err != nil {
		return err
	}
	state.Program = p
	return s.writeSettings(*state)
}

// serve starts the program on the data directory, on the port it had before if that is free.
func (s folder) serve(ctx context.Context, p program, state *settings, progress func(i18n.Text)) (*exec.Cmd, error) {
	progress(i18n.Text{
		EN: "starting %s",
		KO: "%s 서버를 시작하는 중입니다",
	}.With(p.Version))
	if err := os.WriteFile(s.path("init.sql"), []byte(initSQL()), 0o600); err != nil {
		return nil, fmt.Errorf("start the embedded MySQL: %w", err)
	}
	state.Program = p
	for attempt := 1; ; attempt++ {
		port, err := freePort(state.Port)
		if err != nil {
			return nil, fmt.Errorf("find a port for the embedded MySQL: %w", err)
		}
		state.Port, state.Ready = port, false
		if err := s.writeSettings(*state); err != nil { // before the start: should this process die, others find the server
			return nil, err
		}
		child, err := s.launch(ctx, p, port)
		switch {
		case err == nil:
			state.Ready = true
			_ = s.writeSettings(*state) // without it, who stops the server asks it first
			return child, nil
		case ctx.Err() != nil:
			return nil, err
		case localport.Taken(port) && attempt < 3: // between the look and the start
			continue
		}
		return nil, &Error{Reason: Broken, Data: s.path("data"), Log: s.path("server.log"), Err: err}
	}
}

// launch starts the server and waits until it answers. On an error the server does not run.
func (s folder) launch(ctx context.Context, p program, port int) (*exec.Cmd, error) {
	// What a killed server leaves. It may still have a process id, as a zombie, and then MySQL would not start.
	for _, leftover := range glob(s.path("data"), "server.*") {
		if err := os.Remove(leftover); err != nil {
			return nil, fmt.Errorf("start the embedded MySQL: %w", err)
		}
	}
	log, err := os.OpenFile(s.path("server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start the embedded MySQL: %w", err)
	}
	defer log.Close()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("start the embedded MySQL: %w", err)
	}

	flags := slices.Concat([]string{
		"--no-defaults", // comes first
		"--datadir=" + s.path("data"),
		"--init-file=" + s.path("init.sql"),
		"--port=" + strconv.Itoa(port),
	}, serverFlags(p), sizeFlags(p), rootFlags())
	// Without the context's end: the server outlives this call, and this process.
	cmd := p.command(context.WithoutCancel(ctx), s.dir, p.Server, flags...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C in the terminal is not for it
	alive, err := pidfile.Create(s.path("alive"))
	if err != nil {
		return nil, fmt.Errorf("start the embedded MySQL: %w", err)
	}
	if err := alive.Start(cmd, pidfile.State{Addresses: []string{address(port)}, Started: time.Now().UTC()}); err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded MySQL: %w", err), alive.Remove())
	}
	if err := s.wait(ctx, port); err != nil {
		_ = cmd.Process.Kill() // it has not answered yet: there is nothing in it to save
		exit := cmd.Wait()
		return nil, fmt.Errorf("%s: %w (%v; %s)", p.Server, err, exit, s.logSince(begin))
	}
	return cmd, nil
}

// wait returns once the server answers on the port, or an error if it ends, or takes more than startLimit.
func (s folder) wait(ctx context.Context, port int) error {
	limited, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		answer := s.ping(limited, port)
		if answer == nil {
			return nil
		}
		alive, err := s.alive()
		if err != nil {
			return err
		}
		if !alive {
			return errEnded
		}
		select {
		case <-tick.C:
		case <-limited.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("wait for the embedded MySQL: %w", context.Cause(ctx))
			}
			return &Error{Reason: Silent, Port: port, Waited: startLimit, Log: s.path("server.log"), Err: answer}
		}
	}
}

// ping asks the server on a port for its data directory: an answer from another one's is none.
func (s folder) ping(ctx context.Context, port int) error {
	dc, err := driver.ParseDSN(dsnOf(port))
	if err != nil {
		return err
	}
	dc.Logger = &driver.NopLogger{} // until it is up, every attempt fails
	connector, err := driver.NewConnector(dc)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var dir string
	if err := db.QueryRowContext(ctx, "SELECT @@datadir").Scan(&dir); err != nil {
		return err
	}
	theirs, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("port %d belongs to another MySQL: %w", port, err)
	}
	ours, err := os.Stat(s.path("data"))
	if err == nil && !os.SameFile(ours, theirs) {
		err = fmt.Errorf("port %d belongs to another MySQL, on %s", port, dir)
	}
	return err
}

// stop ends the server, if it runs, and waits for its end: [pidfile.Stop]. The caller holds lock. If it has to be killed, it
// recovers at its next start.
func (s folder) stop(ctx context.Context) error {
	if state, err := s.readSettings(); err == nil && !state.Ready {
		// Its starter died. Amid its start MariaDB may miss a SIGTERM.
		patient, cancel := context.WithTimeout(ctx, deafLimit)
		defer cancel()
		_ = s.wait(patient, state.Port) // if there is no answer, the signal is next all the same
	}
	if _, err := pidfile.Stop(ctx, s.path("alive")); err != nil {
		return fmt.Errorf("stop the embedded MySQL: %w", err)
	}
	return nil
}

// logSince is what went wrong according to the log, from an offset on.
func (s folder) logSince(begin int64) string {
	b, err := os.ReadFile(s.path("server.log"))
	if err != nil || int64(len(b)) < begin {
		return "no log"
	}
	return errorLines(string(b[begin:])) + "; log: " + s.path("server.log")
}

// errorLines picks the error lines of a server's output, the last three at most. If nothing is marked as an
// error, it is the beginning of what was said.
func errorLines(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var picked []string
	for _, line := range lines {
		if strings.Contains(line, "ERROR") || strings.Contains(line, "error while loading") {
			picked = append(picked, strings.TrimSpace(line))
		}
	}
	if len(picked) == 0 {
		picked = lines[:min(3, len(lines))]
	}
	return strings.Join(picked[max(0, len(picked)-3):], "; ")
}

// serverFlags are the settings of a running server, beside its folder and port.
func serverFlags(p program) []string {
	flags := []string{
		"--bind-address=127.0.0.1",
		"--socket=server.sock", "--pid-file=server.pid", // in the data directory; the path of a socket must be short
		"--skip-name-resolve",

		"--character-set-server=utf8mb4",
		"--default-time-zone=+00:00",
		"--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION", // MySQL 8's default

		"--server-id=1",
		"--log-bin=binlog",
		"--loose-binlog-expire-logs-seconds=86400", // MariaDB ≥ 10.6
		"--max-binlog-size=16M",

		// A COMMIT survives the server's death, kill -9 included, for it is with the operating system by then; it may
		// not survive a power cut. The compose stack's MySQL waits for the disk.
		"--innodb-flush-log-at-trx-commit=2",
		"--sync-binlog=0",

		"--loose-performance-schema=OFF",    // memory
		"--loose-innodb-use-native-aio=OFF", // scarce, and often forbidden in containers
	}
	if p.mariaDB() {
		return append(flags,
			"--binlog-format=ROW", // MySQL's default
			// MariaDB ≥ 11.6 refuses to change a row that another transaction has changed since this one's first read.
			"--loose-innodb-snapshot-isolation=OFF")
	}
	return append(flags,
		"--mysqlx=OFF",            // a second port
		"--secure-file-priv=NULL") // by default a folder of the system's, without which it does not start
}

// sizeFlags keep a server's memory and files small. They matter when the files are made, too.
func sizeFlags(p program) []string {
	flags := []string{"--innodb-buffer-pool-size=32M", "--key-buffer-size=1M"}
	if p.mariaDB() {
		return append(flags, "--innodb-log-file-size=16M", "--aria-pagecache-buffer-size=8M")
	}
	return append(flags, "--loose-innodb-redo-log-capacity=32M") // MySQL ≥ 8.0.30
}

// initSQL makes the course's database and user what they are in the compose stack.
func initSQL() string {
	user := fmt.Sprintf("'%s'@'127.0.0.1'", mysql.DefaultUser)
	return strings.Join([]string{
		fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8mb4;", mysql.DefaultDatabase),
		fmt.Sprintf("CREATE USER IF NOT EXISTS %s IDENTIFIED BY '%s';", user, mysql.DefaultPassword),
		fmt.Sprintf("GRANT ALL ON `%s`.* TO %s;", mysql.DefaultDatabase, user),
		fmt.Sprintf("GRANT ALL ON `%s`.* TO %s;", strings.ReplaceAll(mysql.ScopedPrefix, "_", `\_`)+"%", user),
		fmt.Sprintf("GRANT REPLICATION SLAVE, REPLICATION CLIENT, PROCESS ON *.* TO %s;", user),
		// root, who has no password, comes in through the socket only.
		"DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1', 'root'@'%';",
	}, "\n") + "\n"
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePort is the wanted port on 127.0.0.1 if it is free, else another.
func freePort(wanted int) (int, error) {
	if wanted != 0 && !localport.Taken(wanted) {
		return wanted, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
