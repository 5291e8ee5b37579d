package mysqld

import (
	"errors"
	"os"
	"syscall"
)

// takeAlive takes the lock that says that a server runs. It returns nil if a server has it.
//
// The lock belongs to the open file, not to the process: a child that inherits the file keeps the lock after its parent
// has closed it or died. gofrs/flock cannot be used for that: it unlocks when it closes.
func takeAlive(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// detached puts the server into a session of its own: a Ctrl-C in the terminal is not for it.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
