// Package guide reads the guides of the chapters, README.md and README.ko.md: their sections, for a terminal, and the
// transcripts in them, for the tests that hold them against real runs.
package guide

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kafkahandson/internal/i18n"
)

// ErrNoSection is the error of [Section] where no heading has the title.
var ErrNoSection = errors.New("the guide has no section with this title")

// File is the name of a guide in one language.
func File(lang i18n.Lang) string {
	if lang == i18n.Korean {
		return "README.ko.md"
	}
	return "README.md"
}

// Section returns a section of a guide, with its heading: "## Title" or "## 1. Title".
func Section(markdown, title string) (string, error) {
	var section strings.Builder
	inside, code := false, false
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if heading, ok := strings.CutPrefix(line, "## "); ok && !code {
			if inside {
				break
			}
			inside = numbered.ReplaceAllString(strings.TrimSpace(heading), "") == title
		}
		if inside {
			section.WriteString(line)
		}
	}
	if section.Len() == 0 {
		return "", fmt.Errorf("%q: %w", title, ErrNoSection)
	}
	return section.String(), nil
}

var numbered = regexp.MustCompile(`^\d+\. `)

// Transcript is a real run of a lesson in a guide, between two comments that no reader of the page sees:
//
//	<!-- transcript: ch3-manual-commit per-batch mark-only -->
//	```text
//	…
//	```
//	<!-- end of transcript -->
//
// The names after the lesson are the variants of which it shows something; none stands for all of them.
type Transcript struct {
	Lesson   string
	Variants []string
	Line     int // of its first line in the guide, from 1
	Lines    []string
}

var (
	begin      = regexp.MustCompile(`(?m)^<!-- transcript:`)
	transcript = regexp.MustCompile("(?m)^<!-- transcript: +(\\S.*?) *-->\n```text\n((?:.*\n)*?)```\n<!-- end of transcript -->$")
)

// ErrMarkers is the error of [Rewrite] where a transcript does not have the form of a [Transcript].
var ErrMarkers = errors.New("a transcript must be a ```text block between its two comments, with no line between them")

// Transcripts returns the transcripts of a guide.
func Transcripts(markdown string) ([]Transcript, error) {
	var all []Transcript
	_, err := Rewrite(markdown, func(t Transcript) []string {
		all = append(all, t)
		return t.Lines
	})
	return all, err
}

// Rewrite returns the guide with other lines in its transcripts.
func Rewrite(markdown string, lines func(Transcript) []string) (string, error) {
	found := transcript.FindAllStringSubmatchIndex(markdown, -1)
	line := func(offset int) int { return 1 + strings.Count(markdown[:offset], "\n") }
	for _, m := range begin.FindAllStringIndex(markdown, -1) {
		if !slices.ContainsFunc(found, func(f []int) bool { return f[0] == m[0] }) {
			return "", fmt.Errorf("line %d: %w", line(m[0]), ErrMarkers)
		}
	}
	var out strings.Builder
	at := 0
	for _, m := range found {
		names := strings.Fields(markdown[m[2]:m[3]])
		body := markdown[m[4]:m[5]]
		t := Transcript{Lesson: names[0], Variants: names[1:], Line: line(m[4])}
		if body != "" {
			t.Lines = strings.Split(strings.TrimSuffix(body, "\n"), "\n")
		}
		out.WriteString(markdown[at:m[4]])
		for _, l := range lines(t) {
			out.WriteString(l + "\n")
		}
		at = m[5]
	}
	out.WriteString(markdown[at:])
	return out.String(), nil
}
