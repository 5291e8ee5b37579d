package lesson

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Process is a program that a lesson started, with the process group that it leads.
type Process struct {
	run     *Run
	name    string // "manual-commit#2"
	source  string // where its code is
	point   string // the crash point that it is to reach; "" for none
	cmd     *exec.Cmd
	started time.Time
	leash   *os.File // closed with the runner: the program ends with it
	output  *pipe
	events  *pipe // nil for a command that reports nothing
	readers sync.WaitGroup
	done    chan struct{} // closed when the process is gone, after everything that it said

	// Guarded by run.mu.
	crashes   bool // it is to be killed
	mayFail   bool
	frozen    bool
	guard     *watcher // while it is frozen
	handled   Records
	passed    Records          // handled, or recognised as duplicates
	reached   map[reader]int64 // the offset after the last record that it is done with
	measured  map[string]float64
	observed  []observed
	members   map[string]*event.Assignment          // what it is, by group
	reported  int                                   // how often
	heard     time.Time                             // when last
	idle      map[string]map[string]map[int32]int64 // the ends that a group has read up to, while it has nothing to do, by topic
	held      bool                                  // it waits at its crash point
	crashedAt string                                // the crash point where it killed itself
	exited    bool
	exit      error
	fault     error    // why its word is worth nothing
	torn      []byte   // a report that it has not ended
	last      []string // lines of output
}

// reader is a group in a partition.
type reader struct {
	group, topic string
	partition    int32
}

// Fault is the error of a program that broke the rules between programs and runner: what it says can be true or not.
type Fault struct {
	Program string
	Err     error
}

func (f *Fault) Error() string { return fmt.Sprintf("%s: %v", f.Program, f.Err) }

// Text is the error, in both languages where it is known in both.
func (f *Fault) Text() Text {
	var p *problem.Problem
	if errors.As(f.Err, &p) {
		return p.Text()
	}
	return i18n.Verbatim(f.Err.Error())
}

func (f *Fault) Unwrap() error { return f.Err }

func (p *Process) readReports() {
	torn := readReports(p.events, func(e event.Event) {
		e.Program, e.PID = p.name, p.cmd.Process.Pid
		if now := time.Now(); e.Time.Before(p.started) || e.Time.After(now) { // they share the computer's clock
			e.Time = now
		}
		p.run.observe(p, e)
	}, p.found)
	p.run.mu.Lock()
	p.torn = torn
	p.run.mu.Unlock()
	p.found(p.events.file.Close())
}

const (
	// keptLines is how many lines of output a lesson can look at.
	keptLines = 1000
	// tailLines is how many of them an error shows.
	tailLines = 5
)

func (p *Process) readOutput() {
	more, err := readOutput(p.output, func(line string) {
		p.run.mu.Lock()
		p.last = append(p.last, line)
		p.last = p.last[max(0, len(p.last)-keptLines):]
		p.run.mu.Unlock()
		p.run.emit(event.Event{Type: event.Output, Program: p.name, PID: p.cmd.Process.Pid, Line: line})
	})
	if more > 0 {
		note := Text{EN: "%d more lines of %s are left out", KO: "%[2]s의 출력 %[1]d줄을 더 생략했습니다"}.With(more, p.name)
		p.run.emit(event.Event{Type: event.Note, Program: p.name, Text: &note})
	}
	p.found(errors.Join(err, p.output.file.Close()))
}

// found notes a fault, if there is one.
func (p *Process) found(err error) {
	if err == nil {
		return
	}
	p.run.mu.Lock()
	if !errors.Is(p.fault, errHeldOpen) || !errors.Is(err, errHeldOpen) { // once is enough for two pipes
		p.fault = errors.Join(p.fault, err)
	}
	p.run.mu.Unlock()
	p.run.changed()
}

// reap waits for the end of the process, ends what is left of its group, and hears everything that it said.
func (p *Process) reap() {
	err := p.cmd.Wait()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // mostly nobody is left
	p.output.programEnded()
	if p.events != nil {
		p.events.programEnded()
	}
	p.readers.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); len(p.torn) > 0 && !(ok && status.Signaled()) { // killed in the middle of it
		p.found(&problem.Problem{What: Text{EN: "it left a report unfinished (%s)", KO: "보고를 끝맺지 않았습니다 (%s)"}.With(event.Visible(string(p.torn[:min(len(p.torn), 200)])))})
	}
	closeErr := p.leash.Close()
	p.run.mu.Lock()
	if p.guard != nil { // it was killed while it was frozen
		closeErr = errors.Join(closeErr, p.guard.dismiss())
		p.guard = nil
	}
	p.exited, p.exit = true, errors.Join(err, closeErr)
	p.run.mu.Unlock()
	p.run.emit(event.Event{Type: event.Exited, Program: p.name, PID: p.cmd.Process.Pid, Status: p.cmd.ProcessState.String()})
	close(p.done)
	p.run.changed()
}

// Handled returns the records that the program reported as handled, with repetitions.
func (p *Process) Handled() Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.handled)
}

// Measured returns the number with this id that the program measured; it ends the run if there is none.
func (p *Process) Measured(id string) float64 {
	p.run.mu.Lock()
	value, ok := p.measured[id]
	p.run.mu.Unlock()
	if !ok {
		p.run.Must(fmt.Errorf("%s has not measured %q", p.name, id))
	}
	return value
}

// Lines returns what the program printed last, up to 1000 lines, oldest first.
func (p *Process) Lines() []string {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.last)
}

// Passed returns the records that the program is done with: that it handled, or recognised as duplicates.
func (p *Process) Passed() Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.passed)
}

// pass notes that a group is done with a record. The caller holds run.mu.
func (p *Process) pass(r Record) {
	p.passed = append(p.passed, r)
	at := reader{r.Group, r.Topic, r.Partition}
	p.reached[at] = max(p.reached[at], r.Offset+1)
}

// next is the offset after the last record that a group is done with in the program, by partition.
func (p *Process) next(topic, group string) map[int32]int64 {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	next := map[int32]int64{}
	for r, offset := range p.reached {
		if r.topic == topic && r.group == group {
			next[r.partition] = offset
		}
	}
	return next
}

// observed is an observation, and when it was reported.
type observed struct {
	event.Observation
	at time.Time
}

// Observation is something that only one chapter knows of: see [kafkahandson/internal/program.Observation].
type Observation interface{ Kind() string }

// Observed returns what the program has observed of this kind, in the order of the reports. What cannot be read as T
// ends the run.
func Observed[T Observation](p *Process) []T {
	var zero T
	p.run.mu.Lock()
	observed := slices.Clone(p.observed)
	p.run.mu.Unlock()
	var all []T
	for _, o := range observed {
		if o.Kind != zero.Kind() {
			continue
		}
		var t T
		if err := json.Unmarshal(o.Data, &t); err != nil {
			p.run.Must(&Fault{Program: p.name, Err: fmt.Errorf("observation %s: %w", o.Kind, err)})
		}
		all = append(all, t)
	}
	return all
}

// TimeObserved returns when the program observed something of the kind of T first, having waited for it.
func TimeObserved[T Observation](p *Process) time.Time {
	WaitObserved[T](p)
	var zero T
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.observed[slices.IndexFunc(p.observed, func(o observed) bool { return o.Kind == zero.Kind() })].at
}

// WaitObserved waits until the program has observed something of the kind of T, and returns the first.
func WaitObserved[T Observation](p *Process) T {
	var zero T
	p.run.Wait(Wait{
		For:   Text{EN: "for %s to report %q", KO: "%s 프로세스가 %q을(를) 보고하기를"}.With(p.name, zero.Kind()),
		Of:    p,
		Until: func() (bool, string) { return len(Observed[T](p)) > 0, "" },
	})
	return Observed[T](p)[0]
}

func (p *Process) hasReported() bool {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.reported > 0
}

func (p *Process) isHeld() bool {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.held
}

// ended tells whether the process is gone, and that has been told.
func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Process) hasExited() bool {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.exited
}

// killed tells whether the process has ended with SIGKILL.
func (p *Process) killed() bool {
	if !p.hasExited() {
		return false
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// status is how the process ended: "exit status 1", "signal: killed".
func (p *Process) status() string { return p.cmd.ProcessState.String() }

// exitError is the error of a process that has ended; nil after exit code 0.
func (p *Process) exitError() error {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.exit
}

// verdict tells whether the program ended as it should.
func (p *Process) verdict() error {
	if err := p.faultError(); err != nil {
		return err
	}
	err := p.exitError()
	p.run.mu.Lock()
	crashes, mayFail, atPoint := p.crashes, p.mayFail, p.point == "" || p.crashedAt == p.point
	p.run.mu.Unlock()
	switch {
	case mayFail:
		return nil
	case crashes && p.killed() && atPoint, !crashes && err == nil:
		return nil
	case crashes:
		return &problem.Problem{
			What:  i18n.Text{EN: "%s should have been killed at its crash point, but ended with %s%s", KO: "%s 프로세스는 정해진 지점에서 강제로 종료되어야 하는데, 종료 상태가 %s입니다%s"}.With(p.name, p.status(), p.tail()),
			Cause: err,
		}
	}
	return &problem.Problem{
		What:  i18n.Text{EN: "%s ended with %s%s", KO: "%s 프로세스의 종료 상태가 %s입니다%s"}.With(p.name, p.status(), p.tail()),
		Cause: err,
	}
}

// faultError is the error of a program whose word is worth nothing; nil if there is nothing to be said against it.
func (p *Process) faultError() error {
	p.run.mu.Lock()
	fault := p.fault
	p.run.mu.Unlock()
	if fault == nil {
		return nil
	}
	return &problem.Problem{
		What:  i18n.Text{EN: "the lesson cannot rely on what %s reported", KO: "%s 프로세스의 보고를 믿을 수 없습니다"}.With(p.name),
		Cause: &Fault{Program: p.name, Err: fault},
		Solve: []i18n.Text{{EN: "take the program back with git checkout, or report with internal/program only (docs/events.md)", KO: "git checkout으로 프로그램을 되돌리거나, internal/program으로만 보고하세요 (docs/events.md)"}},
	}
}

// tail is what the program printed last, for the end of a sentence.
func (p *Process) tail() i18n.Text {
	last := p.Lines()
	if len(last) == 0 {
		return i18n.Text{}
	}
	first := max(0, len(last)-tailLines)
	for i, line := range last { // a program that panics says first what happened, and then where
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			first = i
			last = last[:min(len(last), i+2*tailLines)]
			break
		}
	}
	last = last[first:]
	return i18n.Text{EN: "; last lines:\n    %s", KO: ". 마지막 출력:\n    %s"}.With(strings.Join(last, "\n    "))
}

// Stop asks the program to end, as Ctrl-C or `docker stop` does (SIGTERM), and waits for it. A program of the course ends
// with exit code 0 then; any other command ends as it likes.
func (p *Process) Stop() {
	p.terminate()
	p.Wait()
}

// terminate asks the program to end.
func (p *Process) terminate() {
	if p.events == nil {
		p.letFail()
	}
	p.run.Must(p.signal(syscall.SIGTERM))
}

// letFail says that any exit code is right.
func (p *Process) letFail() {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	p.mayFail = true
}

// Kill ends the program as a power failure does (SIGKILL).
func (p *Process) Kill() {
	p.run.mu.Lock()
	point := ""
	if p.held {
		point = p.point
	}
	p.crashes, p.point = true, "" // it need not come there any more
	p.run.mu.Unlock()
	p.run.emit(event.Event{Type: event.Crashed, Program: p.name, PID: p.cmd.Process.Pid, Point: point})
	p.run.Must(p.signal(syscall.SIGKILL))
	p.Wait()
}

// Freeze stops the program without ending it (SIGSTOP): a long pause of a garbage collector, a suspended virtual
// machine. A consumer loses its place in its group. Resume wakes the program up again.
func (p *Process) Freeze() {
	guard, err := p.run.watch(p.run.ctx, "kill", strconv.Itoa(p.cmd.Process.Pid)) // it cannot notice that the runner is gone
	p.run.Must(err)
	p.run.mu.Lock()
	p.frozen, p.guard = true, guard
	p.run.mu.Unlock()
	p.run.Must(p.signal(syscall.SIGSTOP))
	p.leaveGroup(Text{
		EN: "%s is frozen and sends no heartbeats; the lesson tells the group so. By itself the broker would notice after the session timeout (10 s)",
		KO: "%s 프로세스가 얼어붙어 하트비트를 보내지 못합니다. 레슨이 그룹에 바로 알려 줍니다. 브로커 혼자서는 세션 타임아웃(10초)이 지나야 알아챕니다",
	})
}

// Resume wakes up a program that is frozen, or that waits at the crash point of HoldAt (SIGCONT). That one need not be
// killed any more.
func (p *Process) Resume() {
	p.run.mu.Lock()
	if p.held {
		p.crashes, p.point = false, ""
	}
	guard := p.guard
	p.frozen, p.held, p.guard = false, false, nil
	p.run.mu.Unlock()
	if guard != nil {
		p.run.Must(guard.dismiss())
	}
	p.run.Must(p.signal(syscall.SIGCONT))
}

// signal sends a signal to the process and to whatever it has started in its group. One that is gone needs none.
func (p *Process) signal(s syscall.Signal) error {
	if p.ended() {
		return nil
	}
	err := syscall.Kill(-p.cmd.Process.Pid, s)
	if err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EPERM) { // EPERM: macOS, of one that has just died
		return fmt.Errorf("%s to %s: %w", s, p.name, err)
	}
	return nil
}

const (
	// grace is how long a program may take to end when it is asked to.
	grace = 3 * time.Second
	// dying is how long a program may take to end when it is killed, and the runner to hear its last words.
	dying = 10 * time.Second
)

// end makes sure that the process is gone: politely for grace, then with SIGKILL. One that waits for the lesson is killed
// at once: it cannot hear.
func (p *Process) end() error {
	p.run.mu.Lock()
	deaf := p.frozen || p.held
	p.run.mu.Unlock()
	if !deaf {
		_ = p.signal(syscall.SIGTERM)
		if p.goneWithin(grace) {
			return nil
		}
	}
	_ = p.signal(syscall.SIGKILL)
	if !p.goneWithin(dying) {
		return fmt.Errorf("%s, process %d, does not end", p.name, p.cmd.Process.Pid)
	}
	return nil
}

func (p *Process) goneWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// forgetMember tells the coordinator that the killed consumer is gone. By itself it would notice only after the
// session timeout, and a lesson is not about waiting for that.
func (p *Process) forgetMember() {
	p.leaveGroup(Text{
		EN: "%s is dead; the lesson tells the group so. By itself the broker would notice after the session timeout (10 s)",
		KO: "%s 프로세스가 죽었습니다. 레슨이 그룹에 바로 알려 줍니다. 브로커 혼자서는 세션 타임아웃(10초)이 지나야 알아챕니다",
	})
}

// leaveGroup takes a consumer out of its groups, mostly one, and tells why. A program that is no consumer is left alone.
func (p *Process) leaveGroup(why Text) {
	p.run.mu.Lock()
	members := maps.Clone(p.members)
	p.run.mu.Unlock()
	if len(members) == 0 {
		return
	}
	for group, a := range members {
		p.run.Must(p.run.admin.RemoveMember(p.run.ctx, group, a.Member))
	}
	note := why.With(p.name)
	p.run.emit(event.Event{Type: event.Note, Program: p.name, Text: &note})
}
