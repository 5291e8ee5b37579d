package lesson

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
var errHeldOpen = errors.New("a process that it started still holds its output open")

func newPipe(f *os.File) *pipe { return &pipe{file: f, rest: mostRest} }

func (p *pipe) Read(b []byte) (int, error) {
	if !p.ended.Load() {
		n, err := p.file.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) { // it ended meanwhile
			err = errHeldOpen
		}
		return n, err
	}
	if p.rest <= 0 {
		return 0, errHeldOpen
	}
	if err := p.file.SetReadDeadline(time.Now().Add(stragglers)); err != nil {
		return 0, err
	}
	n, err := p.file.Read(b[:min(len(b), p.rest)])
	p.rest -= n
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errHeldOpen
	}
	return n, err
}

// programEnded tells the pipe that its program has ended.
func (p *pipe) programEnded() {
	p.ended.Store(true)
	_ = p.file.SetReadDeadline(time.Now().Add(stragglers)) // of a Read that waits now; a pipe can do that
}

const (
	// longestLine is how much of a line of output is kept.
	longestLine = 8 << 10
	// mostLines is how many lines of a program are passed on.
	mostLines = 50_000
	// mostReports is how many reports of a program are counted: each stays in memory to the end of the variant.
	mostReports = 250_000
)

// readReports passes on what the program reports, until its end. What it returns makes the program's word worthless:
// something that is not a report, or too much.
func readReports(p *pipe, report func(event.Event)) error {
	lines := bufio.NewReaderSize(p, event.MaxReport+1)
	for n := 0; ; n++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF): // a last line without its end: the program was killed while it wrote it
			return nil
		case errors.Is(err, errHeldOpen):
			return err
		case errors.Is(err, bufio.ErrBufferFull):
			err = fmt.Errorf("it reported a line of more than %d bytes", event.MaxReport)
		case err == nil && n == mostReports:
			err = fmt.Errorf("it reported more than %d times", mostReports)
		}
		var e event.Event
		if err == nil {
			if e, err = event.ParseReport(line[:len(line)-1]); err != nil {
				err = fmt.Errorf("it reported what is not a report: %w: %s", err, event.Visible(string(line[:min(len(line)-1, 200)])))
			}
		}
		if err != nil {
			if _, drainErr := io.Copy(io.Discard, lines); drainErr != nil { // or it would wait for a reader
				err = errors.Join(err, drainErr)
			}
			return err
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
