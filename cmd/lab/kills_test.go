package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"kafkahandson/internal/await"
	"kafkahandson/internal/event"
)

// envKills is how often TestKillsAtRandomMoments kills: .ci/run long sets it to 100.
const envKills = "KAFKAHANDSON_KILLS"

// However and whenever lab ends, by kill -9 or two Ctrl-C in a row, at any moment of a lesson, no process and no port is
// left, and the next run sweeps the folders away. One of the lessons has a private MySQL, one freezes a program.
func TestKillsAtRandomMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays lessons and kills them, again and again")
	}
	t.Parallel()
	kills := 6
	if n, err := strconv.Atoi(os.Getenv(envKills)); err == nil {
		kills = n
	}
	home := t.TempDir()
	lab := func(args ...string) *exec.Cmd {
		cmd := exec.Command("lab", append([]string{"run", "--stack=embedded", "--json"}, args...)...)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+home)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell does: the signals are for lab
		return cmd
	}
	lessons := []string{"ch3-auto-commit", "ch3-exactly-once", "ch3-idempotent-consumer"}
	for _, l := range lessons { // so that the kills below come while lessons run, and not while they are built
		if out, err := lab(l).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", l, err, out[max(0, len(out)-2000):])
		}
	}
	for i := range kills {
		cmd := lab(lessons[i%len(lessons)])
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rand.IntN(4000)) * time.Millisecond // lessons take 3 to 8 s
		twice := i%2 == 1
		timer := time.AfterFunc(after, func() {
			if !twice {
				_ = cmd.Process.Kill()
				return
			}
			_ = cmd.Process.Signal(os.Interrupt)
			time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { _ = cmd.Process.Signal(os.Interrupt) })
		})
		var last event.Event
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			_ = json.Unmarshal(lines.Bytes(), &last) // the last line may be torn
		}
		_ = cmd.Wait() // it was killed
		timer.Stop()
		await.True(t, fmt.Sprintf("the end of everything (killed after %v, twice: %t, at %s of %s)", after, twice, last.Type, last.Lesson), func() bool {
			return len(processesIn(t, home)) == 0
		})
	}
	// It drops what the killed ones left in the private MySQL, too.
	if out, err := lab("ch3-idempotent-consumer").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-2000):])
	}
	left, err := os.ReadDir(filepath.Join(home, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if entry.Name() != "door" { // the lock of the folder
			t.Errorf("left behind: runs/%s", entry.Name())
		}
	}
}

// A frozen program cannot notice that lab is gone: somebody else does for it.
func TestKillWhileAProgramIsFrozen(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays lessons and kills them")
	}
	t.Parallel()
	home := t.TempDir()
	cmd := exec.Command("lab", "run", "--stack=embedded", "--json", "ch3-exactly-once", "--variant", "zombie")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+home)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	held, killed := false, false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var e event.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		held = held || e.Type == event.Held
		if held && !killed && e.Type == event.Note { // that it is frozen
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if !killed {
		t.Error("nothing was frozen")
	}
	await.True(t, "the end of everything", func() bool { return len(processesIn(t, home)) == 0 })
}

// processesIn are the processes that have something to do with a folder: they were built into it, or have their data
// there. Those that are dead do not count.
func processesIn(t *testing.T, home string) []string {
	t.Helper()
	all, err := process.Processes()
	if err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, p := range all {
		line, err := p.Cmdline()
		if err != nil || !strings.Contains(line, home) || int(p.Pid) == os.Getpid() {
			continue
		}
		if status, err := p.Status(); err == nil && slices.Contains(status, process.Zombie) {
			continue
		}
		in = append(in, fmt.Sprintf("%d %s", p.Pid, line))
	}
	return in
}
