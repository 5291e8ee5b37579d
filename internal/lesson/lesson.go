// Package lesson runs experiments with Kafka that end in a verdict.
//
// A [Lesson] is written once, in the root package of its chapter, and serves a student (`lab run`), an instructor
// (`lab run --step`), and CI (`go test`, `make smoke`). It starts the same small programs that a student runs by hand,
// as child processes, kills them where it hurts, counts what happened, and checks its claims.
package lesson

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
)

// Text is a text in English and Korean.
type Text = i18n.Text

// Lesson is the definition of an experiment.
type Lesson struct {
	// Name is the make target and the name for `lab run`: chN-topic.
	Name  string
	Title Text
	// Predict asks the student what will happen, before it does.
	Predict Text
	// Variants are the ways of doing it that are compared, the wrong ones too. None means one nameless way.
	Variants []Variant
	// Programs are the packages of the programs that Run starts: "ch3-offsets/producer".
	Programs []string
	// Run is the experiment, once for each variant. It fails by ending early: see [Run].
	Run func(r *Run)
	// Bench compares the variants for `lab bench`. nil: there is nothing to measure.
	Bench *Benchmark
	// Why explains the outcome in about three sentences.
	Why Text
	// Read is what to read next: file and function.
	Read string
	// Java is the place in the Spring course that teaches the same.
	Java string
	// NeedsMySQL gives each variant a database of its own: programs find it in MYSQL_DSN, the lesson with Run.Database.
	NeedsMySQL bool
	// NeedsCompose is why the lesson cannot run on the embedded Kafka. Empty: it can.
	NeedsCompose Text
}

// Variant is one way of doing it.
type Variant struct {
	Name  string
	Title Text
}

// Check is a comparison of what happened with what a claim says. Make one with [Equal], [AtLeast] or [SameRecords].
type Check struct {
	OK bool
	// Detail is the evidence, in numbers or ids, the same in every language.
	Detail string
}

// Equal checks for exactly one number.
func Equal(got, want int) Check {
	if got == want {
		return Check{OK: true, Detail: fmt.Sprint(got)}
	}
	return Check{Detail: fmt.Sprintf("%d ≠ %d", got, want)}
}

// AtLeast checks for a number that is not smaller. It is for negative controls: "really loses".
func AtLeast(got, least int) Check {
	if got >= least {
		return Check{OK: true, Detail: fmt.Sprint(got)}
	}
	return Check{Detail: fmt.Sprintf("%d < %d", got, least)}
}

// SameRecords checks for the same ids, each as often, in any order.
func SameRecords(got, want Records) Check {
	missing, extra := got.difference(want)
	if len(missing)+len(extra) == 0 {
		return Check{OK: true, Detail: got.brief()}
	}
	var differ []string
	if len(missing) > 0 {
		differ = append(differ, "missing "+strings.Join(missing, " "))
	}
	if len(extra) > 0 {
		differ = append(differ, "extra "+strings.Join(extra, " "))
	}
	return Check{Detail: fmt.Sprintf("%s ≠ %s: %s", got.brief(), want.brief(), strings.Join(differ, ", "))}
}

// Records are records as programs reported them, in the order of the reports.
type Records []event.Record

// From returns the records at or after a group's committed offsets; all records of a partition without one (-1).
func (rs Records) From(committed map[int32]int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Offset >= committed[r.Partition] })
}

// Before returns the records before a group's committed offsets.
func (rs Records) Before(committed map[int32]int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Offset < committed[r.Partition] })
}

// In returns the records whose ids are among others.
func (rs Records) In(others Records) Records {
	ids := others.ids()
	return rs.filter(func(r event.Record) bool { return ids[r.ID] > 0 })
}

// NotIn returns the records whose ids are not among others.
func (rs Records) NotIn(others Records) Records {
	ids := others.ids()
	return rs.filter(func(r event.Record) bool { return ids[r.ID] == 0 })
}

// Distinct is how many different ids there are.
func (rs Records) Distinct() int { return len(rs.ids()) }

func (rs Records) filter(keep func(event.Record) bool) Records {
	var kept Records
	for _, r := range rs {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// ids counts how often each id occurs.
func (rs Records) ids() map[string]int {
	ids := map[string]int{}
	for _, r := range rs {
		ids[r.ID]++
	}
	return ids
}

func (rs Records) brief() string {
	if len(rs) == 0 || len(rs) > 3 {
		return fmt.Sprint(len(rs))
	}
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = "#" + r.ID
	}
	return fmt.Sprintf("%d (%s)", len(rs), strings.Join(ids, " "))
}

func (rs Records) difference(want Records) (missing, extra []string) {
	got, wanted := rs.ids(), want.ids()
	for _, id := range slices.Sorted(maps.Keys(wanted)) {
		if got[id] < wanted[id] {
			missing = append(missing, "#"+id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		if got[id] > wanted[id] {
			extra = append(extra, "#"+id)
		}
	}
	return missing, extra
}

// Chapter is a chapter of the course and its lessons, in the order of the lectures.
type Chapter struct {
	Number  int
	Title   Text
	Folder  string // "ch3-offsets"
	Lessons []Lesson
}
