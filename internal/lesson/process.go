package lesson

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/problem"
)

// Process is a program that a lesson started, with the process group that it leads.
type Process struct {
	run     *Run
	name    string // "manual-commit#2"
	source  string // where its code is
	point   string // the crash point that it is to reach; "" for none
	reports bool   // what it does: it is a program of the course
	child   *process.Process
	done    chan struct{} // closed when the process is gone, and that has been told

	// Guarded by run.mu.
	crashes   bool // it is to be killed
	mayFail   bool
	handled   Records
	passed    Records          // handled, or recognised as duplicates
	reached   map[reader]int64 // the offset after the last record that it is done with
	observed  []observed
	members   map[string]*event.Assignment          // what it is, by group
	reported  int                                   // how often
	heard     time.Time                             // when last
	idle      map[string]map[string]map[int32]int64 // the ends that a group has read up to, while it has nothing to do, by topic
	held      bool                                  // it waits at its crash point
	crashedAt string                                // the crash point where it killed itself
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

// listen takes in what the process says, until it is gone, and tells that it is.
func (p *Process) listen() {
	_ = p.child.Wait(process.Listener{ // child.Err says the same
		Report: func(e event.Event) { p.run.observe(p, e) },
		Output: func(line string) {
			p.run.emit(event.Event{Type: event.Output, Program: p.name, PID: p.child.PID(), Line: line})
		},
		LeftOut: func(lines int) {
			note := Text{EN: "%d more lines of %s are left out", KO: "%[2]s의 출력 %[1]d줄을 더 생략했습니다"}.With(lines, p.name)
			p.run.emit(event.Event{Type: event.Note, Program: p.name, Text: &note})
		},
		Faulty: p.run.changed,
	})
	p.run.emit(event.Event{Type: event.Exited, Program: p.name, PID: p.child.PID(), Status: p.child.Status()})
	close(p.done)
	p.run.changed()
}

// Handled returns the records that the program reported as handled, with repetitions.
func (p *Process) Handled() Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.handled)
}

// Lines returns what the program printed last, up to 1000 lines, oldest first.
func (p *Process) Lines() []string { return p.child.Lines() }

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

// verdict tells whether the program ended as it should.
func (p *Process) verdict() error {
	if err := p.faultError(); err != nil {
		return err
	}
	err := p.child.Err()
	p.run.mu.Lock()
	crashes, mayFail, atPoint := p.crashes, p.mayFail, p.point == "" || p.crashedAt == p.point
	p.run.mu.Unlock()
	switch {
	case mayFail:
		return nil
	case crashes && p.child.Killed() && atPoint, !crashes && err == nil:
		return nil
	case crashes:
		return &problem.Problem{
			What:  i18n.Text{EN: "%s should have been killed at its crash point, but ended with %s%s", KO: "%s 프로세스는 정해진 지점에서 강제로 종료되어야 하는데, 종료 상태가 %s입니다%s"}.With(p.name, p.child.Status(), p.tail()),
			Cause: err,
		}
	}
	return &problem.Problem{
		What:  i18n.Text{EN: "%s ended with %s%s", KO: "%s 프로세스의 종료 상태가 %s입니다%s"}.With(p.name, p.child.Status(), p.tail()),
		Cause: err,
	}
}

// faultError is the error of a program whose word is worth nothing; nil if there is nothing to be said against it.
func (p *Process) faultError() error {
	fault := p.child.Fault()
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
	last := p.child.Tail()
	if len(last) == 0 {
		return i18n.Text{}
	}
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
	if !p.reports {
		p.letFail()
	}
	p.run.Must(p.child.Signal(syscall.SIGTERM))
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
	p.run.emit(event.Event{Type: event.Crashed, Program: p.name, PID: p.child.PID(), Point: point})
	p.run.Must(p.child.Signal(syscall.SIGKILL))
	p.Wait()
}

// Freeze stops the program without ending it (SIGSTOP): a long pause of a garbage collector, a suspended virtual
// machine. A consumer loses its place in its group. Resume wakes the program up again.
func (p *Process) Freeze() {
	p.run.Must(p.child.Freeze(p.run.ctx))
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
	p.held = false
	p.run.mu.Unlock()
	p.run.Must(p.child.Resume())
}

// end makes sure that the process is gone. One that waits for the lesson is killed at once: it cannot hear.
func (p *Process) end() error {
	p.run.mu.Lock()
	held := p.held
	p.run.mu.Unlock()
	return p.child.End(held)
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
