package lesson

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"

	"kafkahandson/internal/event"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
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

// Through makes the program reach the brokers through a proxy. The program does not know.
func (c *Command) Through(p *faultproxy.Proxy) *Command {
	c.proxy = p
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
