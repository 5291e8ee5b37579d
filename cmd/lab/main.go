// Command lab is the course's tool: it runs lessons, keeps an embedded Kafka up, and does what Kafka's own command
// line does for topics, records and groups, with the same flag names.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"kafkahandson/internal/problem"
	"kafkahandson/internal/program"
	"kafkahandson/internal/remedy"
)

func main() {
	os.Exit(run())
}

func run() int {
	// Until the process is gone: a SIGTERM may come twice (timeout sends it to the process and to its group, two `lab down`
	// send one each), and the second must not cut the end short.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // a second Ctrl-C ends the process at once
	surviveClosedPipes()
	a := newApp(os.Args[1:])
	ctx, err := program.WithParent(ctx, os.Getenv) // a lesson may have started it
	if err == nil {
		err = a.rootCommand().ExecuteContext(ctx)
	}
	if lost := a.stdout.err(); lost != nil && !errors.Is(err, exitCode(problem.ExitFail)) { // what err says is a consequence of it; a FAIL is not
		err = lost
	}
	if err == nil {
		return problem.ExitOK
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return interrupted
	}
	remedy.Render(a.stderr, a.lang, err)
	return remedy.ExitCode(err)
}

// interrupted is the exit code after Ctrl-C, as shells give it: 128 + SIGINT.
const interrupted = 130

// exitCode ends the command when everything has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }
