package guide_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"kafkahandson/internal/guide"
)

const page = `# Chapter

## 1. One

Text of one.

` + "```sh\n## not a heading\n```" + `

### Within one

## Two

Text of two.
`

func TestSection(t *testing.T) {
	for title, want := range map[string][2]string{
		"One": {"## 1. One\n", "### Within one\n\n"},
		"Two": {"## Two\n", "Text of two.\n"},
	} {
		got, err := guide.Section(page, title)
		if err != nil || !strings.HasPrefix(got, want[0]) || !strings.HasSuffix(got, want[1]) {
			t.Errorf("%s: %q, %v", title, got, err)
		}
	}
	for _, title := range []string{"Three", "Within one", "not a heading", "1. One"} {
		if _, err := guide.Section(page, title); !errors.Is(err, guide.ErrNoSection) {
			t.Errorf("%s: %v", title, err)
		}
	}
}

const marked = "# Page\n\n<!-- transcript: ch9-x one two -->\n```text\na\n\nb\n```\n<!-- end of transcript -->\n\nText.\n\n<!-- transcript: ch9-y -->\n```text\n```\n<!-- end of transcript -->\n"

func TestTranscripts(t *testing.T) {
	all, err := guide.Transcripts(marked)
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if x := all[0]; x.Lesson != "ch9-x" || !slices.Equal(x.Variants, []string{"one", "two"}) || !slices.Equal(x.Lines, []string{"a", "", "b"}) || x.Line != 5 {
		t.Errorf("%+v", x)
	}
	if y := all[1]; y.Lesson != "ch9-y" || len(y.Variants) != 0 || len(y.Lines) != 0 || y.Line != 15 {
		t.Errorf("%+v", y)
	}
	same, err := guide.Rewrite(marked, func(t guide.Transcript) []string { return t.Lines })
	if err != nil || same != marked {
		t.Errorf("%q, %v", same, err)
	}
	other, err := guide.Rewrite(marked, func(t guide.Transcript) []string { return append(t.Lines, t.Lesson) })
	if want := strings.NewReplacer("b\n", "b\nch9-x\n", "```text\n```", "```text\nch9-y\n```").Replace(marked); err != nil || other != want {
		t.Errorf("%q, %v", other, err)
	}
}

func TestTranscriptsWithoutForm(t *testing.T) {
	for _, bad := range []string{
		strings.Replace(marked, "<!-- end of transcript -->\n", "", 1),
		strings.Replace(marked, "<!-- end of transcript -->\n", "\n<!-- end of transcript -->\n", 1),
		strings.Replace(marked, "```text", "```sh", 1),
		strings.Replace(marked, " ch9-x one two", "", 1),
	} {
		if all, err := guide.Transcripts(bad); !errors.Is(err, guide.ErrMarkers) {
			t.Errorf("%q: %+v, %v", bad, all, err)
		}
	}
}

const section = `## 1. A section

![a picture](img/a.svg)

**Bold words** and a [link](elsewhere.md) with ` + "`code`" + ` in a paragraph that is long enough for two lines.

- an item that is long enough for two lines, at least
  - and one within it

1. first
2. second

| Key | 뜻 |
|---|---|
| ` + "`a.very.long.setting.of.something`" + ` | 한국어로 쓴 꽤 긴 설명이 들어가는 칸 |

` + "```text\na line of a run that is much longer than the terminal is wide\n```\n\n```go\n\tcode // that is much longer than the terminal is wide\n```" + `

<!-- a comment -->

<details>
<summary>What happens</summary>

The answer.
</details>

After it.
`

func TestTerminal(t *testing.T) {
	const columns = 40
	var out strings.Builder
	if err := guide.Terminal(&out, section, guide.Screen{Columns: columns, Room: columns}); err != nil {
		t.Fatal(err)
	}
	want := "1. A section\n════════════\n\n" +
		"Bold words and a link with `code` in a\nparagraph that is long enough for two\nlines.\n\n" +
		"- an item that is long enough for two\n  lines, at least\n  - and one within it\n\n" +
		"1. first\n2. second\n\n"
	if got := out.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := out.String(), "    a line of a run that is much longer\n        than the terminal is wide\n\n        code // that is much longer than the terminal is wide\n\n▸ What happens …\n\nAfter it.\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); text.StringWidthWithoutEscSequences(line) > columns && !strings.Contains(line, "code //") {
			t.Errorf("too wide: %s", line)
		}
	}
	if !strings.Contains(out.String(), "│ 뜻") {
		t.Errorf("no table:\n%s", &out)
	}
}

const run = "```text\n  worker#1  │ committed offset 12\n\na  b\n가나다라 마바사아\nunbreakablewordthatislong\n```\n"

// The lines of a run lose nothing where they are too long, neither a word nor the spaces between columns.
func TestTerminalFoldsARun(t *testing.T) {
	for room, want := range map[int]string{
		0:  "      worker#1  │ committed offset 12\n\n    a  b\n    가나다라 마바사아\n    unbreakablewordthatislong\n",
		30: "      worker#1  │ committed\n          offset 12\n\n    a  b\n    가나다라 마바사아\n    unbreakablewordthatislong\n",
		20: "      worker#1  │\n          committed\n          offset 12\n\n    a  b\n    가나다라\n        마바사아\n    unbreakablewordt\n        hatislong\n",
	} {
		var out strings.Builder
		if err := guide.Terminal(&out, run, guide.Screen{Columns: 80, Room: room}); err != nil || out.String() != want {
			t.Errorf("%d columns: %v, and\n%s\nwant\n%s", room, err, &out, want)
		}
	}
}

// A table becomes narrower between words before it breaks any.
func TestTerminalKeepsTheWordsOfATable(t *testing.T) {
	const page = "| 설정 | 뜻 |\n|---|---|\n| `auto.commit.interval.ms` | 자동으로 커밋하는 간격을 밀리초로 정합니다 |\n"
	var out strings.Builder
	if err := guide.Terminal(&out, page, guide.Screen{Columns: 50}); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"`auto.commit.interval.ms`", "자동으로", "커밋하는", "간격을", "밀리초로", "정합니다"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("%s is broken in\n%s", word, &out)
		}
	}
}

func TestTerminalInColor(t *testing.T) {
	var out strings.Builder
	if err := guide.Terminal(&out, "**a** `b`\n", guide.Screen{Columns: 80, Color: true}); err != nil || out.String() != "\x1b[1ma\x1b[0m \x1b[36mb\x1b[0m\n" {
		t.Errorf("%q, %v", &out, err)
	}
}

func TestWrap(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"one two", "one\ntwo"},
		{"a b", "a b"},
		{"abcdefgh", "abcde\nfgh"},
		{"가나 다", "가나\n다"},
		{"가나다", "가나\n다"},
	} {
		if got := guide.Wrap(tc.in, 5); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.in, got, tc.want)
		}
	}
}
