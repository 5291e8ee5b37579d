package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/pidfile"
	"kafkahandson/internal/problem"
)

// RunningKafka returns the state of the embedded Kafka that is up on a data directory; ok is false if none is. One whose
// process is suspended lives, and does not answer.
func RunningKafka(dir string) (state pidfile.State, ok bool) {
	state, err := pidfile.Read(filepath.Join(dir, pidFile))
	return state, err == nil
}

// StopKafka ends the process that runs an embedded Kafka on a data directory, and waits until it has let go of the
// directory: [pidfile.Stop]. It returns false if none was running. One whose process is not known is a *[problem.Problem].
func StopKafka(ctx context.Context, dir string) (bool, error) {
	stopped, err := pidfile.Stop(ctx, filepath.Join(dir, pidFile))
	switch {
	case errors.Is(err, pidfile.ErrStarting):
		return false, silent(err, dir)
	case err != nil:
		return false, fmt.Errorf("stop the embedded Kafka: %w", err)
	}
	unlock, err := lockDir(ctx, dir)
	if err != nil {
		return stopped, err
	}
	return stopped, unlock()
}

// DeleteKafka deletes a data directory. It refuses while a Kafka runs on it, with a *[problem.Problem].
func DeleteKafka(ctx context.Context, dir string) error {
	unlock, err := lockDir(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), unlock())
}

// lockDir locks the data directory of a Kafka that does not run. Its process may be on its last steps.
func lockDir(ctx context.Context, dir string) (unlock func() error, err error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) { // nobody has it
		return func() error { return nil }, nil
	}
	patient, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	lock := flock.New(filepath.Join(dir, lockFile))
	if _, err := lock.TryLockContext(patient, 10*time.Millisecond); err != nil {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case patient.Err() == nil:
			return nil, fmt.Errorf("lock the data directory of the embedded Kafka: %w", err)
		}
		if _, ok := RunningKafka(dir); ok {
			return nil, inUse(dir)
		}
		return nil, silent(nil, dir)
	}
	return lock.Close, nil
}

func inUse(dir string) error {
	return problem.Environment(nil,
		i18n.Text{EN: "another embedded Kafka is using %s", KO: "다른 내장 Kafka가 %s을(를) 사용하고 있습니다"}.With(dir),
		i18n.Text{EN: "see it with `lab status`, stop it with `lab down`", KO: "`lab status`로 확인하고 `lab down`으로 멈추세요"})
}

// silent is the problem of a directory that somebody uses who does not say who he is.
func silent(cause error, dir string) error {
	return problem.Environment(cause,
		i18n.Text{EN: "an embedded Kafka is using %s, but does not answer", KO: "내장 Kafka가 %s을(를) 사용하고 있지만 응답하지 않습니다"}.With(dir),
		i18n.Text{EN: "it may be starting: try again", KO: "시작하는 중일 수 있으니 다시 시도하세요"})
}
