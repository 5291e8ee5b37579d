package lesson

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/program"
	"kafkahandson/internal/stack"
)

// Command is a program that a lesson is about to start.
type Command struct {
	run   *Run
	pkg   string
	args  []string
	crash string // for program.EnvCrash
	proxy *faultproxy.Proxy
}

// CrashAt makes the power fail when the program passes a crash point for the nth time: the process is killed there.
func (c *Command) CrashAt(point string, n int) *Command {
	c.crash = fmt.Sprintf("%s:%d", point, n)
	return c
}

// HoldAt makes every goroutine of the program that comes to a crash point, from the nth pass on, wait there until the
// lesson kills it, while the others go on: see [Process.WaitHeld].
func (c *Command) HoldAt(point string, n int) *Command {
	c.crash = fmt.Sprintf("%s:%d:hold", point, n)
	return c
}

// Run starts the program and waits for its end: an exit with 0, or the crash that CrashAt asked for.
func (c *Command) Run() *Process {
	p := c.Start()
	p.Wait()
	return p
}

// RunUntilCaughtUp starts a consumer, waits until it has handled the topic up to its end, and stops it with SIGTERM.
// Records that the group has committed before count as handled.
func (c *Command) RunUntilCaughtUp(topic, group string) *Process {
	p := c.Start()
	p.WaitCaughtUp(topic, group)
	p.Stop()
	return p
}

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

// Start starts the program and goes on. The lesson's end kills what it has not stopped.
func (c *Command) Start() *Process {
	p, err := c.start()
	c.run.Must(err)
	return p
}

func (c *Command) start() (_ *Process, err error) {
	r := c.run
	file, ok := r.programs[c.pkg]
	if !ok {
		return nil, fmt.Errorf("lesson %s starts %s, which is not among its Programs", r.lesson.Name, c.pkg)
	}
	p := &Process{run: r, name: r.processName(path.Base(c.pkg)), crashes: c.crash != "", reported: map[event.Type]int{}}

	var opened []*os.File
	pipe := func() (read, write *os.File) {
		if err != nil {
			return nil, nil
		}
		if read, write, err = os.Pipe(); err == nil {
			opened = append(opened, read, write)
		}
		return read, write
	}
	eventsRead, eventsWrite := pipe()
	outRead, outWrite := pipe()
	leashRead, leashWrite := pipe()
	if err == nil {
		p.leash = leashWrite
		p.cmd = exec.Command(file, c.args...)
		p.cmd.Stdout, p.cmd.Stderr = outWrite, outWrite
		p.cmd.ExtraFiles = []*os.File{eventsWrite, leashRead} // descriptors 3 and 4
		cfg := r.kafka.Config
		if c.proxy != nil {
			cfg.Proxies = c.proxy.Addresses()
		}
		p.cmd.Env = append(os.Environ(), cfg.Environ()...)
		p.cmd.Env = append(p.cmd.Env,
			program.EnvEvents+"=3", program.EnvParent+"=4", program.EnvCrash+"="+c.crash,
			stack.EnvStack+"="+string(stack.Env), i18n.EnvLang+"="+string(r.opts.Lang))
		if r.dsn != "" {
			p.cmd.Env = append(p.cmd.Env, mysql.EnvDSN+"="+r.dsn)
		}
		p.cmd.Env = append(p.cmd.Env, raceEnv()...)
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the runner, which stops its programs
		err = p.cmd.Start()
	}
	if err != nil {
		for _, f := range opened {
			err = errors.Join(err, f.Close())
		}
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	r.emit(event.Event{Type: event.Started, Program: p.name, PID: p.cmd.Process.Pid, Line: strings.Join(append([]string{c.pkg}, c.args...), " ")})
	r.track(p)
	for _, f := range []*os.File{eventsWrite, outWrite, leashRead} { // the child has its own
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	p.readers.Go(func() { p.readEvents(eventsRead) })
	p.readers.Go(func() { p.readOutput(outRead) })
	r.waits.Go(p.reap)
	return p, nil
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

func (p *Process) tail() i18n.Text {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	if len(p.last) == 0 {
		return i18n.Text{}
	}
	return i18n.Text{EN: "; last lines:\n    %s", KO: ". 마지막 출력:\n    %s"}.With(strings.Join(p.last, "\n    "))
}

// endedEarly is the error for a program that has ended while the lesson waited for something of it.
func (p *Process) endedEarly(what Text) error {
	return &problem.Problem{
		What: i18n.Text{EN: "the lesson waited %[3]s, but %[1]s ended with %[2]s%[4]s", KO: "%[3]s 기다렸지만 %[1]s 프로세스가 먼저 끝났습니다(종료 상태 %[2]s)%[4]s"}.
			With(p.name, p.cmd.ProcessState.String(), what, p.tail()),
		Cause: p.exit,
	}
}

// WaitHeld waits until the program waits at the crash point of HoldAt.
func (p *Process) WaitHeld() {
	p.waitAlive(Text{EN: "for %s to reach its crash point", KO: "%s 프로세스가 정해진 지점에 도달하기를"}.With(p.name), func() (bool, string) {
		return p.held, ""
	})
}

func (p *Process) ended() bool {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.exited
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
