package mysqld

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInUse is the error of [Stop] and [Delete] while a process has a share in the server.
	ErrInUse = errors.New("the embedded MySQL is in use")
	// ErrNoProgram is why [Start] has nothing to start: no server is installed on this machine, and none can be fetched.
	ErrNoProgram = errors.New("neither mariadbd nor mysqld found")
)

// Reason is why there is no private server, for machines.
type Reason string

const (
	Busy    Reason = "another process starts or stops it"
	Missing Reason = "there is no program to start"
	Unfit   Reason = "no program could be made ready"
	Broken  Reason = "it does not start"
	Silent  Reason = "it runs, and does not answer"
)

// Error tells why there is no private server.
type Error struct {
	Reason Reason
	Lock   string        // of Busy: the file that the other process has locked
	Data   string        // of Broken: the server's data
	Log    string        // of Broken and Silent: what the server has said
	Port   int           // of Silent, on 127.0.0.1
	Waited time.Duration // of Silent
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("embedded MySQL: %s: %v", e.Reason, e.Err) }

func (e *Error) Unwrap() error { return e.Err }
