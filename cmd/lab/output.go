package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// output is standard output, which remembers that something could not be written: what a command prints is seen, or its
// exit code says that it was not. After an error it writes nothing more. It is safe for concurrent use.
type output struct {
	file *os.File
	lost context.Context // ends with the first error, which is its cause
	lose context.CancelCauseFunc
}

func newOutput(file *os.File) *output {
	o := &output{file: file}
	o.lost, o.lose = context.WithCancelCause(context.Background())
	return o
}

func (o *output) Write(p []byte) (int, error) {
	if err := context.Cause(o.lost); err != nil {
		return 0, err
	}
	if len(p) == 0 { // an empty list is no list that was lost
		return 0, nil
	}
	n, err := o.file.Write(p)
	if err != nil {
		o.lose(err)
	}
	return n, err
}

// closed tells whether the reader of a pipe has gone: it wanted no more, as head does.
func (o *output) closed() bool { return errors.Is(context.Cause(o.lost), syscall.EPIPE) }

// err is the problem that something could not be written, nil if there is none.
func (o *output) err() error {
	switch cause := context.Cause(o.lost); {
	case cause == nil:
		return nil
	case o.closed():
		return exitCode(closedPipe)
	default:
		return problem.Environment(cause, i18n.Text{EN: "standard output cannot be written, so not everything was shown", KO: "표준 출력에 쓸 수 없어 일부가 표시되지 않았습니다"},
			i18n.Text{EN: "make room on the disk, or write elsewhere", KO: "디스크 공간을 확보하거나 다른 곳에 쓰세요"})
	}
}

// untilLost returns a context that also ends when nothing can be written any more: for what takes long, and is to be seen.
func (o *output) untilLost(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(o.lost, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// closedPipe is the exit code after the reader of a pipe has gone, as shells give it: 128 + SIGPIPE.
const closedPipe = 141

// surviveClosedPipes makes a write to a pipe without a reader an error. By default it kills the process, which could then
// neither leave its consumer group nor end the programs of a lesson.
func surviveClosedPipes() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // not ignored: that, the programs would inherit
}
