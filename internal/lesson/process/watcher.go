package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"kafkahandson/internal/program"
)

// Watcher is a process of internal/leash that does something when this process is gone, however it went.
type Watcher struct {
	cmd  *exec.Cmd
	hold *os.File // closed when this process is gone
}

// Watch starts a watcher, with the arguments of internal/leash. End it with Close or Dismiss.
func (l *Launcher) Watch(ctx context.Context, args ...string) (*Watcher, error) {
	leash, err := l.builtLeash(ctx)
	if err != nil {
		return nil, err
	}
	parent, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w := &Watcher{cmd: exec.Command(leash, args...), hold: hold}
	w.cmd.ExtraFiles = []*os.File{parent} // descriptor 3
	w.cmd.Env = append(os.Environ(), program.EnvParent+"=3")
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := w.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a watcher: %w", err), parent.Close(), hold.Close())
	}
	return w, parent.Close()
}

// Close lets the watcher do its work, and waits for it.
func (w *Watcher) Close() error {
	err := w.hold.Close()
	if waitErr := w.cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", w.cmd, waitErr))
	}
	return err
}

// Dismiss ends the watcher, which has nothing to do any more.
func (w *Watcher) Dismiss() error {
	err := w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it was killed
	return errors.Join(err, w.hold.Close())
}

// builtLeash is the file of internal/leash, which looks after what cannot look after itself if this process is killed.
func (l *Launcher) builtLeash(ctx context.Context) (string, error) {
	const pkg = "internal/leash"
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leash == "" {
		files, err := l.Build(ctx, []string{pkg})
		if err != nil {
			return "", err
		}
		l.leash = files[pkg]
	}
	return l.leash, nil
}
