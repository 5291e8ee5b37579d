package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
)

// A lesson that is ended from outside, politely or not, leaves no process behind, and at most a folder that the next
// run sweeps away.
func TestSignalsLeaveNothing(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		again  bool
		exit   int // -1: killed
		swept  bool
	}{
		{"Ctrl-C", syscall.SIGINT, false, interrupted, true},
		{"SIGTERM", syscall.SIGTERM, false, interrupted, true},
		{"SIGTERM again and again", syscall.SIGTERM, true, interrupted, true}, // timeout sends two
		{"SIGKILL", syscall.SIGKILL, false, -1, false},
		{"Ctrl-C after SIGKILL", syscall.SIGINT, false, interrupted, true}, // sweeps what SIGKILL left
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command("lab", "run", "ch3-auto-commit", "--json", "--stack=embedded")
			cmd.Dir = "../.."
			cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+home)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pids []int
			sent := false
			var wg sync.WaitGroup
			over := make(chan struct{})
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				var e event.Event
				if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
					t.Fatalf("%q: %v", lines.Text(), err)
				}
				if e.Type == event.Started {
					pids = append(pids, e.PID)
				}
				if e.Type == event.Handled && !sent { // in the middle of it
					sent = true
					if err := cmd.Process.Signal(tc.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
						t.Fatal(err)
					}
					if tc.again {
						wg.Go(func() { signalUntil(over, cmd.Process, tc.signal) })
					}
				}
			}
			_ = cmd.Wait() // the exit code tells
			close(over)
			wg.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tc.exit {
				t.Errorf("exit code %d, want %d", got, tc.exit)
			}
			if len(pids) == 0 {
				t.Fatal("no program was started")
			}
			for _, pid := range pids {
				waitGone(t, pid)
			}
			left, err := filepath.Glob(filepath.Join(home, "runs", "r*"))
			if err != nil {
				t.Fatal(err)
			}
			if tc.swept && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// signalUntil sends a signal to a process again and again.
func signalUntil(over <-chan struct{}, p *os.Process, s os.Signal) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = p.Signal(s) // it may just have ended
		case <-over:
			return
		}
	}
}

// With --keep, Ctrl-C ends the Kafka that was kept up; what the lesson found stays what it was.
func TestKeep(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "report.xml")
	cmd := exec.Command("lab", "run", "ch3-auto-commit", "ch3-manual-commit", "--variant", "per-record", "--stack=embedded", "--quiet", "--keep", "--junit", report)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	brokers := regexp.MustCompile(`--brokers ([0-9.:,]+)`)
	kept := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		at := brokers.FindStringSubmatch(lines.Text())
		if at == nil {
			continue
		}
		kept = true
		if out, err := exec.Command("lab", "topic", "list", "--stack=auto", "--brokers", at[1]).Output(); err != nil || !strings.HasPrefix(string(out), "my-json-topic.") {
			t.Errorf("the topics are %q (%v)", out, err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait() // the exit code tells
	if !kept {
		t.Error("nothing was kept up")
	}
	// ch3-auto-commit has no such variant.
	if got := cmd.ProcessState.ExitCode(); got != problem.ExitUsage {
		t.Errorf("exit code %d, want %d", got, problem.ExitUsage)
	}
	if xml, err := os.ReadFile(report); err != nil || !strings.Contains(string(xml), `<testsuite name="ch3-manual-commit" tests="6" failures="0" errors="0"`) {
		t.Errorf("the report is %s (%v)", xml, err)
	}
}

// Ctrl-C ends a benchmark as it ends a lesson, and tells what stays.
func TestCtrlCEndsABenchmark(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := exec.Command("lab", "bench", "ch3-throughput", "--stack=embedded", "--svg", home)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+home)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for words := bufio.NewScanner(stdout); words.Scan(); {
		if strings.Contains(words.Text(), "127.0.0.1:") { // its Kafka is up
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
	_ = cmd.Wait() // the exit code tells
	if got := cmd.ProcessState.ExitCode(); got != interrupted {
		t.Errorf("exit code %d, want %d", got, interrupted)
	}
	if want := whatStays(new(lesson.Stopped)).EN; strings.TrimSpace(stderr.String()) != want {
		t.Errorf("it says %q, want %q", &stderr, want)
	}
}

// startProduce starts lab produce on a Kafka of its own, with one line typed, and the terminal still open.
func startProduce(t *testing.T, prepare func(*embedded.Kafka)) (*exec.Cmd, *embedded.Kafka) {
	t.Helper()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	if err := admin.EnsureTopic(t.Context(), kafka.Config{Brokers: server.Brokers()}, "t", 1); err != nil {
		t.Fatal(err)
	}
	prepare(server)
	cmd := exec.Command("lab", "produce", "--topic", "t", "--stack=auto", "--brokers", strings.Join(server.Brokers(), ","))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // a test that failed half-way has not ended it
	if _, err := io.WriteString(stdin, "one\n"); err != nil {
		t.Fatal(err)
	}
	return cmd, server
}

func TestCtrlCEndsProduceThatWaitsForInput(t *testing.T) {
	cmd, server := startProduce(t, func(*embedded.Kafka) {})
	admin, err := admin.Connect(t.Context(), kafka.Config{Brokers: server.Brokers()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	}()
	await.True(t, "a record", func() bool {
		topic, err := admin.DescribeTopic(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		return topic.Records() == 1
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	state, err := cmd.Process.Wait() // cmd.Wait would close its input, which ends it too
	if err != nil {
		t.Fatal(err)
	}
	if state.ExitCode() != interrupted {
		t.Errorf("exit code %d, want %d", state.ExitCode(), interrupted)
	}
}

// The first Ctrl-C is polite, and waits for an acknowledgement. The second is not.
func TestSecondCtrlCEndsAtOnce(t *testing.T) {
	var held *embeddedtest.Held
	cmd, _ := startProduce(t, func(server *embedded.Kafka) { held = embeddedtest.Hold(t, server, "t") })
	await.True(t, "a request that gets no answer", func() bool { return held.Hits() > 0 })
	ended := make(chan *os.ProcessState, 1)
	go func() {
		state, _ := cmd.Process.Wait() // nil says it
		ended <- state
	}()
	await.True(t, "the end", func() bool {
		_ = cmd.Process.Signal(os.Interrupt) // it may just have ended
		return len(ended) > 0
	})
	if status := (<-ended).Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v", status)
	}
}

// waitGone waits until a process is gone: a program whose runner was killed notices a moment later.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	await.True(t, fmt.Sprintf("the end of process %d", pid), func() bool { return syscall.Kill(pid, 0) != nil || isZombie(pid) })
}

// isZombie tells of a dead process that nobody has waited for: its parent was killed, and in a container there may be
// no init to do it.
func isZombie(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	status, err := p.Status()
	return err == nil && slices.Contains(status, process.Zombie)
}
