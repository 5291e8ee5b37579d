package pidfile_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kafkahandson/internal/await"
	"kafkahandson/internal/pidfile"
)

// What a process of the tests does with the file that envFile names.
const (
	envFile = "TEST_PIDFILE"
	envDoes = "TEST_PIDFILE_DOES"

	holds    = "holds"    // holds it until SIGTERM, and ends with exit code 7
	stubborn = "stubborn" // holds it whatever SIGTERM says
	starting = "starting" // holds it, and does not come to write its state
	gives    = "gives"    // gives it to a command, and waits
	fails    = "fails"    // can write nothing to any file, and says what comes of it
)

func TestMain(m *testing.M) {
	if does := os.Getenv(envDoes); does != "" {
		os.Exit(act(does, os.Getenv(envFile)))
	}
	os.Exit(m.Run())
}

func act(does, path string) int {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if does == stubborn {
		terminated = make(chan os.Signal, 1) // nobody listens to the other one
		signal.Notify(terminated, syscall.SIGUSR1)
	}
	f, err := pidfile.Create(path)
	switch {
	case err != nil:
	case does == starting:
	case does == gives:
		err = f.Start(exec.Command("/bin/sleep", "300"), state)
	default:
		err = f.Write(state)
	}
	if does == fails {
		fmt.Println(err != nil, err)
		return 0
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	<-terminated
	return 7
}

var state = pidfile.State{Addresses: []string{"127.0.0.1:9092", "127.0.0.1:9093"}, ClusterID: "kafkahandson-test", Started: time.Unix(1_800_000_000, 0).UTC()}

// run starts a process of the tests and returns when it has done what it does.
func run(t *testing.T, does, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envDoes+"="+does, envFile+"="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // mostly it has ended
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s: %q, %v", does, line, err)
	}
	return cmd
}

// stranger starts a process that has nothing to do with any of this.
func stranger(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, cmd.Process.Kill()) // it is still there
		_ = cmd.Wait()
	})
	return cmd
}

func requireState(t *testing.T, path string, pid int) {
	t.Helper()
	got, err := pidfile.Read(path)
	if err != nil || got.PID != pid || strings.Join(got.Addresses, " ") != strings.Join(state.Addresses, " ") || got.ClusterID != state.ClusterID || !got.Started.Equal(state.Started) {
		t.Errorf("the state is %+v (%v), want process %d with %+v", got, err, pid, state)
	}
	if alive, err := pidfile.Alive(path); err != nil || !alive {
		t.Errorf("it is said to be dead (%v)", err)
	}
}

func requireFree(t *testing.T, path string) {
	t.Helper()
	if got, err := pidfile.Read(path); !errors.Is(err, pidfile.ErrNotRunning) {
		t.Errorf("the state is %+v (%v), want that nobody holds the file", got, err)
	}
	if alive, err := pidfile.Alive(path); err != nil || alive {
		t.Errorf("alive: %v (%v)", alive, err)
	}
	if stopped, err := pidfile.Stop(t.Context(), path); err != nil || stopped {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
}

func requireStop(t *testing.T, path string) {
	t.Helper()
	if stopped, err := pidfile.Stop(t.Context(), path); err != nil || !stopped {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
	requireFree(t, path)
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	requireFree(t, path)
	for range 2 { // the second time in place of nothing
		f, err := pidfile.Create(path)
		must(t, err)
		if got, err := pidfile.Read(path); !errors.Is(err, pidfile.ErrStarting) {
			t.Errorf("before it is written: %+v, %v", got, err)
		}
		must(t, f.Write(state))
		requireState(t, path, os.Getpid())
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v (%v)", info.Mode(), err)
		}
		must(t, f.Remove())
		requireFree(t, path)
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

func TestStopAsksFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	p := run(t, holds, path)
	requireState(t, path, p.Process.Pid)
	requireStop(t, path)
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ended with %v", err)
	}
}

func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	for range 3 { // what one leaves is no obstacle to the next
		p := run(t, holds, path)
		requireState(t, path, p.Process.Pid)
		must(t, p.Process.Kill())
		_ = p.Wait()
		requireFree(t, path)
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestSuspendedLivesAndCanBeStopped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	p := run(t, holds, path)
	must(t, p.Process.Signal(syscall.SIGSTOP))
	requireState(t, path, p.Process.Pid)
	requireStop(t, path)
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ended with %v", err)
	}
}

func TestStubbornIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	p := run(t, stubborn, path)
	if stopped, err := pidfile.StopWithin(t.Context(), path, 100*time.Millisecond); err != nil || !stopped {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
	_ = p.Wait()
	if status := p.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", p.ProcessState)
	}
}

// Whose process id is not known cannot be stopped, and is left alone.
func TestStopOfWhatStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	p := run(t, starting, path)
	if stopped, err := pidfile.StopWithin(t.Context(), path, 50*time.Millisecond); stopped || !errors.Is(err, pidfile.ErrStarting) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if stopped, err := pidfile.Stop(ctx, path); stopped || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
	if alive, err := pidfile.Alive(path); err != nil || !alive {
		t.Errorf("alive: %v (%v)", alive, err)
	}
	must(t, p.Process.Kill())
}

// The id of a dead process belongs to another one by now. It is neither taken for the server nor sent a signal, not even
// while the next server has not written its own.
func TestStranger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "%d\n{}\n", stranger(t).Process.Pid), 0o600))
	requireFree(t, path)
	run(t, starting, path)
	if stopped, err := pidfile.StopWithin(t.Context(), path, 50*time.Millisecond); stopped || !errors.Is(err, pidfile.ErrStarting) {
		t.Errorf("stopped: %v (%v)", stopped, err)
	}
}

// Other versions of the course, and editors, leave other things behind.
func TestWhatNobodyWroteIsNobodys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	for _, left := range []string{"", "no pid", `{"pid":1,"brokers":["127.0.0.1:9092"],"token":"secret"}`, "-1\n{}\n", "12"} {
		must(t, os.WriteFile(path, []byte(left), 0o600))
		requireFree(t, path)
	}
	must(t, os.Remove(path))
	must(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	requireFree(t, path)
	if _, err := pidfile.Create(path); err == nil {
		t.Error("it replaces a folder")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A lock that is held on a file whose content is none is no process to signal: 0 and -1 are whole groups of processes.
func TestNoProcessIds(t *testing.T) {
	for _, wrong := range []string{"0\n{}\n", "-1\n{}\n", "x\n{}\n", "7\nno JSON\n"} {
		path := filepath.Join(t.TempDir(), "pid")
		f, err := pidfile.Create(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(wrong), 0o600)) // the same file
		if got, err := pidfile.Read(path); err == nil || errors.Is(err, pidfile.ErrNotRunning) {
			t.Errorf("%q: %+v, %v", wrong, got, err)
		}
		if stopped, err := pidfile.Stop(t.Context(), path); err == nil || stopped {
			t.Errorf("%q: stopped %v, %v", wrong, stopped, err)
		}
		must(t, f.Remove())
	}
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command("sh", "-c", `trap '' XFSZ; ulimit -f 0; exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), envDoes+"="+fails, envFile+"="+path)
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "true ") || !strings.Contains(string(out), path) {
		t.Errorf("it says %q (%v), want an error that names the file", out, err)
	}
	requireFree(t, path)
}

func TestCommandHoldsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f, err := pidfile.Create(path)
	must(t, err)
	cmd := exec.Command("/bin/sh", "-c", `echo "$0 $1"; exec sleep 300`, "an argument", "and 'another")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, f.Start(cmd, state))
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "an argument and 'another\n" {
		t.Errorf("it was told %q (%v)", line, err)
	}
	requireState(t, path, cmd.Process.Pid)
	requireStop(t, path)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
}

func TestCommandOutlivesItsStarter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	starter := run(t, gives, path)
	must(t, starter.Process.Kill())
	_ = starter.Wait()
	await.NoError(t, func() error { _, err := pidfile.Read(path); return err })
	if got, err := pidfile.Read(path); err != nil || got.PID == starter.Process.Pid {
		t.Errorf("the state is %+v (%v)", got, err)
	}
	requireStop(t, path)
}

func TestCommandThatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	f, err := pidfile.Create(path)
	must(t, err)
	cmd := exec.Command("/no/such/program")
	must(t, f.Start(cmd, state))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 127 {
		t.Errorf("it ended with %v", err)
	}
	requireFree(t, path)
}

// Many ask, and nobody is disturbed by that; what a killed one has left is never taken for a living one.
func TestManyAsk(t *testing.T) {
	dir := t.TempDir()
	path, left := filepath.Join(dir, "pid"), filepath.Join(dir, "left")
	must(t, os.WriteFile(left, []byte(strconv.Itoa(os.Getpid())+"\n{}\n"), 0o600))
	ctx, done := context.WithCancel(t.Context())
	defer done()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if s, err := pidfile.Read(path); err == nil && s.PID != os.Getpid() || err != nil && !errors.Is(err, pidfile.ErrNotRunning) && !errors.Is(err, pidfile.ErrStarting) {
					t.Errorf("the state is %+v (%v)", s, err)
				}
				if alive, err := pidfile.Alive(left); alive || err != nil {
					t.Errorf("a file without a process is alive: %v (%v)", alive, err)
				}
			}
		})
	}
	for range 300 {
		f, err := pidfile.Create(path)
		must(t, err)
		must(t, f.Write(state))
		requireState(t, path, os.Getpid())
		must(t, f.Remove())
	}
	done()
	wg.Wait()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
