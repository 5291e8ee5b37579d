package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/program"
)

// Command says what to start.
type Command struct {
	// Name is what the process is called in events and errors.
	Name string
	// Program is the file of a program of the course, which reports what it does. "" is any other command: it reports
	// nothing, and is the first of Args, on the PATH or, with a slash, in the clone.
	Program string
	Args    []string
	// Env is what the process has in its environment beside this one's.
	Env []string
	// Input is a file of the clone for the standard input. Default: that is empty.
	Input string
}

// Process is a child process, with the process group that it leads. Ctrl-C does not reach it. Its methods may be called
// concurrently, but Wait must be called, and only once.
type Process struct {
	name     string
	launcher *Launcher
	cmd      *exec.Cmd
	started  time.Time
	parent   *os.File // closed with this process, by whatever end: the child ends with it
	output   *pipe
	reports  *pipe // nil for a command that reports nothing
	readers  sync.WaitGroup
	torn     []byte        // a report that it has not ended
	gone     chan struct{} // closed when the process is gone, after everything that it said
	err      error         // final then

	mu    sync.Mutex
	guard *Watcher // while it is frozen
	fault error
	last  []string // lines of output
}

// Start starts a command. It goes on until its end, or [Process.End]. The context is for what must be built before.
func (l *Launcher) Start(ctx context.Context, c Command) (_ *Process, err error) {
	file, args := c.Program, c.Args
	if file == "" {
		if file, args, err = l.leashed(ctx, args); err != nil {
			return nil, fmt.Errorf("start %s: %w", c.Name, err)
		}
	}
	p := &Process{name: c.Name, launcher: l, cmd: exec.Command(file, args...), gone: make(chan struct{})}
	p.cmd.Dir = l.Root
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	var files openFiles
	output, outputEnd := files.pipe()
	parentEnd, parent := files.pipe()
	theirs := []*os.File{outputEnd, parentEnd} // the child has its own
	p.cmd.Stdout, p.cmd.Stderr = outputEnd, outputEnd
	if c.Input != "" {
		input := files.open(filepath.Join(l.Root, c.Input))
		p.cmd.Stdin, theirs = input, append(theirs, input)
	}
	if c.Program == "" {
		p.cmd.ExtraFiles = []*os.File{parentEnd} // descriptor 3
		p.cmd.Env = append(p.cmd.Env, program.EnvParent+"=3")
	} else {
		reports, reportsEnd := files.pipe()
		p.reports, theirs = newPipe(reports), append(theirs, reportsEnd)
		p.cmd.ExtraFiles = []*os.File{reportsEnd, parentEnd} // descriptors 3 and 4
		p.cmd.Env = append(append(p.cmd.Env, program.EnvEvents+"=3", program.EnvParent+"=4"), raceEnv()...)
	}
	p.output, p.parent = newPipe(output), parent
	p.started = time.Now().Round(0) // without the monotonic clock, which the program has not
	if files.err == nil {
		files.err = p.cmd.Start()
	}
	if files.err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, errors.Join(files.err, closeAll(files.all)))
	}
	p.err = closeAll(theirs)
	return p, nil
}

// leashed is how to start a command that knows nothing of this process.
func (l *Launcher) leashed(ctx context.Context, command []string) (file string, args []string, err error) {
	name := command[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) { // of the clone
		name = filepath.Join(l.Root, name)
	}
	if _, err := exec.LookPath(name); err != nil {
		return "", nil, err
	}
	leash, err := l.builtLeash(ctx)
	return leash, append([]string{"run"}, command...), err
}

// openFiles are files that are closed together if one of them cannot be opened.
type openFiles struct {
	all []*os.File
	err error
}

func (o *openFiles) keep(err error, files ...*os.File) {
	if o.err = errors.Join(o.err, err); err == nil {
		o.all = append(o.all, files...)
	}
}

func (o *openFiles) pipe() (read, write *os.File) {
	read, write, err := os.Pipe()
	o.keep(err, read, write)
	return read, write
}

func (o *openFiles) open(name string) *os.File {
	f, err := os.Open(name)
	o.keep(err, f)
	return f
}

func closeAll(files []*os.File) error {
	var err error
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Listener hears what a process says. Output is one goroutine's and Report another's; each gets one thing at a time.
type Listener struct {
	// Report gets what a program of the course reports, with Time, Program and PID.
	Report func(event.Event)
	// Output gets each line that is printed, without empty ones, as a terminal can show it.
	Output func(line string)
	// LeftOut is told how many lines were too many to be passed on.
	LeftOut func(lines int)
	// Faulty is called when [Process.Fault] has something new to say.
	Faulty func()
}

// Wait passes on what the process says, until it is gone and everything has been heard. Then it ends what is left of the
// process group. The error tells how the process ended, nil for exit code 0.
func (p *Process) Wait(l Listener) error {
	p.readers.Go(func() { p.readOutput(l) })
	if p.reports != nil {
		p.readers.Go(func() { p.readReports(l) })
	}
	err := p.cmd.Wait()
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // mostly nobody is left
	p.output.programEnded()
	if p.reports != nil {
		p.reports.programEnded()
	}
	p.readers.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); len(p.torn) > 0 && !(ok && status.Signaled()) { // killed in the middle of it
		p.found(l, &problem.Problem{What: i18n.Text{EN: "it left a report unfinished (%s)", KO: "보고를 끝맺지 않았습니다 (%s)"}.With(event.Visible(string(p.torn[:min(len(p.torn), 200)])))})
	}
	p.mu.Lock()
	p.err = errors.Join(err, p.err, p.parent.Close())
	if p.guard != nil { // it was killed while it was frozen
		p.err = errors.Join(p.err, p.guard.Dismiss())
		p.guard = nil
	}
	close(p.gone)
	p.mu.Unlock()
	return p.err
}

func (p *Process) readReports(l Listener) {
	p.torn = readReports(p.reports, func(e event.Event) {
		e.Program, e.PID = p.name, p.PID()
		if now := time.Now(); e.Time.Before(p.started) || e.Time.After(now) { // they share the computer's clock
			e.Time = now
		}
		l.Report(e)
	}, func(fault error) { p.found(l, fault) })
	p.found(l, p.reports.file.Close())
}

const (
	// keptLines is how many lines of output are kept.
	keptLines = 1000
	// tailLines is how many of them [Process.Tail] returns.
	tailLines = 5
)

func (p *Process) readOutput(l Listener) {
	more, err := readOutput(p.output, func(line string) {
		p.mu.Lock()
		p.last = append(p.last, line)
		p.last = p.last[max(0, len(p.last)-keptLines):]
		p.mu.Unlock()
		l.Output(line)
	})
	if more > 0 {
		l.LeftOut(more)
	}
	p.found(l, errors.Join(err, p.output.file.Close()))
}

// found notes a fault, if there is one.
func (p *Process) found(l Listener, fault error) {
	if fault == nil {
		return
	}
	p.mu.Lock()
	if !errors.Is(p.fault, errHeldOpen) || !errors.Is(fault, errHeldOpen) { // once is enough for two pipes
		p.fault = errors.Join(p.fault, fault)
	}
	p.mu.Unlock()
	l.Faulty()
}

// Fault is what the process did against the rules between programs and runner; nil if nothing: what it says can be true.
func (p *Process) Fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// PID is the process id, and that of the group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Lines returns what the process printed last, up to 1000 lines, oldest first.
func (p *Process) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.last)
}

// Tail returns the few lines that tell best why the process ended: the last, or those of a panic.
func (p *Process) Tail() []string {
	lines := p.Lines()
	for i, line := range lines { // a program that panics says first what happened, and then where
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return lines[i:min(len(lines), i+2*tailLines)]
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}

// Gone tells whether the process has ended, and everything that it said was heard.
func (p *Process) Gone() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// Err tells how the process ended, nil for exit code 0. It is nil while the process goes on.
func (p *Process) Err() error {
	if !p.Gone() {
		return nil
	}
	return p.err
}

// Status is how the process that is [Process.Gone] ended: "exit status 1", "signal: killed".
func (p *Process) Status() string { return p.cmd.ProcessState.String() }

// ExitCode is that of a process that is [Process.Gone], -1 after a signal.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Killed tells whether the process has ended with SIGKILL.
func (p *Process) Killed() bool {
	if !p.Gone() {
		return false
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// Signal sends a signal to the process and to whatever it has started in its group. One that is gone needs none.
func (p *Process) Signal(s syscall.Signal) error {
	if p.Gone() {
		return nil
	}
	err := syscall.Kill(-p.PID(), s)
	if err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EPERM) { // EPERM: macOS, of one that has just died
		return fmt.Errorf("%s to %s: %w", s, p.name, err)
	}
	return nil
}

// Freeze stops the process without ending it (SIGSTOP). It ends with this process all the same.
func (p *Process) Freeze(ctx context.Context) error {
	guard, err := p.launcher.Watch(ctx, "kill", strconv.Itoa(p.PID())) // it cannot notice that this process is gone
	if err != nil {
		return err
	}
	p.mu.Lock()
	gone := p.Gone()
	if !gone {
		p.guard = guard
	}
	p.mu.Unlock()
	if gone {
		return guard.Dismiss()
	}
	return p.Signal(syscall.SIGSTOP)
}

// Resume makes a process go on that was frozen, or that has stopped itself (SIGCONT).
func (p *Process) Resume() error {
	p.mu.Lock()
	guard := p.guard
	p.guard = nil
	p.mu.Unlock()
	if guard != nil {
		if err := guard.Dismiss(); err != nil {
			return err
		}
	}
	return p.Signal(syscall.SIGCONT)
}

const (
	// grace is how long a process may take to end when it is asked to.
	grace = 3 * time.Second
	// dying is how long a process may take to end when it is killed, and its last words to be heard.
	dying = 10 * time.Second
)

// End makes sure that the process is gone: with SIGTERM, and after 3 seconds with SIGKILL; at once if it is frozen or
// otherwise deaf. The error tells that it is not gone 10 seconds after that.
func (p *Process) End(deaf bool) error {
	p.mu.Lock()
	deaf = deaf || p.guard != nil
	p.mu.Unlock()
	if !deaf {
		_ = p.Signal(syscall.SIGTERM)
		if p.goneWithin(grace) {
			return nil
		}
	}
	_ = p.Signal(syscall.SIGKILL)
	if !p.goneWithin(dying) {
		return fmt.Errorf("%s, process %d, does not end", p.name, p.PID())
	}
	return nil
}

func (p *Process) goneWithin(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.gone:
		return true
	case <-timer.C:
		return false
	}
}
