// Package problem describes errors the way a learner needs them: what went wrong, and how to solve it.
//
// Code at the edge returns a *Problem where it knows the remedy, libraries return errors with a type, and internal/remedy
// knows theirs. main renders them, in one place.
package problem

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kafkahandson/internal/i18n"
)

// The exit codes of every program of the course.
const (
	ExitOK          = 0
	ExitFail        = 1 // the lesson's verdict is FAIL, or something unexpected happened
	ExitUsage       = 2 // the command line is wrong
	ExitEnvironment = 3 // no Kafka, no database, no permission: the machine, not the lesson
)

// Problem is an error with a remedy.
type Problem struct {
	// What went wrong, in one sentence.
	What i18n.Text
	// Solve lists ways out, the likeliest first.
	Solve []i18n.Text
	// Cause is the error underneath; nil if there is none. One that has a Text (another Problem, say) is told in the
	// reader's language, too, and left out if that is empty: then there is nothing to add.
	Cause error
	// Exit is the exit code of a program that ends with this problem. Default: ExitFail.
	Exit int
}

// Usage is a mistake on the command line. Exit code 2.
func Usage(what i18n.Text, solve ...i18n.Text) *Problem {
	return &Problem{What: what, Solve: solve, Exit: ExitUsage}
}

// Environment is something the machine lacks. Exit code 3.
func Environment(cause error, what i18n.Text, solve ...i18n.Text) *Problem {
	return &Problem{What: what, Solve: solve, Cause: cause, Exit: ExitEnvironment}
}

// Error is the problem in English, with its cause and without its remedies.
func (p *Problem) Error() string { return p.Text().EN }

// Text is what Error says, in both languages as far as the cause knows them.
func (p *Problem) Text() i18n.Text {
	if p.cause().IsZero() {
		return p.What
	}
	return i18n.Text{EN: "%s: %s", KO: "%s: %s"}.With(p.What, p.cause())
}

func (p *Problem) cause() i18n.Text {
	if p.Cause == nil {
		return i18n.Text{}
	}
	if cause, ok := p.Cause.(interface{ Text() i18n.Text }); ok { // not one that is wrapped: the context before it is in English
		return cause.Text()
	}
	return i18n.Verbatim(p.Cause.Error())
}

func (p *Problem) Unwrap() error { return p.Cause }

// Explain returns an error whose part is told as a problem: by [Render], between what is around the part, and by
// [ExitCode].
func Explain(err, part error, p *Problem) error {
	return &explained{error: err, part: part, problem: p}
}

type explained struct {
	error
	part    error
	problem *Problem
}

func (e *explained) Unwrap() []error { return []error{e.problem, e.error} }

// ExitCode is the exit code that belongs to an error.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	var p *Problem
	if errors.As(err, &p) && p.Exit != 0 {
		return p.Exit
	}
	return ExitFail
}

// Render writes an error for a person: what went wrong, why, and how to solve it.
func Render(w io.Writer, lang i18n.Lang, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		fmt.Fprintf(w, "%s: %v\n", label(lang, "error", "오류"), err)
		return
	}
	// Context that callers wrapped around the problem ("ch3-manual-commit: …") stands before it, errors that were joined
	// to it on lines below it.
	part := p.Error()
	if e := (*explained)(nil); errors.As(err, &e) {
		part = e.part.Error()
	}
	context, besides, found := strings.Cut(err.Error(), part)
	if !found {
		context, besides = "", ""
	}
	fmt.Fprintf(w, "%s: %s%s\n", label(lang, "error", "오류"), context, p.What.In(lang))
	if cause := p.cause(); !cause.IsZero() {
		fmt.Fprintf(w, "  %s: %s\n", label(lang, "cause", "원인"), cause.In(lang))
	}
	for i, s := range p.Solve {
		head := label(lang, "how to solve it", "해결 방법")
		if i > 0 {
			head = label(lang, "or", "또는")
		}
		fmt.Fprintf(w, "  %s: %s\n", head, strings.ReplaceAll(s.In(lang), "\n", "\n    "))
	}
	if besides = strings.TrimSpace(besides); besides != "" {
		fmt.Fprintf(w, "  %s: %s\n", label(lang, "besides", "그 밖에"), strings.ReplaceAll(besides, "\n", "\n    "))
	}
}

func label(lang i18n.Lang, en, ko string) string { return i18n.Text{EN: en, KO: ko}.In(lang) }
