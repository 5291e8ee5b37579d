package lessontest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/guide"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/report"
)

// update makes [CheckGuide] refresh the transcripts that do not agree with a run.
var update = flag.Bool("update", false, "refresh the transcripts in the guides that do not agree with a run")

// CheckGuide fails the test where a transcript of the lesson, in the front page or in the guide of its chapter, does not
// agree with a run that had these events. With -update it refreshes such transcripts instead, the Korean ones from another
// run, whose programs speak Korean: again plays it. The guide of the chapter must have a transcript of each lesson.
func CheckGuide(t *testing.T, l lesson.Lesson, events []event.Event, again func(i18n.Lang) []event.Event) {
	t.Helper()
	if l.Texts == nil {
		return // the lesson of a test
	}
	for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
		stale, err := staleTranscripts(l.Name, lang, events)
		switch {
		case err != nil:
			t.Error(err)
		case stale != "" && *update:
			from := events
			if lang != i18n.English {
				from = again(lang)
			}
			if err := refreshTranscripts(l.Name, lang, from); err != nil {
				t.Error(err)
			}
		case stale != "":
			t.Errorf("%sthey are refreshed by: go test -run '^%s$' -update", stale, strings.ReplaceAll(t.Name(), "/", "$/^"))
		}
	}
}

// errNoTranscript is the error where the guide of a chapter does not show a lesson.
var errNoTranscript = errors.New("the guide of the chapter has no transcript of the lesson")

// guides are the files that may show the lesson, the guide of its chapter first.
func guides(name string, lang i18n.Lang) (root string, files []string, err error) {
	if root, err = checkout.Root(); err != nil {
		return "", nil, err
	}
	chapter, _, _ := strings.Cut(name, "-")
	if files, err = filepath.Glob(filepath.Join(root, chapter+"-*", guide.File(lang))); err != nil {
		return "", nil, err
	}
	return root, append(files, filepath.Join(root, guide.File(lang))), nil
}

// staleTranscripts tells where transcripts of a lesson do not agree with the events, "" if all do. The programs of that
// run spoke English.
func staleTranscripts(name string, lang i18n.Lang, events []event.Event) (stale string, err error) {
	root, files, err := guides(name, lang)
	if err != nil {
		return "", err
	}
	for i, file := range files {
		markdown, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		all, err := guide.Transcripts(string(markdown))
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		all = slices.DeleteFunc(all, func(x guide.Transcript) bool { return x.Lesson != name })
		if i == 0 && len(all) == 0 {
			return "", fmt.Errorf("%s: %w", file, errNoTranscript)
		}
		short, err := filepath.Rel(root, file)
		if err != nil {
			return "", err
		}
		for _, x := range all {
			run := shown(events, lang, x.Variants, true)
			if foreign := lang != i18n.English; !agree(x.Lines, run, foreign) {
				stale += fmt.Sprintf("%s:%d: the transcript of %s does not agree with a run:\n%s", short, x.Line, name, difference(x.Lines, run, foreign))
			}
		}
	}
	return stale, nil
}

// refreshTranscripts writes what the events show into the transcripts of a lesson that do not agree with them.
func refreshTranscripts(name string, lang i18n.Lang, events []event.Event) (err error) {
	root, files, err := guides(name, lang)
	if err != nil {
		return err
	}
	lock := flock.New(filepath.Join(root, "go.mod")) // other lessons are in the same files
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	for _, file := range files {
		before, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		after, err := guide.Rewrite(string(before), func(x guide.Transcript) []string {
			run := shown(events, lang, x.Variants, true)
			switch {
			case x.Lesson != name || len(x.Lines) > 0 && agree(x.Lines, run, false):
				return x.Lines
			case len(x.Lines) == 0: // a new one, to be shortened by hand
				return shown(events, lang, x.Variants, false)
			}
			return refresh(x.Lines, run, false)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if after == string(before) {
			continue
		}
		if err := os.WriteFile(file, []byte(after), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// shown is what a person sees of these variants, of all for none.
func shown(events []event.Event, lang i18n.Lang, variants []string, full bool) []string {
	var all, kept strings.Builder
	view := &report.View{W: &all, Lang: lang, Full: full}
	for _, e := range events {
		view.Emit(e)
		if e.Variant == "" || len(variants) == 0 || slices.Contains(variants, e.Variant) {
			kept.WriteString(all.String())
		}
		all.Reset()
	}
	lines := strings.Split(strings.Trim(kept.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = usual(line)
	}
	return lines
}
