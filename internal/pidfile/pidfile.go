// Package pidfile tells whether a server lives, where it is, and ends it, from any process: a file names the server's
// process, and that process holds a lock on it for as long as it lives, however it ends.
//
// The file never lies. It comes up under its name with the lock on it, only its process writes to it, and nobody else
// ever locks it exclusively. So while the lock is held the process id in the file is that of the process that holds it;
// what a kill -9 leaves behind is a file without a lock, and names nobody. A signal is only sent while the lock is held:
// it never reaches a stranger who has got the id of a dead process.
//
// The lock is flock(2)'s, and belongs to the open file: a command that inherits the file keeps the lock after its starter
// has closed it or died.
package pidfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// State is what a server tells other processes about itself.
type State struct {
	PID       int       `json:"-"`         // the first line of the file
	Addresses []string  `json:"addresses"` // host:port
	ClusterID string    `json:"clusterId,omitempty"`
	Started   time.Time `json:"started"`
}

var (
	// ErrNotRunning says that no process holds the file.
	ErrNotRunning = errors.New("no process holds the pid file")
	// ErrStarting says that a process holds the file, and has not come so far as to write its State.
	ErrStarting = errors.New("the process that holds the pid file is still starting")
)

// File is a pid file that this process holds.
type File struct {
	path string
	file *os.File
}

// Create puts a new file at path, locked by this process and still empty, in place of one that nobody holds. Callers see
// to it, by a lock of their own, that it is not called for one path twice at the same time, nor while the file is held.
// It is to be removed with [File.Remove], or given away with [File.Start].
func Create(path string) (_ *File, err error) {
	fresh := path + ".new" // nobody looks there: the file is locked before it can be seen
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("lock %s: %w", fresh, err)
	} else {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(fresh))
	}
	return &File{path, f}, nil
}

// Write tells other processes that this one is ready. It is called once. State.PID is filled in.
func (f *File) Write(s State) error {
	text, err := json.Marshal(s)
	if err == nil {
		_, err = fmt.Fprintf(f.file, "%d\n%s\n", os.Getpid(), text)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return nil
}

// Start starts a command that holds the file from now on, instead of this process, until it ends. It writes the state
// itself, process id included, before anything else: even if this process dies meanwhile, others can find the command
// and end it. The command has no ExtraFiles; its Path is absolute. After an error this process still holds the file.
func (f *File) Start(cmd *exec.Cmd, s State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	const script = `printf '%d\n%s\n' $$ "$1" >&3 && shift && exec "$@"`
	cmd.Args = append([]string{"sh", "-c", script, "sh", string(text), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.ExtraFiles = []*os.File{f.file}
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = f.file.Close() // only the command's copy is of use
	return nil
}

// Remove removes the file and lets the lock go.
func (f *File) Remove() error {
	err := os.Remove(f.path)
	// Not by closing alone: a process that is just being forked has the open file too, until it becomes its program.
	return errors.Join(err, syscall.Flock(int(f.file.Fd()), syscall.LOCK_UN), f.file.Close())
}

// Read returns the state of the process that holds the file at path. The error is [ErrNotRunning] if none does, and
// [ErrStarting] if that has not told its state yet. It says nothing about whether the process answers: it may be suspended.
func Read(path string) (State, error) {
	f, err := openHeld(path)
	if err != nil {
		return State{}, err
	}
	defer f.Close()
	return read(f)
}

// Alive tells whether a process holds the file at path.
func Alive(path string) (bool, error) {
	f, err := openHeld(path)
	if errors.Is(err, ErrNotRunning) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

const (
	patience  = 15 * time.Second // with SIGTERM
	pollEvery = 10 * time.Millisecond
)

// Stop ends the process that holds the file at path, and waits for its end: with SIGTERM, and with SIGKILL after 15 s. It
// returns false if there is none. A process that is suspended is woken to end; one that is starting is waited for. After
// 30 s it gives up.
func Stop(ctx context.Context, path string) (stopped bool, err error) {
	return stop(ctx, path, patience)
}

func stop(ctx context.Context, path string, patience time.Duration) (stopped bool, err error) {
	f, err := openHeld(path)
	if errors.Is(err, ErrNotRunning) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	limited, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	kill := time.NewTimer(patience)
	defer kill.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()

	send, sent := terminate, false
	for {
		if held, err := isHeld(f); err != nil || !held {
			return !held, err
		}
		if !sent {
			err = send(f)
			if sent = err == nil; !sent && !errors.Is(err, ErrStarting) {
				return false, err
			}
		}
		select {
		case <-tick.C:
		case <-kill.C:
			send, sent = func(f *os.File) error { return signal(f, syscall.SIGKILL) }, false
		case <-limited.Done():
			return false, errors.Join(context.Cause(limited), err)
		}
	}
}

func terminate(f *os.File) error {
	if err := signal(f, syscall.SIGTERM); err != nil {
		return err
	}
	return signal(f, syscall.SIGCONT) // a suspended process would not see it
}

// signal sends a signal to the process that holds a file.
func signal(f *os.File, sig syscall.Signal) error {
	state, err := read(f)
	if err != nil {
		return err
	}
	p, err := os.FindProcess(state.PID) // on Linux a handle of this very process, whoever gets its id later
	if err != nil {
		return err
	}
	defer func() { _ = p.Release() }() // it is not waited for
	if held, err := isHeld(f); err != nil || !held {
		return err
	}
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal process %d: %w", state.PID, err)
	}
	return nil
}

// openHeld opens the file at path if a process holds it. Otherwise the error is ErrNotRunning.
func openHeld(path string) (*os.File, error) {
	for {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, ErrNotRunning
		}
		if err != nil {
			return nil, err
		}
		held, err := isHeld(f)
		if held {
			return f, nil
		}
		var replaced bool
		if err == nil {
			replaced, err = isReplaced(f, path)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		if !replaced {
			return nil, ErrNotRunning
		}
	}
}

// isHeld tells whether a process holds a file. Those that ask do not disturb each other: they lock it shared.
func isHeld(f *os.File) (bool, error) {
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return false, syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}

// isReplaced tells whether there is another file at path by now.
func isReplaced(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && !os.SameFile(mine, there), err
}

// read reads a file that a process holds: a line with the process id, and one with the rest of the state.
func read(f *os.File) (State, error) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
	if err != nil {
		return State{}, err
	}
	pid, rest, _ := bytes.Cut(text, []byte("\n"))
	rest, complete := bytes.CutSuffix(rest, []byte("\n"))
	if !complete {
		return State{}, ErrStarting
	}
	var s State
	if s.PID, err = strconv.Atoi(string(pid)); err == nil {
		err = json.Unmarshal(rest, &s)
	}
	if err == nil && s.PID <= 0 {
		err = fmt.Errorf("there is no process %d", s.PID)
	}
	if err != nil {
		return State{}, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return s, nil
}
