package lessontest

import (
	"slices"
	"strings"
	"testing"
)

func lines(s string) []string { return strings.Split(strings.Trim(s, "\n"), "\n") }

const aRun = `
ch9-x  A lesson
Kafka: embedded, on 127.0.0.1:42001,127.0.0.1:42003,127.0.0.1:42005
       (port 19092 is taken)

── one: the first way ──
▸ 1 Send 30 greetings
    producer#1        │ $ go run ./x -topic t.rabcde.one
    producer#1        │ sent p0@0 #1 Jiwoo
    producer#1        │ sent p0@1 #2 Mina
    … waiting for the end
▸ 2 Consume
    reader#1          │ handled p0@0 #1 Jiwoo
    reader#1          │ ⚡ the power fails: after-handle (signal: killed)
  ✓ nothing is lost: 0
  ✓ one came again: 1 (#1)
    produced 30 · lost 0

  one               p0 ■■■■2■■■
     +A   +B
  p0 AAAAA·bbBB  2
     0.0       0.5 s
╭─────┬─────╮
│     │ lost │
│ one │    0 │
╰─────┴─────╯
  a rate
  one               ████ 12.5 ms
PASS
`

const shown1 = `
$ make ch9-x
ch9-x  A lesson
Kafka: embedded, on 127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094
…
▸ 2 Consume
    reader#1          │ ⚡ the power fails: after-handle (signal: killed)
  ✓ nothing is lost: 0
  ✓ one came again: 1 (#1)
…
  one               p0 ■■2■■■■■
     +A     +B
  p0 AAAAAA·BBB
     0.0       0.5       1.0 s
╭─────┬────────╮
│     │   lost │
│ one │     12 │
╰─────┴────────╯
…
  one               █ 2.5 s
PASS
`

func TestAgree(t *testing.T) {
	if !agree(lines(shown1), lines(aRun), false) {
		t.Errorf("does not agree:\n%s", difference(lines(shown1), lines(aRun), false))
	}
	for name, old := range map[string][2]string{
		"another claim":            {"nothing is lost", "something is lost"},
		"a claim left out":         {"  ✓ nothing is lost: 0\n", ""},
		"a claim too many":         {"  ✓ one came", "  ✓ two came\n  ✓ one came"},
		"another order":            {"  ✓ nothing is lost: 0\n  ✓ one came again: 1 (#1)\n", "  ✓ one came again: 1 (#1)\n  ✓ nothing is lost: 0\n"},
		"a step left out":          {"…\n▸ 2", "▸ 2"},
		"a claim that fails":       {"✓ nothing", "✗ nothing"},
		"another program":          {"reader#1", "writer#1"},
		"another row":              {"│ one │", "│ two │"},
		"another strip":            {"one               p0 ■", "two               p0 ■"},
		"a partition too many":     {"     0.0", "  p1 AAA\n     0.0"},
		"what a program never did": {"⚡ the power fails: after-handle", "⚡ the power fails: after-send"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(shown1, old[0], old[1], 1)
			if bad == shown1 {
				t.Fatal("changes nothing")
			}
			if agree(lines(bad), lines(aRun), false) {
				t.Error("agrees")
			}
			if difference(lines(bad), lines(aRun), false) == "" {
				t.Error("shows no difference")
			}
			if again := refresh(lines(bad), lines(aRun), false); !agree(again, lines(aRun), false) {
				t.Errorf("does not agree after a refresh:\n%s", strings.Join(again, "\n"))
			}
		})
	}
	if step := lines("…\n▸ 1 Send 20 greetings\n…"); agree(step, lines(aRun), false) {
		t.Error("another number in a step agrees")
	}
	if agree(nil, lines(aRun), false) || agree([]string{gap}, lines(aRun), false) {
		t.Error("a transcript that shows nothing agrees")
	}
}

// What the programs of an English run print cannot be held against a Korean transcript, but who prints can.
func TestAgreeInAnotherLanguage(t *testing.T) {
	transcript := lines("…\n    reader#1          │ 처리 p0@0 #1 Jiwoo\n    reader#1          │ ⚡ the power fails: after-handle (signal: killed)\n…")
	if !agree(transcript, lines(aRun), true) || agree(transcript, lines(aRun), false) {
		t.Error("only across languages it must agree")
	}
	transcript[1] = strings.Replace(transcript[1], "reader#1", "writer#1", 1)
	if agree(transcript, lines(aRun), true) {
		t.Error("agrees, with another program")
	}
}

func TestRefresh(t *testing.T) {
	for _, tc := range []struct{ name, before, run, after string }{
		{"numbers and names", "…\n▸ 1 Send 20 greetings\n    producer#1        │ $ go run ./x -topic t.rzzzzz.one\n…", aRun, "…\n▸ 1 Send 30 greetings\n    producer#1        │ $ go run ./x -topic t.rabcde.one\n…"},
		{"words of a claim", "…\n  ✓ no record is lost: 0\n  ✓ one came again: 1 (#1)\n…", aRun, "…\n  ✓ nothing is lost: 0\n  ✓ one came again: 1 (#1)\n…"},
		{"a new claim", "…\n▸ 2 Consume\n  ✓ one came again: 1 (#1)\n…", aRun, "…\n▸ 2 Consume\n  ✓ nothing is lost: 0\n  ✓ one came again: 1 (#1)\n…"},
		{"a claim that is gone", "…\n  ✓ nothing is lost: 0\n  ✗ quite another thing\n  ✓ one came again: 1 (#1)\n…", aRun, "…\n  ✓ nothing is lost: 0\n  ✓ one came again: 1 (#1)\n…"},
		{"what was typed, and empty lines", "$ make ch9-x\n\n…\n▸ 2 Read\n", aRun, "$ make ch9-x\n\n…\n▸ 2 Consume"},
		{"a program's words", "…\n    reader#1          │ did p0@0 #1 Jiwoo\n    reader#1          │ ⚡ the power fails: after-handle (signal: killed)\n…", aRun, "…\n    reader#1          │ handled p0@0 #1 Jiwoo\n    reader#1          │ ⚡ the power fails: after-handle (signal: killed)\n…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := refresh(lines(tc.before), lines(tc.run), false); !slices.Equal(got, lines(tc.after)) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tc.after)
			}
		})
	}
}
