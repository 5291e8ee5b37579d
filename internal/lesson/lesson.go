// Package lesson runs experiments with Kafka that end in a verdict.
//
// A [Lesson] is written once, in the root package of its chapter, and serves a student (`lab run`), an instructor
// (`lab run --step`), and CI (`go test`, `make smoke`). It starts the same small programs that a student runs by hand,
// as child processes, kills them where it hurts, counts what happened, and checks its claims.
package lesson

import (
	"io/fs"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson/prose"
)

// Text is a text in English and Korean.
type Text = i18n.Text

// Lesson is the definition of an experiment.
type Lesson struct {
	// Name is the make target and the name for `lab run`: chN-topic.
	Name string
	// Texts is what a reader needs beside the script: the files of package prose, and the guide of the chapter, README.md
	// and README.ko.md. nil: none, in a test; then the name is the title.
	Texts fs.FS
	// Variants are the ways of doing it that are compared, the wrong ones too. None means one nameless way.
	Variants []Variant
	// Programs are the packages of the programs that Run starts: "ch3-offsets/producer".
	Programs []string
	// Run is the experiment, once for each variant. It fails by ending early: see [Run].
	Run func(r *Run)
	// Bench compares the variants for `lab bench`. nil: there is nothing to measure.
	Bench *Benchmark
	// Needs are what the lesson cannot run without: see need.go. Where one is not met, the lesson is skipped.
	Needs []Need
}

// Prose reads the lesson's texts: title, question, explanation, hints. The error names the file, and the line.
func (l Lesson) Prose() (prose.Prose, error) {
	if l.Texts == nil {
		return prose.Prose{Title: i18n.Verbatim(l.Name)}, nil
	}
	return prose.Load(l.Texts, l.Name)
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
