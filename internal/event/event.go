// Package event is the record of what happened in a lesson: programs report to the runner with it, and `lab run --json`
// prints it, one JSON object a line. docs/events.md describes the schema.
package event

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"kafkahandson/internal/i18n"
)

// Version is the schema's version, the field v of each event. It changes when a reader of the old schema would
// misunderstand; a new field or a new type does not change it, so readers ignore what they do not know.
const Version = 1

// Type says what happened.
type Type string

// What programs report.
const (
	Produced  Type = "produced"  // the broker acknowledged a record
	Handled   Type = "handled"   // the program did its work for a record
	Duplicate Type = "duplicate" // the program recognised a record that it had handled before, and did nothing
	Assigned  Type = "assigned"  // a consumer got partitions, a generation begins
	Revoked   Type = "revoked"   // the generation ended
	Acquired  Type = "acquired"  // a consumer begins to work on a partition: assignment says which
	Released  Type = "released"  // it has stopped to work on it
	Committed Type = "committed" // a call of session.Commit() returned
	Reading   Type = "reading"   // a consumer begins to read a partition: record says where, offset -1 for the newest, -2 for the oldest
	Derived   Type = "derived"   // the broker acknowledged a record that was made of another one with the same id
	Fenced    Type = "fenced"    // the broker refused what a producer sent, because its work is somebody else's now
	Measured  Type = "measured"  // a number that a program measured
	// OffsetFound: a program found a group's offset in Kafka's own memory: record says the next record to read, its key
	// the group; offset -1 where the group has forgotten it.
	OffsetFound Type = "offset-found"
	Idle        Type = "idle"    // nothing arrives, and why
	Error       Type = "error"   // something failed and will be tried again
	Held        Type = "held"    // the program waits at a crash point to be killed
	Crashed     Type = "crashed" // the program kills itself at a crash point, now
)

// What the runner adds.
const (
	RunStarted     Type = "run-started"
	VariantStarted Type = "variant-started"
	Predict        Type = "predict"    // the question
	Prediction     Type = "prediction" // the student's answer
	Step           Type = "step"
	Resumed        Type = "resumed" // the pause before a step is over
	Note           Type = "note"    // what the runner did behind the scenes, and why
	Waiting        Type = "waiting" // for what, for more than two seconds
	Started        Type = "started" // a program
	Output         Type = "output"  // a line that a program printed
	Exited         Type = "exited"  // a program
	Accounting     Type = "accounting"
	Compared       Type = "compared" // a number of a variant, for the comparison at the end
	Timeline       Type = "timeline" // the lesson shows who owned which partition when, from the events so far
	Claim          Type = "claim"
	Skipped        Type = "skipped" // the lesson needs what this stack does not have
	Why            Type = "why"
	VariantEnded   Type = "variant-ended"
	RunEnded       Type = "run-ended"
)

// Event is one thing that happened. Which fields are set depends on the type: see docs/events.md.
type Event struct {
	V       int       `json:"v"`
	Time    time.Time `json:"time"`
	Type    Type      `json:"type"`
	Run     string    `json:"run,omitempty"`
	Lesson  string    `json:"lesson,omitempty"`
	Variant string    `json:"variant,omitempty"`
	// Program is a program's name and which start of it this is: "manual-commit#2".
	Program string `json:"program,omitempty"`
	PID     int    `json:"pid,omitempty"`

	Record     *Record     `json:"record,omitempty"`
	Assignment *Assignment `json:"assignment,omitempty"`
	Text       *i18n.Text  `json:"text,omitempty"`
	// Line is a line of output, or a prediction, as it was written.
	Line  string `json:"line,omitempty"`
	Point string `json:"point,omitempty"` // a crash point
	// Micros is a duration in microseconds.
	Micros int64 `json:"micros,omitempty"`
	// Value and Unit are a measured number; Text is its name.
	Value  *float64 `json:"value,omitempty"`
	Unit   string   `json:"unit,omitempty"`
	OK     *bool    `json:"ok,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Counts *Counts  `json:"counts,omitempty"`
}

// Record names a record and where it is.
type Record struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Key       string `json:"key"`
	ID        string `json:"id"` // the id inside the message
}

// Assignment is what a member of a consumer group got.
type Assignment struct {
	Group      string             `json:"group"`
	Member     string             `json:"member"`
	Client     string             `json:"client,omitempty"` // the member's client id
	Generation int32              `json:"generation"`
	Claims     map[string][]int32 `json:"claims"`
}

// Counts is the accounting of a variant.
type Counts struct {
	Produced   int `json:"produced"`   // acknowledged to producers
	Stored     int `json:"stored"`     // in the topic, says the broker
	Handled    int `json:"handled"`    // with repetitions
	Distinct   int `json:"distinct"`   // different ids handled
	Lost       int `json:"lost"`       // produced, never handled
	Duplicated int `json:"duplicated"` // handled more than once: Handled - Distinct
	Commits    int `json:"commits"`    // calls of session.Commit()
	// Committed is the group's offset by partition, says the broker; -1 where there is none.
	Committed map[int32]int64 `json:"committed,omitempty"`
	// CommitMicros is the time that consumers spent in calls of session.Commit().
	CommitMicros int64 `json:"commitMicros"`
}

// Write writes one event as a line, in a single Write call without a buffer of its own: once it returns, killing the
// process cannot lose the event any more. Each process has a pipe to itself, so lines of several do not mix.
func Write(w io.Writer, e Event) error {
	e.V = Version
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode %s event: %w", e.Type, err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write %s event: %w", e.Type, err)
	}
	return nil
}
