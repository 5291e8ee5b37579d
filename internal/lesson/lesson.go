// Package lesson runs experiments with Kafka that end in a verdict.
//
// A [Lesson] is written once, in the root package of its chapter, and serves a student (`lab run`), an instructor
// (`lab run --step`), and CI (`go test`, `make smoke`). It starts the same small programs that a student runs by hand,
// as child processes, kills them where it hurts, counts what happened, and checks its claims.
package lesson

import (
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
	// Needs are what the lesson cannot run without: see need.go. Where one is not met, the lesson is skipped.
	Needs []Need
}

// Variant is one way of doing it.
type Variant struct {
	Name  string
	Title Text
}

// Chapter is a chapter of the course and its lessons, in the order of the lectures.
type Chapter struct {
	Number  int
	Title   Text
	Folder  string // "ch3-offsets"
	Lessons []Lesson
}
