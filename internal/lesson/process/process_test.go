package process_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard is what a process says. Its fields may be read when the process is gone.
type heard struct {
	line chan string // each that it prints

	lines   []string
	leftOut int
	err     error
}

func launcher(t *testing.T) *process.Launcher {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	return &process.Launcher{Root: root}
}

// shell starts a script. The test's end ends it.
func shell(t *testing.T, script string) (*process.Process, *heard) {
	t.Helper()
	p, err := launcher(t).Start(t.Context(), process.Command{Name: "sh", Args: []string{"sh", "-c", script}})
	if err != nil {
		t.Fatal(err)
	}
	h := &heard{line: make(chan string, 1000)}
	var wait sync.WaitGroup
	wait.Go(func() {
		h.err = p.Wait(process.Listener{
			Output:  func(line string) { h.lines = append(h.lines, line); h.line <- line },
			LeftOut: func(lines int) { h.leftOut = lines },
			Faulty:  func() {},
		})
		close(h.line)
	})
	t.Cleanup(func() {
		if err := p.End(false); err != nil {
			t.Error(err)
		}
		wait.Wait()
	})
	return p, h
}

// end waits for the end of all that a process says.
func (h *heard) end() {
	for range h.line { // to its close
	}
}

func TestOutputAndEnd(t *testing.T) {
	p, h := shell(t, `echo one; echo; printf 'a\rb\n' >&2; printf 'no end'; exit 7`)
	h.end()
	if want := []string{"one", `a\rb`, "no end"}; !slices.Equal(h.lines, want) || !slices.Equal(p.Lines(), want) {
		t.Errorf("printed %q, kept %q, want %q", h.lines, p.Lines(), want)
	}
	var exit *exec.ExitError
	if !errors.As(h.err, &exit) || p.ExitCode() != 7 || p.Status() != "exit status 7" || !p.Gone() || p.Killed() || p.Fault() != nil {
		t.Errorf("error %v, exit code %d, status %q, gone %t, killed %t, fault %v", h.err, p.ExitCode(), p.Status(), p.Gone(), p.Killed(), p.Fault())
	}
}

// What tells most about an end is the beginning of a panic, and what comes last otherwise.
func TestTail(t *testing.T) {
	for script, want := range map[string]string{
		"seq 20":                          "16 17 18 19 20",
		"seq 3; echo panic: no; seq 4 90": "panic: no 4 5 6 7 8 9 10 11 12",
		"true":                            "",
	} {
		p, h := shell(t, script)
		h.end()
		if got := strings.Join(p.Tail(), " "); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
}

func TestSignals(t *testing.T) {
	p, h := shell(t, "echo ready; sleep 300")
	<-h.line
	if err := p.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.end()
	if !p.Killed() || h.err == nil {
		t.Errorf("%s, %v", p.Status(), h.err)
	}
	if err := errors.Join(p.Signal(syscall.SIGTERM), p.Freeze(t.Context()), p.End(false)); err != nil {
		t.Errorf("of one that is gone: %v", err)
	}
}

// A process that is frozen, or deaf, is ended all the same.
func TestEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		frozen bool
		killed bool
	}{
		"when it is asked": {script: "echo ready; sleep 300"},
		"frozen":           {script: "echo ready; sleep 300", frozen: true, killed: true},
		"deaf":             {script: "trap '' TERM; echo ready; while :; do sleep 300; done", killed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, h := shell(t, tc.script)
			<-h.line
			if tc.frozen {
				if err := p.Freeze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.End(false); err != nil {
				t.Error(err)
			}
			h.end()
			if p.Killed() != tc.killed {
				t.Errorf("its end: %s", p.Status())
			}
		})
	}
}

// A process that another one leaves behind, out of reach, may not hold the output open for ever. That is a fault.
func TestHeldOpen(t *testing.T) {
	p, h := shell(t, "setsid sleep 300 & while ! kill -0 -$! 2>/dev/null; do :; done; echo $!")
	child := <-h.line
	h.end()
	if p.Fault() == nil {
		t.Error("no fault")
	}
	if out, err := exec.Command("kill", child).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// A flood of output is bounded.
func TestFlood(t *testing.T) {
	p, h := shell(t, "seq 60000; printf '%020000d' 1")
	h.end()
	if n := len(h.lines); n != 50_000 || h.leftOut != 10_001 || len(p.Lines()) != 1000 {
		t.Errorf("%d lines and %d left out, %d kept", n, h.leftOut, len(p.Lines()))
	}
}

func TestStartFails(t *testing.T) {
	l := launcher(t)
	for name, c := range map[string]process.Command{
		"no command": {Name: "x", Args: []string{"no-such-command-here"}},
		"no program": {Name: "x", Program: "/no/such/program"},
		"no input":   {Name: "x", Args: []string{"cat"}, Input: "no-such-file"},
	} {
		if _, err := l.Start(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What a program reports comes with its name, its id, and a time of its life.
func TestReports(t *testing.T) {
	const script = `#!/bin/sh
echo '{"v":2,"time":"2001-01-01T00:00:00Z","type":"held","point":"p"}' >&3
echo '{"v":2' >&3
`
	file := t.TempDir() + "/program"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := launcher(t).Start(t.Context(), process.Command{Name: "program#1", Program: file})
	if err != nil {
		t.Fatal(err)
	}
	var reports []event.Event
	faults := 0
	if err := p.Wait(process.Listener{
		Report: func(e event.Event) { reports = append(reports, e) },
		Output: func(string) {},
		Faulty: func() { faults++ },
	}); err != nil {
		t.Error(err)
	}
	if len(reports) != 1 || reports[0].Program != "program#1" || reports[0].PID != p.PID() || reports[0].Time.Year() < 2026 {
		t.Errorf("reports %+v", reports)
	}
	if faults != 1 || p.Fault() == nil {
		t.Errorf("%d faults: %v", faults, p.Fault())
	}
}

// A watcher does its work when it is let go, and nothing once it is dismissed.
func TestWatcher(t *testing.T) {
	for name, tc := range map[string]struct {
		end    func(*process.Watcher) error
		killed bool
	}{
		"let go":    {(*process.Watcher).Close, true},
		"dismissed": {(*process.Watcher).Dismiss, false},
	} {
		p, h := shell(t, "echo $$; sleep 300")
		w, err := launcher(t).Watch(t.Context(), "kill", <-h.line)
		if err != nil {
			t.Fatal(err)
		}
		if err := tc.end(w); err != nil {
			t.Error(err)
		}
		if !tc.killed {
			err = p.Signal(syscall.SIGTERM)
		}
		if h.end(); err != nil || p.Killed() != tc.killed {
			t.Errorf("%s: %s, %v", name, p.Status(), err)
		}
	}
}
