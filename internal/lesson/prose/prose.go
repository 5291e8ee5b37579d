// Package prose reads the texts of a lesson: what is longer than a line, and needs a writer more than a programmer. They
// are a file for each language, text/<lesson>.en.md and text/<lesson>.ko.md, in this form and order, with the headings
// in English in both:
//
//	# Commit by hand
//
//	## Prediction
//
//	The question, one paragraph.
//
//	## Why
//
//	The answer, one paragraph.
//
//	## Hints
//
//	1. What to look at.
//	2. Which line, which offset.
//	3. Nearly the answer.
//
//	## Java
//
//	chapter4/clip4, MyConsumer.listen, or – where the Java course has nothing about it
//
//	## Read
//
//	ch3-offsets/manual-commit/main.go, ConsumeClaim
//
// A paragraph may go over several lines: where they break means nothing. There is no other markup.
package prose

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"kafkahandson/internal/i18n"
)

// HintCount is how many hints a lesson has.
const HintCount = 3

// Prose is the texts of a lesson.
type Prose struct {
	Title i18n.Text
	// Prediction asks the student what will happen, before it does.
	Prediction i18n.Text
	// Why explains the outcome in about three sentences.
	Why i18n.Text
	// Hints help with the prediction: where to look, then what matters, then nearly the answer.
	Hints [HintCount]i18n.Text
	// Java is the place in the Java course that teaches the same, "" if there is none.
	Java string
	// Read is what to read next: file and function.
	Read string
}

// Errors that an [Error] has.
var (
	ErrNoTitle   = errors.New(`the first line is not "# " and the title`)
	ErrSection   = errors.New("not the section that is due")
	ErrEmpty     = errors.New("nothing is written here")
	ErrParagraph = errors.New("more than one paragraph")
	ErrHints     = fmt.Errorf("not a list of %d hints, numbered from 1", HintCount)
	ErrDiffers   = errors.New("differs from the English file")
)

// Error says where a file is not as it must be.
type Error struct {
	File string
	Line int // from 1
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// File is where the texts of a lesson are in one language.
func File(lesson string, lang i18n.Lang) string { return fmt.Sprintf("text/%s.%s.md", lesson, lang) }

// Load reads the texts of a lesson in both languages. The error is an [*Error], or an [*fs.PathError] for a file that
// cannot be read.
func Load(files fs.FS, lesson string) (Prose, error) {
	en, err := read(files, File(lesson, i18n.English))
	if err != nil {
		return Prose{}, err
	}
	ko, err := read(files, File(lesson, i18n.Korean))
	if err != nil {
		return Prose{}, err
	}
	for _, name := range []string{java, further} { // names of files and classes, the same in every language
		if en.sections[name].text != ko.sections[name].text {
			return Prose{}, &Error{ko.name, ko.sections[name].line, fmt.Errorf("## %s: %w", name, ErrDiffers)}
		}
	}
	both := func(name string) i18n.Text { return i18n.Text{EN: en.sections[name].text, KO: ko.sections[name].text} }
	p := Prose{
		Title:      i18n.Text{EN: en.title, KO: ko.title},
		Prediction: both(prediction),
		Why:        both(why),
		Java:       en.sections[java].text,
		Read:       en.sections[further].text,
	}
	if p.Java == nothing {
		p.Java = ""
	}
	for i := range p.Hints {
		p.Hints[i] = i18n.Text{EN: en.hints[i], KO: ko.hints[i]}
	}
	return p, nil
}

const (
	prediction = "Prediction"
	why        = "Why"
	hints      = "Hints"
	java       = "Java"
	further    = "Read"

	nothing = "–"
)

// order is the sections of a file.
func order() []string { return []string{prediction, why, hints, java, further} }

// file is the texts in one language.
type file struct {
	name     string
	title    string
	sections map[string]section
	hints    [HintCount]string
}

type section struct {
	line int // of its first line of text, or of its heading while it has none
	text string
}

func read(files fs.FS, name string) (*file, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	f := &file{name: name, sections: map[string]section{}}
	due := order()
	var (
		now       string   // the section that is being read
		paragraph []string // its lines so far
		begin     int      // the first of them
		hint      int
		ended     bool // an empty line came after them
	)
	number := 0
	fail := func(line int, err error) error { return &Error{name, line, err} }
	end := func() error {
		text := strings.Join(paragraph, " ")
		switch {
		case now == "":
			return nil
		case text == "":
			return fail(begin, fmt.Errorf("## %s: %w", now, ErrEmpty))
		case now == hints && hint != HintCount:
			return fail(begin, fmt.Errorf("%d: %w", hint, ErrHints))
		case now == hints:
			f.hints[hint-1] = text
		}
		f.sections[now] = section{begin, text}
		return nil
	}
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, " \r\n")
		switch heading, isHeading := strings.CutPrefix(line, "## "); {
		case number == 1:
			title, ok := strings.CutPrefix(line, "# ")
			if f.title = strings.TrimSpace(title); !ok || f.title == "" {
				return nil, fail(number, ErrNoTitle)
			}
		case line == "":
			ended = len(paragraph) > 0
		case isHeading || strings.HasPrefix(strings.TrimLeft(line, "#"), " ") && strings.HasPrefix(line, "#"): // but not #15
			if err := end(); err != nil {
				return nil, err
			}
			if !isHeading || len(due) == 0 || heading != due[0] {
				return nil, fail(number, fmt.Errorf("%s: %w, %s", line, ErrSection, first(due)))
			}
			now, due = heading, due[1:]
			paragraph, begin, ended = nil, number, false
		case now == "":
			return nil, fail(number, fmt.Errorf("%w, %s", ErrSection, first(due)))
		case now == hints:
			text, isNext := strings.CutPrefix(line, fmt.Sprintf("%d. ", hint+1))
			switch {
			case isNext && hint == HintCount, !isNext && (hint == 0 || ended || !strings.HasPrefix(line, "   ")):
				return nil, fail(number, ErrHints)
			case isNext:
				if hint > 0 {
					f.hints[hint-1] = strings.Join(paragraph, " ")
				}
				hint++
				paragraph, ended = nil, false
			}
			paragraph = append(paragraph, strings.TrimSpace(text))
		case ended:
			return nil, fail(number, fmt.Errorf("## %s: %w", now, ErrParagraph))
		default:
			if len(paragraph) == 0 {
				begin = number
			}
			paragraph = append(paragraph, strings.TrimSpace(line))
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	if len(due) > 0 {
		return nil, fail(max(number, 1), fmt.Errorf("the file ends: %w, %s", ErrSection, first(due)))
	}
	return f, nil
}

// first is the section that is due.
func first(due []string) string {
	if len(due) == 0 {
		return "the end"
	}
	return due[0]
}
