package lesson

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Process is a program that a lesson started.
type Process struct {
	run     *Run
	name    string // "manual-commit#2"
	cmd     *exec.Cmd
	crashes bool
	leash   *os.File // closed with the runner: the program ends with it
	readers sync.WaitGroup

	// Guarded by run.mu.
	handled    Records
	passed     Records // handled, or recognised as a duplicate
	measured   map[string]float64
	offsets    Records // found in Kafka's own memory
	assignment *event.Assignment
	reported   map[event.Type]int // how often
	held       bool
	heldAt     string // the crash point
	exited     bool
	exit       error
	last       []string // lines of output
}

func (p *Process) readEvents(f *os.File) {
	defer func() { _ = f.Close() }()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // the program has ended
		}
		var e event.Event
		if err := json.Unmarshal(line, &e); err != nil {
			e = event.Event{Type: event.Error, Detail: fmt.Sprintf("unreadable event %q: %v", line, err)}
		}
		e.Program = p.name
		p.run.observe(p, e)
	}
}

const keptLines = 5

func (p *Process) readOutput(f *os.File) {
	defer func() { _ = f.Close() }()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			p.run.mu.Lock()
			p.last = append(p.last, line)
			p.last = p.last[max(0, len(p.last)-keptLines):]
			p.run.mu.Unlock()
			p.run.emit(event.Event{Type: event.Output, Program: p.name, PID: p.cmd.Process.Pid, Line: line})
		}
		if err != nil {
			return
		}
	}
}

// reap waits for the end of the process, after everything that it said.
func (p *Process) reap() {
	p.readers.Wait()
	err := p.cmd.Wait()
	closeErr := p.leash.Close()
	p.run.emit(event.Event{Type: event.Exited, Program: p.name, PID: p.cmd.Process.Pid, Detail: p.cmd.ProcessState.String()})
	p.run.mu.Lock()
	p.exited, p.exit = true, errors.Join(err, closeErr)
	p.run.mu.Unlock()
	p.run.changed()
}

// Handled returns the records that the program reported as handled.
func (p *Process) Handled() Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return append(Records(nil), p.handled...)
}

// Measured returns what the program measured under this name, in English; it ends the run if there is nothing.
func (p *Process) Measured(name string) float64 {
	p.run.mu.Lock()
	value, ok := p.measured[name]
	p.run.mu.Unlock()
	if !ok {
		p.run.Must(fmt.Errorf("%s has not measured %q", p.name, name))
	}
	return value
}

// Reported is how often the program has reported something of this type.
func (p *Process) Reported(t event.Type) int {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.reported[t]
}

// OffsetsFound returns what the program found in Kafka's own memory about a group's offsets in a topic, in the order in
// which it found it: the offset of each record is that of the next one to read, -1 where the group has forgotten it.
func (p *Process) OffsetsFound(group, topic string) Records {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return slices.Clone(p.offsets.filter(func(r event.Record) bool { return r.Key == group && r.Topic == topic }))
}

// Wait waits for the end of the program: exit code 0, or the crash that CrashAt asked for.
func (p *Process) Wait() {
	what := Text{EN: "for %s to end", KO: "%s 프로세스가 끝나기를"}
	if p.crashes {
		what = Text{EN: "for %s to crash", KO: "%s 프로세스가 죽기를"}
	}
	p.run.waitFor(what.With(p.name), func() (bool, string) { return p.exited, "" })
	p.run.Must(p.verdict())
	if p.crashes {
		p.forgetMember()
	}
}

// WaitHeld waits until the program waits at the crash point of HoldAt.
func (p *Process) WaitHeld() {
	p.waitAlive(Text{EN: "for %s to reach its crash point", KO: "%s 프로세스가 정해진 지점에 도달하기를"}.With(p.name), func() (bool, string) {
		return p.held, ""
	})
}

// WaitCaughtUp waits until the consumer has handled the topic up to its end. Records that the group has committed
// before count as handled.
func (p *Process) WaitCaughtUp(topic, group string) {
	r := p.run
	committed := r.Committed(group, topic)
	for {
		ends := r.endOffsets(topic)
		behind := func() (bool, string) {
			next := map[int32]int64{}
			for partition, offset := range committed {
				next[partition] = max(offset, 0)
			}
			for _, rec := range p.passed {
				if rec.Topic == topic {
					next[rec.Partition] = max(next[rec.Partition], rec.Offset+1)
				}
			}
			var open []string
			for partition, end := range ends {
				if next[partition] < end {
					open = append(open, fmt.Sprintf("p%d: %d/%d", partition, next[partition], end))
				}
			}
			// A program that has not said anything yet might not be ready to be stopped.
			return len(open) == 0 && len(p.reported) > 0, strings.Join(open, " ")
		}
		p.waitAlive(Text{EN: "for %s to catch up with %s", KO: "%[1]s 프로세스가 %[2]s 토픽을 따라잡기를"}.With(p.name, topic), behind)
		if later := r.endOffsets(topic); sameOffsets(ends, later) {
			return
		}
	}
}

func sameOffsets(a, b map[int32]int64) bool {
	for p, end := range b {
		if a[p] != end {
			return false
		}
	}
	return true
}

// WaitReading waits until a consumer knows where it begins to read: what is sent from now on cannot come before that.
// It is for consumers of one partition.
func (p *Process) WaitReading() {
	p.waitAlive(Text{EN: "for %s to begin to read", KO: "%s 프로세스가 읽기 시작하기를"}.With(p.name), func() (bool, string) {
		return p.reported[event.Reading] > 0, ""
	})
}

// WaitHandled waits until the program has handled records with the ids of these.
func (p *Process) WaitHandled(records Records) {
	p.waitAlive(Text{EN: "for %s to handle %d records", KO: "%s 프로세스가 레코드 %d개를 처리하기를"}.With(p.name, len(records)), func() (bool, string) {
		missing := records.NotIn(p.handled)
		return len(missing) == 0, fmt.Sprintf("%d/%d", len(records)-len(missing), len(records))
	})
}

// WaitFailed waits for the end of a program that is expected to fail. It returns the exit code, and what the program
// wrote last, a few lines of it.
func (p *Process) WaitFailed() (exitCode int, last []string) {
	p.run.waitFor(Text{EN: "for %s to end", KO: "%s 프로세스가 끝나기를"}.With(p.name), func() (bool, string) { return p.exited, "" })
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.cmd.ProcessState.ExitCode(), slices.Clone(p.last)
}

// waitAlive waits until a condition holds, and ends the run if the program ends before.
func (p *Process) waitAlive(what Text, condition func() (bool, string)) {
	held := false
	p.run.waitFor(what, func() (bool, string) {
		var state string
		held, state = condition()
		return held || p.exited, state
	})
	if !held {
		p.run.Must(p.endedEarly(what))
	}
}

// verdict tells whether the program ended as it should.
func (p *Process) verdict() error {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed := ok && status.Signaled() && status.Signal() == syscall.SIGKILL
	switch {
	case p.crashes && killed, !p.crashes && p.exit == nil:
		return nil
	case p.crashes:
		return &problem.Problem{
			What:  i18n.Text{EN: "%s should have been killed at its crash point, but ended with %s%s", KO: "%s 프로세스는 정해진 지점에서 강제로 종료되어야 하는데, 종료 상태가 %s입니다%s"}.With(p.name, p.cmd.ProcessState.String(), p.tail()),
			Cause: p.exit,
		}
	}
	return &problem.Problem{
		What:  i18n.Text{EN: "%s ended with %s%s", KO: "%s 프로세스의 종료 상태가 %s입니다%s"}.With(p.name, p.cmd.ProcessState.String(), p.tail()),
		Cause: p.exit,
	}
}

// endedEarly is the error for a program that has ended while the lesson waited for something of it.
func (p *Process) endedEarly(what Text) error {
	return &problem.Problem{
		What: i18n.Text{EN: "the lesson waited %[3]s, but %[1]s ended with %[2]s%[4]s", KO: "%[3]s 기다렸지만 %[1]s 프로세스가 먼저 끝났습니다(종료 상태 %[2]s)%[4]s"}.
			With(p.name, p.cmd.ProcessState.String(), what, p.tail()),
		Cause: p.exit,
	}
}

func (p *Process) tail() i18n.Text {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	if len(p.last) == 0 {
		return i18n.Text{}
	}
	return i18n.Text{EN: "; last lines:\n    %s", KO: ". 마지막 출력:\n    %s"}.With(strings.Join(p.last, "\n    "))
}

func (p *Process) ended() bool {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.exited
}

// Stop asks the program to end, as Ctrl-C or `docker stop` does (SIGTERM), and waits for it.
func (p *Process) Stop() {
	p.run.Must(p.signal(syscall.SIGTERM))
	p.Wait()
}

// Kill ends the program as a power failure does (SIGKILL).
func (p *Process) Kill() {
	p.crashes = true
	p.run.mu.Lock()
	point := p.heldAt
	p.run.mu.Unlock()
	p.run.emit(event.Event{Type: event.Crashed, Program: p.name, PID: p.cmd.Process.Pid, Point: point})
	p.run.Must(p.signal(syscall.SIGKILL))
	p.Wait()
}

// Freeze stops the program without ending it (SIGSTOP): a long pause of a garbage collector, a suspended virtual
// machine. A consumer loses its place in its group. Resume wakes the program up again.
func (p *Process) Freeze() {
	p.run.Must(p.signal(syscall.SIGSTOP))
	p.leaveGroup(Text{
		EN: "%s is frozen and sends no heartbeats; the lesson tells the group so. By itself the broker would notice after the session timeout (10 s)",
		KO: "%s 프로세스가 얼어붙어 하트비트를 보내지 못합니다. 레슨이 그룹에 바로 알려 줍니다. 브로커 혼자서는 세션 타임아웃(10초)이 지나야 알아챕니다",
	})
}

// Resume wakes up a program that is frozen, or that waits at the crash point of HoldAt (SIGCONT).
func (p *Process) Resume() { p.run.Must(p.signal(syscall.SIGCONT)) }

func (p *Process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s to %s: %w", s, p.name, err)
	}
	return nil
}

// end makes sure that the process is gone: politely for grace, then with SIGKILL.
func (p *Process) end(grace time.Duration) {
	if p.ended() {
		return
	}
	_ = p.signal(syscall.SIGTERM)
	timer := time.AfterFunc(grace, func() { _ = p.signal(syscall.SIGKILL) })
	defer timer.Stop()
	p.readers.Wait() // ends with the process
}

// forgetMember tells the coordinator that the killed consumer is gone. By itself it would notice only after the
// session timeout, and a lesson is not about waiting for that.
func (p *Process) forgetMember() {
	p.leaveGroup(Text{
		EN: "%s is dead; the lesson tells the group so. By itself the broker would notice after the session timeout (10 s)",
		KO: "%s 프로세스가 죽었습니다. 레슨이 그룹에 바로 알려 줍니다. 브로커 혼자서는 세션 타임아웃(10초)이 지나야 알아챕니다",
	})
}

// leaveGroup takes a consumer out of its group, and tells why. A program that is no consumer is left alone.
func (p *Process) leaveGroup(why Text) {
	p.run.mu.Lock()
	a := p.assignment
	p.run.mu.Unlock()
	if a == nil {
		return
	}
	p.run.Must(p.run.admin.RemoveMember(p.run.ctx, a.Group, a.Member))
	note := why.With(p.name)
	p.run.emit(event.Event{Type: event.Note, Program: p.name, Text: &note})
}
