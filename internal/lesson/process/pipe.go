package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// pipe is the runner's end of a pipe from a program. It comes to its end when the program has, even if a process that
// the program started holds the other end open.
type pipe struct {
	file  *os.File
	ended atomic.Bool
	rest  int // bytes that may come after the program's end
}

const (
	// stragglers is how long nothing may come through a pipe whose program has ended before the runner gives it up.
	stragglers = time.Second
	// mostRest is more than a pipe can hold: what comes beyond it, the program has not written.
	mostRest = 1 << 20
)

// errHeldOpen tells that the pipe was given up.
var errHeldOpen error = &problem.Problem{What: i18n.Text{EN: "a process that it started still holds its output open", KO: "이 프로그램이 시작한 프로세스가 출력을 아직 붙잡고 있습니다"}}

func newPipe(f *os.File) *pipe { return &pipe{file: f, rest: mostRest} }

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) { // the program has ended: what it wrote is there
		if err = p.file.SetReadDeadline(time.Now().Add(stragglers)); err == nil {
			n, err = p.file.Read(b)
		}
	}
	if p.ended.Load() {
		if p.rest -= n; p.rest < 0 {
			err = errHeldOpen
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errHeldOpen
	}
	return n, err
}

// programEnded tells the pipe that its program has ended: a Read that waits, and the next one, wait no longer than for
// stragglers.
func (p *pipe) programEnded() {
	p.ended.Store(true)
	_ = p.file.SetReadDeadline(time.Now()) // a pipe can do that
}

const (
	// longestLine is how much of a line of output is kept.
	longestLine = 8 << 10
	// mostLines is how many lines of a program are passed on.
	mostLines = 50_000
	// mostReported is how many bytes of a program's reports are counted: they stay in memory to the end of the variant.
	mostReported = 32 << 20
)

// readReports passes on what the program reports, until its end, and the beginning of a report that it has not ended. It
// tells at once of a fault, which makes the program's word worthless, and listens no more: something that is not a
// report, or too much.
func readReports(p *pipe, report func(event.Event), fault func(error)) (torn []byte) {
	lines := bufio.NewReaderSize(p, event.MaxReport+1)
	for reported := 0; ; {
		line, err := lines.ReadSlice('\n')
		reported += len(line)
		switch {
		case errors.Is(err, io.EOF):
			return bytes.Clone(line)
		case errors.Is(err, bufio.ErrBufferFull):
			err = &problem.Problem{What: i18n.Text{EN: "it reported a line of more than %d bytes", KO: "%d바이트가 넘는 줄을 보고했습니다"}.With(event.MaxReport)}
		case err == nil && reported > mostReported:
			err = &problem.Problem{What: i18n.Text{EN: "it reported more than %d MiB", KO: "보고한 양이 %d MiB를 넘었습니다"}.With(mostReported >> 20)}
		}
		var e event.Event
		if err == nil {
			if e, err = event.ParseReport(line[:len(line)-1]); err != nil {
				err = &problem.Problem{Cause: err, What: i18n.Text{EN: "what it reported is not a report (%s)", KO: "보고 형식이 아닌 것을 보고했습니다 (%s)"}.
					With(event.Visible(string(line[:min(len(line)-1, 200)])))}
			}
		}
		if err != nil {
			fault(err)
			_, _ = io.Copy(io.Discard, lines) // or it would wait for a reader
			return nil
		}
		report(e)
	}
}

// readOutput passes on the lines that the program prints, without the empty ones, as a terminal can show them. It returns
// how many were too many.
func readOutput(p *pipe, show func(line string)) (more int, err error) {
	lines := bufio.NewReaderSize(p, longestLine)
	for shown := 0; ; {
		line, cut, err := readLine(lines)
		text := event.Visible(string(line))
		if cut > 0 {
			text += fmt.Sprintf(" … +%d B", cut)
		}
		switch {
		case text == "":
		case shown == mostLines:
			more++
		default:
			shown++
			show(text)
		}
		if errors.Is(err, io.EOF) {
			return more, nil
		}
		if err != nil {
			return more, err
		}
	}
}

// readLine returns the next line without its end. Of one that is longer than the reader's buffer it returns the
// beginning, and how many bytes are left out.
func readLine(r *bufio.Reader) (line []byte, cut int, err error) {
	part, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(part, "\r\n"), 0, err
	}
	line = bytes.Clone(part)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.ReadSlice('\n')
		cut += len(part)
	}
	return line, cut, err
}
