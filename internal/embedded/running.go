package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/pidfile"
)

// RunningKafka returns the state of the embedded Kafka that is up on a data directory; ok is false if none is. One whose
// process is suspended lives, and does not answer.
func RunningKafka(dir string) (state pidfile.State, ok bool) {
	state, err := pidfile.Read(filepath.Join(dir, pidFile))
	return state, err == nil
}

// StopKafka ends the process that runs an embedded Kafka on a data directory, and waits until it has let go of the
// directory: [pidfile.Stop]. It returns false if none was running. The error is an
// [*InUseError] if the process is not known.
func StopKafka(ctx context.Context, dir string) (bool, error) {
	stopped, err := pidfile.Stop(ctx, filepath.Join(dir, pidFile))
	switch {
	case errors.Is(err, pidfile.ErrStarting):
		return false, inUse(dir, err)
	case err != nil:
		return false, fmt.Errorf("stop the embedded Kafka: %w", err)
	}
	unlock, err := lockDir(ctx, dir)
	if err != nil {
		return stopped, err
	}
	return stopped, unlock()
}

// DeleteKafka deletes a data directory. It refuses while a Kafka runs on it, with an [*InUseError].
func DeleteKafka(ctx context.Context, dir string) error {
	unlock, err := lockDir(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), unlock())
}

// lockDir locks the data directory of a Kafka that does not run. The error is an [*InUseError] if one does. The process
// that has the lock may be on its first or its last steps, and not known: it has 1 s to let go, or to tell its id.
func lockDir(ctx context.Context, dir string) (unlock func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) { // nobody has it
		return func() error { return nil }, nil
	}
	patient, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	lock := flock.New(filepath.Join(dir, lockFile))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if locked, err := lock.TryLock(); err != nil {
			return nil, fmt.Errorf("lock the data directory of the embedded Kafka: %w", err)
		} else if locked {
			return lock.Close, nil
		}
		if _, known := RunningKafka(dir); known {
			return nil, inUse(dir, nil)
		}
		select {
		case <-tick.C:
		case <-patient.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, inUse(dir, nil)
		}
	}
}

// InUseError is a data directory that a Kafka uses.
type InUseError struct {
	Dir string
	PID int   // of its process; 0 if it has not told yet
	Err error // nil if there is nothing to add
}

func (e *InUseError) Error() string {
	text := "another embedded Kafka is using " + e.Dir
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}
func (e *InUseError) Unwrap() error { return e.Err }

func inUse(dir string, cause error) error {
	state, _ := RunningKafka(dir)
	return &InUseError{Dir: dir, PID: state.PID, Err: cause}
}
