package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"kafkahandson/internal/event"
)

// A lesson that is ended from outside, politely or not, leaves no process behind, and at most a folder that the next
// run sweeps away.
func TestSignalsLeaveNothing(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "lab")
	build := exec.Command("go", "build", "-o", bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	home := t.TempDir()
	for _, tc := range []struct {
		name   string
		signal syscall.Signal
		exit   int // -1: killed
		swept  bool
	}{
		{"Ctrl-C", syscall.SIGINT, interrupted, true},
		{"SIGTERM", syscall.SIGTERM, interrupted, true},
		{"SIGKILL", syscall.SIGKILL, -1, false},
		{"Ctrl-C after SIGKILL", syscall.SIGINT, interrupted, true}, // sweeps what SIGKILL left
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(bin, "run", "ch3-auto-commit", "--json", "--stack=embedded")
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
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				var e event.Event
				if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
					t.Fatalf("%q: %v", lines.Text(), err)
				}
				if e.Type == event.Started {
					pids = append(pids, e.PID)
				}
				if e.Type == event.Handled { // in the middle of it
					if err := cmd.Process.Signal(tc.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
						t.Fatal(err)
					}
				}
			}
			_ = cmd.Wait() // the exit code tells
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

// waitGone waits until a process is gone: a program whose runner was killed notices a moment later.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for syscall.Kill(pid, 0) == nil && !isZombie(pid) {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatalf("process %d is still there", pid)
		}
	}
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
