package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"kafkahandson/internal/program"
)

// watcher is a process of internal/leash that does something when this process is gone, however it went.
type watcher struct {
	cmd  *exec.Cmd
	hold *os.File // closed when this process is gone
}

// watch starts a watcher.
func (s *stage) watch(ctx context.Context, args ...string) (*watcher, error) {
	leash, err := s.leash(ctx)
	if err != nil {
		return nil, err
	}
	parent, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w := &watcher{cmd: exec.Command(leash, args...), hold: hold}
	w.cmd.ExtraFiles = []*os.File{parent} // descriptor 3
	w.cmd.Env = append(os.Environ(), program.EnvParent+"=3")
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := w.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a watcher: %w", err), parent.Close(), hold.Close())
	}
	return w, parent.Close()
}

// close lets the watcher do its work, and waits for it.
func (w *watcher) close() error {
	err := w.hold.Close()
	if waitErr := w.cmd.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", w.cmd, waitErr))
	}
	return err
}

// dismiss ends the watcher, which has nothing to do any more.
func (w *watcher) dismiss() error {
	err := w.cmd.Process.Kill()
	_ = w.cmd.Wait() // it was killed
	return errors.Join(err, w.hold.Close())
}

// leash is the file of internal/leash, which looks after what cannot look after itself if this process is killed.
func (s *stage) leash(ctx context.Context) (string, error) {
	const pkg = "internal/leash"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leashed == "" {
		files, err := s.build(ctx, []string{pkg})
		if err != nil {
			return "", err
		}
		s.leashed = files[pkg]
	}
	return s.leashed, nil
}
