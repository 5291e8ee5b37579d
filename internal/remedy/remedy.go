// Package remedy tells people how to solve what went wrong: the typed errors of the libraries in words, with the commands
// of `lab` that help. It is for the edge: for lab, and for the frame of a student's program.
package remedy

import (
	"errors"
	"io"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Of returns an error with its remedy, for those errors of the course's libraries that have one: then it is also a
// [*problem.Problem]. Any other error, and one that is a problem already, stays as it is.
func Of(err error) error {
	if err == nil || errors.As(err, new(*problem.Problem)) {
		return err
	}
	for _, find := range []func(error) (*problem.Problem, error){ofKafka, ofAdmin, ofMySQL, ofStack, ofCompose, ofEmbedded, ofMySQLServer} {
		if p, part := find(err); p != nil {
			return problem.Explain(err, part, p)
		}
	}
	return err
}

// Render writes an error for a person, with its remedy: see [problem.Render].
func Render(w io.Writer, lang i18n.Lang, err error) { problem.Render(w, lang, Of(err)) }

// ExitCode is the exit code that belongs to an error.
func ExitCode(err error) int { return problem.ExitCode(Of(err)) }

// as finds an error of a type in a tree of errors.
func as[T error](err error) (t T, ok bool) {
	ok = errors.As(err, &t)
	return t, ok
}
