package lesson

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"kafkahandson/internal/event"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/program"
	"kafkahandson/internal/stack"
)

// Command is a program, or another command, that a lesson is about to start. It runs in the folder of the clone.
type Command struct {
	run         *Run
	name        string // of the process: "manual-commit"
	pkg         string // of a program of the course; "" for any other command
	args        []string
	input       string // a file
	point       string // a crash point, "" for none
	crash       string // for program.EnvCrash
	proxies     []*faultproxy.Proxy
	reportEvery int // 0: each record
}

// Program prepares a program of the lesson, by its package; start it with a method of the Command.
func (r *Run) Program(pkg string, args ...string) *Command {
	return &Command{run: r, name: path.Base(pkg), pkg: pkg, args: args}
}

// Command prepares a command that is not the course's: kcat, say. It reports nothing; what it does the lesson finds out
// from the cluster, and from what it prints. Its whole process group ends with the variant, or with the runner.
func (r *Run) Command(name string, args ...string) *Command {
	return &Command{run: r, name: name, args: append([]string{name}, args...)}
}

// InContainer prepares a command in a running container of the compose stack, by its service. The process is named after
// the command. When it is killed from here, the process in the container goes on: give it an end of its own.
func (r *Run) InContainer(service, name string, args ...string) *Command {
	c := r.Command("docker", append([]string{"compose", "exec", "--no-TTY", service, name}, args...)...)
	c.name = name
	return c
}

// Input makes a file of the clone the command's standard input. By default that is empty.
func (c *Command) Input(file string) *Command {
	c.input = file
	return c
}

// CrashAt makes the power fail when the program passes a crash point for the nth time: the process is killed there.
func (c *Command) CrashAt(point string, n int) *Command {
	c.point, c.crash = point, fmt.Sprintf("%s:%d", point, n)
	return c
}

// HoldAt makes every goroutine of the program that comes to a crash point, from the nth pass on, wait there until the
// lesson kills it, while the others go on: see [Process.WaitHeld].
func (c *Command) HoldAt(point string, n int) *Command {
	c.point, c.crash = point, fmt.Sprintf("%s:%d:hold", point, n)
	return c
}

// ReportEvery makes the program report and print only every nth record that it handles, so that a record costs what it
// costs without a lesson. A benchmark tells from the times of those what all of them took.
func (c *Command) ReportEvery(n int) *Command {
	c.reportEvery = n
	return c
}

// Through makes the program reach the servers that a proxy is in front of through it: [Run.Proxy], [Run.AckLoser],
// [Run.MySQLProxy]. The program does not know.
func (c *Command) Through(p *faultproxy.Proxy) *Command {
	c.proxies = append(c.proxies, p)
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

// String is the command for a shell in the clone's folder, as a person can paste it. Without the lesson it has no crash
// point and no proxy.
func (c *Command) String() string {
	words := c.args
	if c.pkg != "" {
		words = append([]string{"go", "run", "./" + c.pkg}, c.args...)
	}
	line := shellescape.QuoteCommand(words)
	if c.pkg != "" && c.run.shellEnv != "" {
		line = c.run.shellEnv + " " + line
	}
	if c.input != "" {
		line += " < " + shellescape.Quote(c.input)
	}
	return line
}

func (c *Command) start() (*Process, error) {
	r := c.run
	p := &Process{
		run: r, name: r.processName(c.name), source: c.pkg + "/main.go", reports: c.pkg != "", done: make(chan struct{}),
		crashes: c.crash != "", point: c.point, reached: map[reader]int64{},
		members: map[string]*event.Assignment{}, idle: map[string]map[string]map[int32]int64{},
	}
	what := process.Command{Name: p.name, Args: c.args, Env: []string{i18n.EnvLang + "=" + string(r.opts.Lang)}, Input: c.input}
	if c.pkg != "" {
		var ok bool
		if what.Program, ok = r.programs[c.pkg]; !ok {
			return nil, fmt.Errorf("lesson %s starts %s, which is not among its Programs", r.lesson.Name, c.pkg)
		}
		what.Env = append(what.Env, c.environ()...)
	}
	var err error
	if p.child, err = r.launcher.Start(r.ctx, what); err != nil {
		return nil, err
	}
	r.emit(event.Event{Type: event.Started, Program: p.name, PID: p.child.PID(), Command: c.String()})
	r.track(p)
	r.waits.Go(p.listen)
	return p, nil
}

// environ tells a program of the course what the lesson knows.
func (c *Command) environ() []string {
	r := c.run
	cfg, dsn := r.kafka.Config, r.dsn
	for _, p := range c.proxies {
		addresses := p.Addresses()
		if proxy := addresses[r.mysqlAddr]; proxy != "" {
			through, err := mysql.Config{DSN: dsn}.WithAddr(proxy)
			r.Must(err)
			dsn, err = through.FormatDSN()
			r.Must(err)
			continue
		}
		cfg.Proxies = addresses
	}
	env := append(cfg.Environ(), program.EnvCrash+"="+c.crash, stack.EnvStack+"="+string(stack.Env))
	if c.reportEvery > 0 {
		env = append(env, program.EnvReportEvery+"="+strconv.Itoa(c.reportEvery))
	}
	if dsn != "" {
		env = append(env, mysql.EnvDSN+"="+dsn)
	}
	return env
}

// shellEnvOf is what a shell must set before a program of the course, so that it finds the run's Kafka as the lesson's
// programs do; mostly nothing.
func shellEnvOf(found, of []string) string {
	if strings.Join(found, ",") == strings.Join(of, ",") {
		return ""
	}
	return "KAFKA_BROKERS=" + strings.Join(of, ",")
}
