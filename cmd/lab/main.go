// Command lab is the course's tool: it runs lessons, keeps an embedded Kafka up, and does what Kafka's own command
// line does for topics, records and groups, with the same flag names.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"kafkahandson/internal/problem"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := newApp(os.Args[1:])
	err := a.rootCommand().ExecuteContext(ctx)
	if err == nil {
		return problem.ExitOK
	}
	if errors.Is(err, errFailed) { // the verdict has been printed
		return problem.ExitFail
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return interrupted
	}
	problem.Render(a.stderr, a.lang, err)
	return problem.ExitCode(err)
}

// interrupted is the exit code after Ctrl-C, as shells give it: 128 + SIGINT.
const interrupted = 130

// errFailed ends the command with exit code 1 when everything has been said.
var errFailed = errors.New("failed")
