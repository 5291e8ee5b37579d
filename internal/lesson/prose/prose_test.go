package prose_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson/prose"
)

const good = `# A title

## Prediction

How many? How often comes
#15?

## Why

Because.

## Hints

1. Look at the clock.
2. Look at
   both clocks.

3. Add them.

## Java

chapter4/clip4, X

## Read

a/main.go, run
`

func load(en, ko string) (prose.Prose, error) {
	return prose.Load(fstest.MapFS{
		"text/ch9-x.en.md": {Data: []byte(en)},
		"text/ch9-x.ko.md": {Data: []byte(ko)},
	}, "ch9-x")
}

func TestLoad(t *testing.T) {
	got, err := load(good, strings.ReplaceAll(good, "Because.", "그래서."))
	if err != nil {
		t.Fatal(err)
	}
	want := prose.Prose{
		Title:      i18n.Verbatim("A title"),
		Prediction: i18n.Verbatim("How many? How often comes #15?"),
		Why:        i18n.Text{EN: "Because.", KO: "그래서."},
		Hints:      [3]i18n.Text{i18n.Verbatim("Look at the clock."), i18n.Verbatim("Look at both clocks."), i18n.Verbatim("Add them.")},
		Java:       "chapter4/clip4, X",
		Read:       "a/main.go, run",
	}
	if got != want {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

func TestNothingInJava(t *testing.T) {
	without := strings.ReplaceAll(good, "chapter4/clip4, X", "–")
	if got, err := load(without, without); err != nil || got.Java != "" {
		t.Errorf("%q, %v", got.Java, err)
	}
}

func TestMistakes(t *testing.T) {
	for _, tc := range []struct {
		name         string
		old, instead string
		line         int
		err          error
	}{
		{"no title", "# A title", "A title", 1, prose.ErrNoTitle},
		{"an empty title", "# A title", "#", 1, prose.ErrNoTitle},
		{"text before the first section", "# A title\n", "# A title\nby me\n", 2, prose.ErrSection},
		{"a misspelt section", "## Why", "## Wyh", 8, prose.ErrSection},
		{"a section of another level", "## Why", "### Why", 8, prose.ErrSection},
		{"a section missing", "## Java\n\nchapter4/clip4, X\n\n", "", 20, prose.ErrSection},
		{"a section twice", "## Read", "## Why\n\nOnce more.\n\n## Read", 24, prose.ErrSection},
		{"a section too many", "a/main.go, run\n", "a/main.go, run\n\n## More\n", 28, prose.ErrSection},
		{"the last section missing", "\n## Read\n\na/main.go, run\n", "", 22, prose.ErrSection},
		{"an empty section", "Because.\n", "", 8, prose.ErrEmpty},
		{"an empty last section", "a/main.go, run\n", "", 24, prose.ErrEmpty},
		{"two paragraphs", "Because.\n", "Because.\n\nAnd.\n", 12, prose.ErrParagraph},
		{"two hints", "3. Add them.\n", "", 12, prose.ErrHints},
		{"four hints", "3. Add them.\n", "3. Add them.\n4. Done.\n", 19, prose.ErrHints},
		{"a hint out of order", "2. Look", "3. Look", 15, prose.ErrHints},
		{"no list", "1. Look", "Look", 14, prose.ErrHints},
		{"a hint that is not indented", "   both", "both", 16, prose.ErrHints},
		{"another place in the Java course", "clip4", "clip5", 22, prose.ErrDiffers},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad := strings.Replace(good, tc.old, tc.instead, 1)
			if bad == good {
				t.Fatal("changes nothing")
			}
			_, err := load(good, bad)
			var at *prose.Error
			if !errors.As(err, &at) || !errors.Is(err, tc.err) || at.File != "text/ch9-x.ko.md" || at.Line != tc.line {
				t.Errorf("%v, want %v in line %d", err, tc.err, tc.line)
			}
		})
	}
	if _, err := prose.Load(fstest.MapFS{"text/ch9-x.en.md": {Data: []byte(good)}}, "ch9-x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the Korean file: %v", err)
	}
}
