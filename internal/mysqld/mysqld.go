// Package mysqld starts a private MariaDB or MySQL server: a process of its own, which needs no Docker and which all
// programs of this user share.
package mysqld

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/pidfile"
)

// Options says where the private MySQL lives.
type Options struct {
	// Dir is the server's folder: data, log, locks. One folder, one server. Default: mysql/server in the course's home
	Dir string
	// Progress is told, in the middle of a wait, what takes time (fetching, first initialisation). Default: nobody
	Progress func(i18n.Text)
}

// Server is this process's share in a running private server. Give it back with [Server.Release].
//
// # Who shares a server, and who stops it
//
// The server is a process of its own: it outlives the one that started it, and any number of processes use it at the
// same time. Three file locks in its folder say who does; the kernel drops a process's locks when it dies, however it
// dies, so none of them is ever stale:
//
//   - lock: held while someone looks at, initialises, starts or stops the server. Whoever holds it is alone.
//   - leases: held shared by every process that uses the server.
//   - alive: held by the server itself, whose pid file it is: [pidfile].
//
// Start takes lock, joins leases, starts the server if alive is free, and lets lock go. Release takes lock,
// leaves leases, and stops the server if nobody else is in leases. After a kill -9
//
//   - of the server, alive is free: the next Start starts it again, on the same data and, if free, the same port;
//   - of a process that used it, its lease is gone. If it was the only one, the server stays until the next
//     Start finds it and its Release stops it, or until StopUnused, which lessons have done for them
//     (internal/leash), or Stop;
//   - of a process that was initialising: data appears under its name only when it is complete, so it is made anew.
//
// The file server.json remembers the port and the program, for the next one to come.
type Server struct {
	folder   folder
	settings settings
	lease    *flock.Flock
	child    *exec.Cmd // the server, if this process started it
}

// Start returns once a private MySQL or MariaDB answers: it starts one, or joins the one that already runs in
// the folder. The first call initialises a data directory (0.5 to 2 s with MariaDB, some 5 s with MySQL), later ones
// start in a fraction of a second. If the machine has no server, it fetches MariaDB's packages where that works without
// root (Debian, Ubuntu). What the person at the keyboard can solve is an [*Error].
//
// It is safe for concurrent use, by goroutines as well as by processes.
func Start(ctx context.Context, o Options) (*Server, error) {
	server, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(i18n.Text) {}
	}
	unlock, err := server.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()

	m := &Server{folder: server, lease: flock.New(server.path("leases"))}
	if err := m.lease.RLock(); err != nil { // at once: only who holds lock ever takes it exclusively
		return nil, fmt.Errorf("lease the embedded MySQL: %w", err)
	}
	if err := m.join(ctx, o); err != nil {
		return nil, errors.Join(err, m.lease.Close())
	}
	return m, nil
}

// join waits for the running server, or starts one.
func (m *Server) join(ctx context.Context, o Options) error {
	alive, err := m.folder.alive()
	if err != nil {
		return err
	}
	if alive {
		if m.settings, err = m.folder.readSettings(); err != nil {
			return err
		}
		// It may still be starting, if its starter was killed, or be dying from a kill -9 of its own.
		err = m.folder.wait(ctx, m.settings.Port)
		if err == nil && !m.settings.Ready {
			m.settings.Ready = true
			err = m.folder.writeSettings(m.settings)
		}
		if !errors.Is(err, errEnded) {
			return err
		}
	}
	m.settings, m.child, err = m.folder.start(ctx, o)
	return err
}

// DSN is the data source name of the course's database on this server, for MYSQL_DSN or [mysql.Config].
func (m *Server) DSN() string { return dsnOf(m.settings.Port) }

// Port is the server's port on 127.0.0.1. It stays the same from start to start as long as it is free.
func (m *Server) Port() int { return m.settings.Port }

// Version is the server's name and version: "MariaDB 10.11.6", "MySQL 8.4.3".
func (m *Server) Version() string { return m.settings.Program.Version }

// Release gives the share back. The last one to do so stops the server; that takes
// 20 to 300 ms with MariaDB, 1 s with MySQL. Call it once, with a context that has not ended: not the one that Ctrl-C ends.
func (m *Server) Release(ctx context.Context) error {
	unlock, err := m.folder.lock(ctx)
	if err != nil {
		return errors.Join(err, m.lease.Close())
	}
	defer unlock()
	if err := m.lease.Unlock(); err != nil {
		return fmt.Errorf("return the lease of the embedded MySQL: %w", err)
	}
	err = m.folder.stopUnused(ctx)
	if m.child != nil {
		err = errors.Join(err, m.reap())
	}
	return err
}

// StopUnused stops the server of a folder ("" is the default one) unless somebody has a share in
// it: what the last one to Release it would have done, for whoever comes after a user that was killed. It is no error if
// none runs.
func StopUnused(ctx context.Context, dir string) error {
	server, err := openFolder(dir)
	if err != nil {
		return err
	}
	unlock, err := server.lock(ctx)
	if err != nil {
		return err
	}
	return errors.Join(server.stopUnused(ctx), unlock())
}

// stopUnused stops the server unless somebody uses it. The caller holds lock.
func (s folder) stopUnused(ctx context.Context) error {
	used, err := s.inUse()
	if err != nil || used {
		return err
	}
	return s.stop(ctx)
}

// reap collects the exit status of a server that this process started, if it has ended. If it has not, it becomes
// the child of init when this process ends.
func (m *Server) reap() error {
	alive, err := m.folder.alive()
	if err != nil || alive {
		return errors.Join(err, m.child.Process.Release())
	}
	var exit *exec.ExitError
	if err := m.child.Wait(); err != nil && !errors.As(err, &exit) { // how it ended is in its log
		return fmt.Errorf("wait for the embedded MySQL: %w", err)
	}
	return nil
}

// Stop stops the server of a folder ("" is the default one) that nobody uses. It is no error if none runs.
func Stop(ctx context.Context, dir string) error {
	return withUnused(ctx, dir, func(s folder) error { return s.stop(ctx) })
}

// Delete stops the server of a folder ("" is the default one) that nobody uses, and deletes its data. The next
// Start makes it anew.
func Delete(ctx context.Context, dir string) error {
	return withUnused(ctx, dir, func(s folder) error {
		if err := s.stop(ctx); err != nil {
			return err
		}
		return s.remove()
	})
}

// withUnused does something with a server that nobody uses, and that nobody can start meanwhile.
func withUnused(ctx context.Context, dir string, do func(folder) error) error {
	server, err := openFolder(dir)
	if err != nil {
		return err
	}
	unlock, err := server.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	used, err := server.inUse()
	if err != nil {
		return err
	}
	if used {
		return ErrInUse
	}
	return do(server)
}

// remove deletes all but the locks: another process may be waiting for one, and would get that of a file that is gone.
// The caller holds lock.
func (s folder) remove() error {
	entries, err := os.ReadDir(s.dir)
	for _, entry := range entries {
		if !slices.Contains([]string{"lock", "leases"}, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(s.path(entry.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("delete the data of the embedded MySQL: %w", err)
	}
	return nil
}

// Status is what is known about the private server of one folder.
type Status struct {
	Dir string `json:"dir"`
	// Busy: someone is starting or stopping it this moment; the rest is not known.
	Busy    bool   `json:"busy"`
	Running bool   `json:"running"`
	Version string `json:"version,omitempty"` // of the running server, or of the one that ran last
	Port    int    `json:"port,omitempty"`    // as Version
	PID     int    `json:"pid,omitempty"`
	DSN     string `json:"dsn,omitempty"`
	InUse   bool   `json:"in_use"` // at least one process has a share
}

// StatusOf looks at the server of a folder ("" is the default one). It does not wait for anybody.
func StatusOf(dir string) (Status, error) {
	server, err := openFolder(dir)
	if err != nil {
		return Status{}, err
	}
	status := Status{Dir: server.dir}
	lock := flock.New(server.path("lock"))
	free, err := lock.TryLock()
	if err != nil {
		return Status{}, fmt.Errorf("look at the embedded MySQL: %w", err)
	}
	if !free {
		status.Busy = true
		return status, lock.Close()
	}
	defer lock.Close()

	state, err := server.readSettings()
	if err != nil {
		return Status{}, err
	}
	status.Version, status.Port = state.Program.Version, state.Port
	if status.InUse, err = server.inUse(); err != nil {
		return Status{}, err
	}
	if status.Running, err = server.alive(); err != nil || !status.Running {
		return status, err
	}
	status.DSN = dsnOf(state.Port)
	process, err := pidfile.Read(server.path("alive"))
	if errors.Is(err, pidfile.ErrStarting) || errors.Is(err, pidfile.ErrNotRunning) { // it starts, or has just ended
		err = nil
	}
	status.PID = process.PID
	return status, err
}

// Text is the status in one line.
func (s Status) Text() i18n.Text {
	switch {
	case s.Busy:
		return i18n.Text{EN: "embedded MySQL: starting or stopping", KO: "내장 MySQL: 시작 또는 종료하는 중"}
	case !s.Running:
		return i18n.Text{EN: "embedded MySQL: not running", KO: "내장 MySQL: 실행 중이 아님"}
	}
	use := i18n.Text{EN: "not used by anyone now", KO: "지금은 아무도 쓰지 않음"}
	if s.InUse {
		use = i18n.Text{EN: "in use, stops with its last user", KO: "사용 중, 마지막 사용자가 끝나면 종료됨"}
	}
	return i18n.Text{
		EN: "embedded MySQL: %s on 127.0.0.1:%d, process %d, %s",
		KO: "내장 MySQL: 127.0.0.1:%[2]d에서 %[1]s 실행 중, 프로세스 %[3]d, %[4]s",
	}.With(s.Version, s.Port, s.PID, use)
}

func dsnOf(port int) string {
	dsn, err := mysql.Config{Port: port}.FormatDSN()
	if err != nil {
		panic(err) // the defaults are wrong: no input leads here
	}
	return dsn
}

// folder is the folder of one private server.
type folder struct{ dir string }

func openFolder(dir string) (folder, error) {
	if dir == "" {
		dir, err := home.Dir("mysql", "server")
		return folder{dir}, err
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700) // the socket in it admits root without a password
	}
	if err != nil {
		return folder{}, fmt.Errorf("create the folder of the embedded MySQL: %w", err)
	}
	return folder{dir}, nil
}

func (s folder) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// lock waits until this process is the only one to look at or change the server.
func (s folder) lock(ctx context.Context) (unlock func() error, err error) {
	return lockFile(ctx, s.path("lock"))
}

func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return nil, &Error{Reason: Busy, Lock: path, Err: err}
	}
	return lock.Close, nil
}

// inUse tells whether any process has a share. The caller holds lock.
func (s folder) inUse() (bool, error) {
	leases := flock.New(s.path("leases"))
	free, err := leases.TryLock()
	if err != nil {
		return false, fmt.Errorf("look for users of the embedded MySQL: %w", err)
	}
	return !free, leases.Close()
}
