// Package event says what happened in a lesson: programs report to the runner with it, and `lab run --json` prints it, one
// JSON object a line. docs/events.md describes it for readers, schema.json for machines.
//
// The vocabulary is small and closed. What only one chapter needs is an [Observation], whose data that chapter types.
// Ids and types are for machines, in English, and stay; every [i18n.Text] is for people, and may change.
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
const Version = 2

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
	Observed  Type = "observed"  // something that only one chapter knows of
	Idle      Type = "idle"      // nothing arrives, and why
	Error     Type = "error"     // something failed and will be tried again
	Held      Type = "held"      // the program waits at a crash point to be killed
	Crashed   Type = "crashed"   // the program kills itself at a crash point, now
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
	Claimed        Type = "claim"
	Skipped        Type = "skipped" // the lesson needs what is not here
	Why            Type = "why"
	VariantEnded   Type = "variant-ended"
	RunEnded       Type = "run-ended"
)

// Event is one thing that happened. Which fields are set depends on the type: see docs/events.md. No field means
// different things in different types.
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

	// Text tells a person what happened.
	Text *i18n.Text `json:"text,omitempty"`

	Record      *Record      `json:"record,omitempty"`
	Group       string       `json:"group,omitempty"` // the consumer group that handled, committed, is idle or failed
	Assignment  *Assignment  `json:"assignment,omitempty"`
	Micros      int64        `json:"micros,omitempty"` // how long a commit took, in microseconds
	Measurement *Measurement `json:"measurement,omitempty"`
	Observation *Observation `json:"observation,omitempty"`
	Silence     *Silence     `json:"silence,omitempty"`
	Point       string       `json:"point,omitempty"` // a crash point

	Number      int          `json:"number,omitempty"`  // of a step, from 1
	Answer      string       `json:"answer,omitempty"`  // the student's, as it was written
	State       string       `json:"state,omitempty"`   // how far it is, what the runner waits for
	Command     string       `json:"command,omitempty"` // that started a program, for a shell in the clone's folder
	Line        string       `json:"line,omitempty"`    // of output
	Status      string       `json:"status,omitempty"`  // with which a program ended
	Tallies     []Tally      `json:"tallies,omitempty"`
	Claim       *Claim       `json:"claim,omitempty"`
	Need        string       `json:"need,omitempty"` // the id of what is missing
	Explanation *Explanation `json:"explanation,omitempty"`
	OK          *bool        `json:"ok,omitempty"` // of a variant, of a run
}

// Record names a record and where it is.
type Record struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Key       string `json:"key"` // empty if the record has none
	ID        string `json:"id"`  // the id inside the message
}

// Assignment is what a member of a consumer group got.
type Assignment struct {
	Group      string             `json:"group"`
	Member     string             `json:"member"`
	Client     string             `json:"client,omitempty"` // the member's client id
	Generation int32              `json:"generation"`
	Claims     map[string][]int32 `json:"claims"`
}

// Measurement is a number that a variant is compared by.
type Measurement struct {
	ID    string    `json:"id"`
	Name  i18n.Text `json:"name"`
	Value float64   `json:"value"`
	Unit  string    `json:"unit,omitempty"` // none for what is counted
}

// Observation is what the programs of one chapter report beyond this vocabulary.
type Observation struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"` // an object
}

// Silence is why a consumer gets nothing.
type Silence struct {
	Reason string `json:"reason"` // a [kafkahandson/internal/kafka.IdleReason]
	// Ends are the ends of the partitions, by topic, if the consumer has read them up to there.
	Ends map[string]map[int32]int64 `json:"ends,omitempty"`
}

// Tally is a number of a variant's accounting. ID says what is counted; the other fields say of what.
type Tally struct {
	ID    string    `json:"id"`
	Name  i18n.Text `json:"name"`
	Topic string    `json:"topic,omitempty"` // that the group reads
	From  string    `json:"from,omitempty"`  // that the records were produced into, if it is another one
	Group string    `json:"group,omitempty"`
	// Partition is set if the number is about one partition.
	Partition *int32 `json:"partition,omitempty"`
	Value     int64  `json:"value"`
	Unit      string `json:"unit,omitempty"` // none for what is counted
}

// The ids of the tallies that the runner itself counts.
const (
	TallyProduced   = "produced"    // records acknowledged to producers
	TallyStored     = "stored"      // records in the topic, says the broker
	TallyHandled    = "handled"     // records handled by the group, with repetitions
	TallyDistinct   = "distinct"    // different records handled
	TallyLost       = "lost"        // records produced, and never handled by the group
	TallyDuplicated = "duplicated"  // handled - distinct
	TallyCommits    = "commits"     // calls of session.Commit() in the group
	TallyCommitTime = "commit-time" // that they took, all together, in microseconds
	TallyCommitted  = "committed"   // the group's offset of a partition, says the broker; -1 where there is none
)

// Claim is a claim of a lesson, and whether it holds.
type Claim struct {
	ID   string    `json:"id"`
	Text i18n.Text `json:"text"`
	OK   bool      `json:"ok"`
	// Evidence is in numbers or ids, the same in every language.
	Evidence string `json:"evidence"`
}

// Explanation is why things happened as they did.
type Explanation struct {
	Text i18n.Text `json:"text"`
	Read string    `json:"read"`           // file and function to read next
	Java string    `json:"java,omitempty"` // the place in the Java course
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
