// Package doctor looks a computer and a stack over, and says how to cure what it finds.
package doctor

import (
	"errors"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// Level says how bad a finding is.
type Level int

const (
	Good Level = iota
	// Warning: something works less well, or only part of the course.
	Warning
	// Bad: what was looked at does not work.
	Bad
)

// Finding is the result of one check.
type Finding struct {
	What   string // what was looked at: a term that is the same in all languages
	Level  Level
	Detail i18n.Text
	// Solve lists cures. There is one at least for each Warning and Bad.
	Solve []i18n.Text
}

func good(what string, detail i18n.Text) Finding { return Finding{What: what, Detail: detail} }

// Failed is a finding about something that failed. A problem brings its own cures; cure is for any other error.
func Failed(what string, level Level, err error, cure i18n.Text) Finding {
	f := Finding{What: what, Level: level, Detail: detail(err), Solve: []i18n.Text{cure}}
	var p *problem.Problem
	if errors.As(remedy.Of(err), &p) && len(p.Solve) > 0 {
		f.Solve = p.Solve
	}
	return f
}

// detail is an error in both languages, as far as it knows them.
func detail(err error) i18n.Text {
	var p *problem.Problem
	switch {
	case !errors.As(remedy.Of(err), &p):
		return i18n.Verbatim(err.Error())
	case p.Cause == nil:
		return p.What
	}
	return i18n.Text{EN: "%s (%v)", KO: "%s (%v)"}.With(p.What, p.Cause)
}
