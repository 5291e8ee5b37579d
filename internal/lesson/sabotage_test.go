package lesson_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"kafkahandson/internal/await"
	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

const saboteur = "internal/lesson/testdata/saboteur"

// honest is a lesson that passes unless its one program breaks a rule.
func honest(how string, start func(a *lesson.Account, c *lesson.Command)) lesson.Lesson {
	return lesson.Lesson{
		Name: "honest", Programs: []string{saboteur},
		Run: func(r *lesson.Run) {
			topic, group := r.Topic("t", 1), r.Group("g")
			account := r.Account(topic, group)
			start(account, r.Program(saboteur, "-topic", topic, "-group", group, "-how", how))
			r.Claim("nothing-lost", text("nothing is lost"), lesson.Equal(len(account.Lost()), 0))
			r.Claim("all-handled", text("all are handled"), lesson.Equal(len(account.Handled()), 3))
			r.Claim("nothing-repeated", text("nothing is repeated"), lesson.Equal(account.Duplicated(), 0))
		},
	}
}

// outcome is how the runner takes what a program did.
type outcome string

const (
	pass  outcome = "PASS"
	fail  outcome = "FAIL"
	fault outcome = "error: a fault of the program"
	died  outcome = "error: the program ended as it should not"
)

func outcomeOf(result lesson.Result, err error) outcome {
	var wait *lesson.WaitError
	switch {
	case errors.As(err, new(*lesson.Fault)):
		return fault
	case errors.As(err, &wait):
		return outcome("error: " + wait.End)
	case err != nil:
		return died
	case result.Passed:
		return pass
	}
	return fail
}

// Each way in which a program can lie, flood, fork, hang or die ends in the right verdict or error and the right exit
// code, soon, and leaves nothing behind.
func TestSabotage(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays forty lessons")
	}
	run := func(_ *lesson.Account, c *lesson.Command) { c.Run() }
	crash := func(_ *lesson.Account, c *lesson.Command) { c.CrashAt("after-handle", 3).Run() }
	neverThere := func(_ *lesson.Account, c *lesson.Command) { c.CrashAt("after-lunch", 1).Run() }
	held := func(_ *lesson.Account, c *lesson.Command) {
		p := c.HoldAt("after-lunch", 1).Start()
		p.WaitHeld()
		p.Kill()
	}
	inTheMiddle := func(_ *lesson.Account, c *lesson.Command) {
		p := c.Start()
		p.WaitLine("in the middle")
		p.Kill()
	}
	leftUnfinished := func(_ *lesson.Account, c *lesson.Command) {
		p := c.Start()
		p.WaitLine("in the middle")
		p.Stop()
	}
	startOnly := func(_ *lesson.Account, c *lesson.Command) { c.Start() }
	startToCrash := func(_ *lesson.Account, c *lesson.Command) { c.CrashAt("after-lunch", 1).Start() }
	stop := func(a *lesson.Account, c *lesson.Command) {
		p := c.Start()
		a.WaitHandled(3)
		p.Stop()
	}
	for _, tc := range []struct {
		how    string
		start  func(*lesson.Account, *lesson.Command)
		want   outcome
		failed map[string]string // claims
		// elsewhere: the program ends while the lesson looks elsewhere.
		elsewhere bool
	}{
		{how: "", start: run, want: pass},
		{how: "", start: crash, want: pass},

		{how: "claims", start: run, want: fault},
		{how: "ends the run", start: run, want: fault},
		{how: "accounts", start: run, want: fault},
		{how: "speaks for another variant", start: run, want: fault},
		{how: "leaves the record out", start: run, want: fault},
		{how: "speaks of version 1", start: run, want: fault},
		{how: "writes what is no JSON", start: run, want: fault},
		{how: "writes what is no JSON and goes on", start: run, want: fault},
		{how: "owns a partition often", start: run, want: fault},
		{how: "handles another topic's", start: run, want: fail, failed: map[string]string{"nothing-lost": "3 ≠ 0", "all-handled": "0 ≠ 3"}},
		{how: "handles for another group", start: run, want: fail, failed: map[string]string{"nothing-lost": "3 ≠ 0", "all-handled": "0 ≠ 3"}},
		{how: "two groups share the work", start: run, want: fail, failed: map[string]string{"nothing-lost": "1 ≠ 0", "all-handled": "2 ≠ 3"}},
		{how: "closes the door", start: run, want: pass}, // it had said all

		{how: "reports a line without an end", start: run, want: fault},
		{how: "reports without an end", start: run, want: fault},
		{how: "prints a line without an end", start: run, want: pass},
		{how: "prints without an end", start: run, want: pass},
		{how: "prints what a terminal obeys", start: run, want: pass},

		{how: "leaves a grandchild", start: run, want: pass},
		{how: "leaves a grandchild in a session of its own", start: run, want: fault},

		{how: "hangs", start: run, want: "error: timed out"},
		{how: "hangs", start: stop, want: "error: timed out"},
		{how: "hangs with a grandchild", start: run, want: "error: timed out"},
		{how: "waits to be asked", start: stop, want: pass},

		{how: "exits with 1", start: run, want: died},
		{how: "panics", start: run, want: died},
		{how: "kills itself", start: run, want: died},
		{how: "kills itself", start: neverThere, want: died}, // killed, but not where the lesson wants it
		{how: "", start: neverThere, want: "error: ended"},
		{how: "", start: held, want: "error: ended"},
		{how: "exits with 1", start: held, want: "error: ended"},
		{how: "dies in the middle of a report", start: inTheMiddle, want: fail, failed: map[string]string{"nothing-lost": "1 ≠ 0", "all-handled": "2 ≠ 3"}},
		{how: "dies in the middle of a report", start: leftUnfinished, want: fault}, // it ends by itself
		{how: "exits with 1", start: startOnly, elsewhere: true, want: died},
		{how: "exits with 1", start: startToCrash, elsewhere: true, want: died},
	} {
		t.Run(string(tc.want)+"/"+tc.how, func(t *testing.T) {
			var lines []string
			exited := make(chan struct{})
			opts := lesson.Options{Emit: func(e event.Event) {
				switch e.Type {
				case event.Output:
					lines = append(lines, e.Line)
				case event.Exited:
					close(exited)
				}
			}}
			start := tc.start
			if tc.elsewhere {
				start = func(a *lesson.Account, c *lesson.Command) {
					tc.start(a, c)
					<-exited
				}
			}
			if tc.want == outcome("error: "+lesson.TimedOut) {
				opts.Timeout = 3 * time.Second
			}
			play := lessontest.Play
			flood := strings.Contains(tc.how, "without an end")
			if !flood {
				t.Parallel()
			} else { // alone, for its memory; the checks of each event would take longer than the flood
				play = func(t *testing.T, l lesson.Lesson, opts lesson.Options) (lesson.Result, error) {
					opts.Stack = stack.Own
					return lesson.Play(t.Context(), l, opts)
				}
			}
			began, before := time.Now(), heap()
			result, err := play(t, honest(tc.how, start), opts)
			if took := time.Since(began); took > 50*time.Second { // and not when the time is up
				t.Errorf("it took %v", took)
			}
			if grown := heap() - before; flood && grown > 100<<20 {
				t.Errorf("the runner holds %d MiB more", grown>>20)
			}
			if got := outcomeOf(result, err); got != tc.want {
				t.Errorf("%s (%v), want %s", got, err, tc.want)
			}
			wantCode := problem.ExitFail
			if tc.want == pass {
				wantCode = problem.ExitOK
			}
			if code := exitCode(result, err); code != wantCode {
				t.Errorf("exit code %d, want %d", code, wantCode)
			}
			if len(result.Variants) > 0 {
				if failed := lessontest.Failed(result.Variants[0]); fmt.Sprint(failed) != fmt.Sprint(tc.failed) && len(failed)+len(tc.failed) > 0 {
					t.Errorf("claims that failed: %v, want %v", failed, tc.failed)
				}
			}
			var p *problem.Problem
			if err != nil && (!errors.As(remedy.Of(err), &p) || p.What.KO == p.What.EN) {
				t.Errorf("%v is not told in both languages", err)
			}
			checkLines(t, tc.how, lines)
		})
	}
}

// exitCode is what lab would exit with.
func exitCode(result lesson.Result, err error) int {
	if err == nil && !result.Passed {
		return problem.ExitFail
	}
	return remedy.ExitCode(err)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

// checkLines looks at the output that was passed on, and ends a grandchild that it names.
func checkLines(t *testing.T, how string, lines []string) {
	t.Helper()
	for _, line := range lines {
		if len(line) > 10<<10 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("passed on: %.100q (%d bytes)", line, len(line))
		}
		pid, ok := strings.CutPrefix(line, "grandchild ")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(how, "session of its own") { // it is out of the runner's reach, and the fault says so
			if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		gone(t, n)
	}
	if len(lines) > 60_000 {
		t.Errorf("%d lines are passed on", len(lines))
	}
	if how == "prints what a terminal obeys" && !slices.Contains(lines, `\x1b[2J\x1b[31mPASS\x1b[0m\rclaims ✓`) {
		t.Errorf("%q", lines)
	}
}

// gone waits until a process has ended: nobody may be left to wait for it, so one that is dead counts.
func gone(t *testing.T, pid int) {
	t.Helper()
	await.NoError(t, func() error {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) || isZombie(pid) {
			return nil
		}
		return fmt.Errorf("process %d is still there", pid)
	})
}

// Ctrl-C ends a program that does not hear, and what it has started.
func TestCancelEndsADeafProgram(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"hangs", "hangs with a grandchild"} {
		t.Run(how, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var lines []string
			start := time.Now()
			_, err := lessontest.PlayContext(ctx, t, honest(how, func(_ *lesson.Account, c *lesson.Command) { c.Run() }), lesson.Options{Emit: func(e event.Event) {
				if e.Type == event.Output {
					lines = append(lines, e.Line)
				}
				if e.Type == event.Handled && e.Record.ID == "2" {
					cancel()
				}
			}})
			var stopped *lesson.Stopped
			if !errors.As(err, &stopped) || stopped.Stays || !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			checkLines(t, how, lines)
		})
	}
}

// A consumer that reads everything and never comes to its crash point is found out when it has nothing left to read, not
// when the time is up.
func TestACrashPointThatIsNeverReached(t *testing.T) {
	t.Parallel()
	start := time.Now()
	_, err := lessontest.Play(t, lesson.Lesson{
		Name: "never", Programs: []string{producer, consumer},
		Run: func(r *lesson.Run) {
			topic, group := r.Topic("t", 1), r.Group("g")
			r.Program(producer, "-topic", topic).Run()
			r.Program(consumer, "-topic", topic, "-group", group).CrashAt("after-lunch", 1).Run()
		},
	}, lesson.Options{Timeout: time.Hour})
	var wait *lesson.WaitError
	if !errors.As(err, &wait) || wait.End != lesson.CaughtUp || wait.Program != "manual-commit#1" {
		t.Errorf("error %v", err)
	}
	var p *problem.Problem
	if !errors.As(remedy.Of(err), &p) || !strings.Contains(p.Solve[0].EN, "after-lunch") || !strings.Contains(p.Solve[0].EN, consumer+"/main.go") {
		t.Errorf("it does not say where to look: %+v", p)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// isZombie tells of a dead process that nobody has waited for: in a container there may be no init to do it.
func isZombie(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	status, err := p.Status()
	return err == nil && slices.Contains(status, process.Zombie)
}

// A consumer that marks first and works then has read everything while it is still at work: it is waited for.
func TestAConsumerAtWorkIsWaitedFor(t *testing.T) {
	t.Parallel()
	const pool = "ch3-offsets/throughput"
	lessontest.Pass(t, lesson.Lesson{
		Name: "at-work", Programs: []string{producer, pool},
		Run: func(r *lesson.Run) {
			topic, group := r.Topic("t", 1), r.Group("g")
			r.Program(producer, "-topic", topic, "-count", "3").Run()
			p := r.Program(pool, "-topic", topic, "-group", group, "-how", "unsafe-pool", "-work", "6s", "-interval", "100ms").Start()
			p.WaitHandled(r.Produced())
			p.Stop()
			r.Claim("all", text("all are handled"), lesson.SameRecords(r.Handled(), r.Produced()))
		},
	})
}
