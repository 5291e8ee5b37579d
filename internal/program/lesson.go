package program

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// How the runner of a lesson reaches a program. By hand none of these variables is set, and a report is only printed,
// a crash point only passed.
const (
	// EnvEvents is the number of the file descriptor that takes events.
	EnvEvents = "KAFKAHANDSON_EVENTS_FD"
	// EnvParent is the number of a file descriptor that is at its end once the runner is gone; then the program ends
	// too, so that a killed runner leaves nothing behind.
	EnvParent = "KAFKAHANDSON_PARENT_FD"
	// EnvCrash says where the power fails: "after-handle:10" at the tenth pass of that crash point. With
	// "before-handle:10:hold" whoever comes there, from the tenth pass on, waits for the runner to kill the program,
	// or to resume it with SIGCONT.
	EnvCrash = "KAFKAHANDSON_CRASH"
	// EnvReportEvery is a number n: only every nth record that is handled is reported and printed, so that a record costs
	// what it costs without a lesson.
	EnvReportEvery = "KAFKAHANDSON_REPORT_EVERY"
)

type lessonLink struct {
	events      io.Writer
	crash       crashPoint
	reportEvery int64 // 1: each record that is handled
	handled     atomic.Int64
}

type crashPoint struct {
	name   string
	at     int // the pass at which it strikes, from 1
	hold   bool
	passes int

	// Of a hold, once it has begun.
	resumed context.Context // ends with SIGCONT
	stop    context.CancelFunc
}

func (p *Program) connectLesson(getenv func(string) string) error {
	events, err := descriptor(getenv, EnvEvents)
	if err != nil {
		return err
	}
	if events != nil {
		p.lesson.events = events
	}
	if p.lesson.reportEvery, err = parseEvery(getenv(EnvReportEvery)); err != nil {
		return err
	}
	p.lesson.crash, err = parseCrash(getenv(EnvCrash))
	return err
}

func parseEvery(s string) (int64, error) {
	if s == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, problem.Usage(i18n.Text{EN: "%s is %q", KO: "%s 값이 %q입니다"}.With(EnvReportEvery, s),
			i18n.Text{EN: "unset it, or write a number from 1 on", KO: "설정을 지우거나 1 이상의 수를 쓰세요"})
	}
	return n, nil
}

func parseCrash(s string) (crashPoint, error) {
	if s == "" {
		return crashPoint{}, nil
	}
	name, count, _ := strings.Cut(s, ":")
	count, hold := strings.CutSuffix(count, ":hold")
	at, err := strconv.Atoi(count)
	if name == "" || err != nil || at < 1 {
		return crashPoint{}, problem.Usage(i18n.Text{EN: "%s is %q", KO: "%s 값이 %q입니다"}.With(EnvCrash, s),
			i18n.Text{EN: "unset it, or write point:count or point:count:hold, as in after-handle:10; count from 1", KO: "설정을 지우거나, after-handle:10처럼 지점:횟수 또는 지점:횟수:hold로 쓰세요. 횟수는 1부터 셉니다"})
	}
	return crashPoint{name: name, at: at, hold: hold}, nil
}

// WithParent ends the context, and soon after the process, when the runner of the lesson that started it is gone. By
// hand there is none, and the context is returned as it is.
func WithParent(ctx context.Context, getenv func(string) string) (context.Context, error) {
	parent, err := descriptor(getenv, EnvParent)
	if err != nil || parent == nil {
		return ctx, err
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() { // owned by the process: it waits for the parent's end, which is the process's end
		if _, err := io.Copy(io.Discard, parent); err != nil {
			return // then it is not known
		}
		cancel()
		if syscall.Getpgrp() == os.Getpid() { // the runner has made it so: whatever it has started is in its group
			_ = syscall.Kill(0, syscall.SIGKILL)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}()
	return ctx, nil
}

// descriptor is the file whose number a variable of the environment has; nil if the variable is not set.
func descriptor(getenv func(string) string, env string) (*os.File, error) {
	v := getenv(env)
	if v == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", env, err)
	}
	f := os.NewFile(uintptr(fd), env)
	if _, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("%s: %w", env, err)
	}
	return f, nil
}

func (l *lessonLink) on() bool { return l.events != nil }

// report sends an event to the runner. A runner that is gone no longer needs it.
func (l *lessonLink) report(e event.Event) {
	if l.events != nil {
		e.PID = os.Getpid()
		_ = event.Write(l.events, e)
	}
}

// CrashPoint is a place where a lesson may pull the plug. By hand, and in lessons that crash elsewhere, nothing
// happens. A crash is a SIGKILL: no deferred call runs, no buffer is flushed, no goodbye is sent.
func (p *Program) CrashPoint(name string) {
	c := &p.lesson.crash
	if c.name != name {
		return
	}
	p.mu.Lock()
	c.passes++
	if c.passes < c.at {
		p.mu.Unlock()
		return
	}
	if c.hold { // goroutines that do not come here go on
		if c.passes == c.at {
			c.resumed, c.stop = signal.NotifyContext(context.Background(), syscall.SIGCONT)
			p.lesson.report(event.Event{Type: event.Held, Point: name})
		}
		resumed, stop := c.resumed, c.stop
		p.mu.Unlock()
		<-resumed.Done()
		stop()
		return
	}
	// The lock stays: nothing is reported between this event and the end.
	p.lesson.report(event.Event{Type: event.Crashed, Point: name})
	kill()
}

func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal arrives
}
