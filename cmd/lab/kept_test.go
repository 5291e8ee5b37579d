package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/localport/localporttest"
	"kafkahandson/internal/problem"
)

// keeper runs lab with a home and ports of its own.
type keeper struct {
	t   *testing.T
	dir string // of the Kafka that is kept up
	env []string
}

func newKeeper(t *testing.T) keeper {
	t.Helper()
	work := t.TempDir()
	k := keeper{t: t, dir: keptDir(work), env: append(os.Environ(), "KAFKAHANDSON_HOME="+filepath.Join(work, "home"), "KAFKAHANDSON_STACK=embedded", "KAFKA_BROKERS=")}
	for i, port := range localporttest.Free(t, 3) {
		k.env = append(k.env, fmt.Sprintf("KAFKA%d_PORT=%d", i+1, port))
	}
	t.Cleanup(func() { k.lab("down", "--embedded") })
	return k
}

// lab returns the exit code, and what was said on both outputs.
func (k keeper) lab(args ...string) (code int, said string) {
	cmd := exec.Command("lab", args...)
	cmd.Dir, cmd.Env = "../..", k.env
	out, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		k.t.Error(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// atOnce runs one command as often as three people who type at the same time, and demands that it succeeds each time.
func (k keeper) atOnce(args ...string) {
	k.t.Helper()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if code, said := k.lab(args...); code != problem.ExitOK {
				k.t.Errorf("lab %s: exit code %d\n%s", strings.Join(args, " "), code, said)
			}
		})
	}
	wg.Wait()
}

// Whoever is faster starts the Kafka; the others wait for it, and leave its log alone. Whoever is faster ends it; the
// others wait, and do not cut its end short.
func TestUpAndDownAtOnce(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	for range 3 {
		k.atOnce("up", "--embedded", "--detach")
		state, ok := embedded.RunningKafka(k.dir)
		if !ok {
			t.Fatal("no Kafka is up")
		}
		if log, err := os.ReadFile(filepath.Join(k.dir, "lab.log")); err != nil || !strings.Contains(string(log), strings.Join(state.Addresses, ",")) {
			t.Errorf("the log is %q (%v), and the Kafka on %v", log, err, state.Addresses)
		}
		if logs, err := filepath.Glob(filepath.Join(k.dir, "*.log")); err != nil || len(logs) != 1 {
			t.Errorf("the logs are %v (%v)", logs, err)
		}
		k.atOnce("down", "--embedded")
		if _, err := os.Stat(filepath.Join(k.dir, "kafka.json")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it was killed, or lives: kafka.json is left (%v)", err)
		}
	}
}

// A Kafka that somebody has suspended is neither down nor in use: all say which process it is, and what ends it.
func TestSuspendedKafkaIsTold(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	if code, said := k.lab("up", "--embedded", "--detach"); code != problem.ExitOK {
		t.Fatal(said)
	}
	state, ok := embedded.RunningKafka(k.dir)
	if !ok {
		t.Fatal("no Kafka is up")
	}
	if err := syscall.Kill(state.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup // each of them waits for answers
	for _, command := range [][]string{{"status"}, {"doctor"}, {"up", "--embedded"}, {"up", "--embedded", "--detach"}, {"topic", "list"}} {
		for _, lang := range []string{"en", "ko"} {
			wg.Go(func() {
				code, said := k.lab(slices.Concat(command, []string{"--lang", lang})...)
				if code != problem.ExitEnvironment {
					t.Errorf("lab %v: exit code %d", command, code)
				}
				for _, part := range []string{fmt.Sprintf("pid %d", state.PID), "`lab down --embedded`"} {
					if !strings.Contains(said, part) {
						t.Errorf("lab %v: no %q in\n%s", command, part, said)
					}
				}
			})
		}
	}
	wg.Wait()
	if code, said := k.lab("down", "--embedded"); code != problem.ExitOK {
		t.Error(said)
	}
	if _, ok := embedded.RunningKafka(k.dir); ok {
		t.Error("it still runs")
	}
}
