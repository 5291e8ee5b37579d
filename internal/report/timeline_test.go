package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
	"kafkahandson/internal/event/timeline"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/report"
)

func plain(_ int, cell string) string { return cell }

// joining is a group in which B joins A and is killed.
func joining() *eventtest.Story {
	s := eventtest.NewStory(map[string]string{"member#1": "A", "member#2": "B"})
	s.Program(0, event.Started, "member#1")
	s.Claims(100, event.Acquired, "member#1", 1, 0, 1)
	s.Program(200, event.Started, "member#2")
	s.Claims(300, event.Released, "member#1", 1, 0, 1)
	s.Claims(350, event.Acquired, "member#1", 2, 0)
	s.Claims(360, event.Acquired, "member#2", 2, 1)
	s.Program(500, event.Crashed, "member#2")
	s.Program(520, event.Exited, "member#2")
	s.Add(600, event.Event{Type: event.Timeline})
	s.Claims(601, event.Acquired, "member#1", 3, 1) // not in the picture any more
	return s
}

func TestTimelineText(t *testing.T) {
	const want = `     +A                  +B                            -B
  p0           AAAAAAAAAAAAAAAAAAAA······AAAAAAAAAAAAAAAAAAAAAAAAA
  p1           AAAAAAAAAAAAAAAAAAAA·······BBBBBBBBBBBBBB
     0.0       0.1       0.2       0.3       0.4       0.5       0.6 s
     a column is 10 ms, a letter the owner, · nobody; +A: A starts, -A: A ends
`
	if got := report.TimelineText(joining().Timeline(), i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := report.TimelineText(joining().Timeline(), i18n.Korean, plain); !strings.Contains(got, "소유자") {
		t.Errorf("no Korean legend:\n%s", got)
	}
	if got := report.TimelineText(new(timeline.Timeline), i18n.English, plain); got != "" {
		t.Errorf("a timeline without owners: %q", got)
	}
}

// repeating is a group in which B takes over what A has handled and not committed. What B says arrives before what A says.
func repeating() *eventtest.Story {
	s := eventtest.NewStory(map[string]string{"member#1": "A", "member#2": "B"})
	s.Program(0, event.Started, "member#1")
	s.Claims(50, event.Acquired, "member#1", 1, 0, 1)
	s.Handles(60, "member#1", 1, 0, 1, 2)
	s.Program(150, event.Started, "member#2")
	s.Claims(200, event.Acquired, "member#2", 2, 0)
	s.Handles(210, "member#2", 0, 3, 4, 5, 6, 7, 8) // 3 to 5 again
	s.Handles(60, "member#1", 0, 0, 1, 2, 3, 4, 5)
	s.Add(70, event.Event{Type: event.Handled, Program: "member#1", Record: &event.Record{Topic: "other"}})
	s.Add(80, event.Event{Type: event.Handled, Program: "member#1", Record: &event.Record{Topic: "other"}})
	s.Claims(180, event.Released, "member#1", 1, 0)
	s.Add(300, event.Event{Type: event.Timeline})
	return s
}

func TestTimelineRepetitions(t *testing.T) {
	const want = `     +A             +B
  p0      AAAAAAAAAAAAA···bbbBBBBBBB  3
  p1      AAAAAAAAAAAAAAAAAAAAAAAAAA
     0.0       0.1       0.2       0.3 s
     a column is 10 ms, a letter the owner, · nobody; +A: A starts, -A: A ends
     lower case: records come again; at the end of the line, how many
`
	shown := repeating().Timeline()
	if got := report.TimelineText(shown, i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := shown.Repeated(); n != 3 {
		t.Errorf("%d repeated, want 3", n)
	}
	if got := report.TimelineText(shown, i18n.Korean, plain); !strings.Contains(got, "다시 온 레코드 수") {
		t.Errorf("no Korean legend:\n%s", got)
	}
	svg := report.TimelineSVG(shown, i18n.English)
	for _, want := range []string{`<rect class="again o1"`, `<text class="count"`, ">3</text>", "strong colour: records come again"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if joining := joining().Timeline(); joining.Repeated() != 0 || strings.Contains(report.TimelineSVG(joining, i18n.English), "again o") {
		t.Error("repetitions where there are none")
	}
}

// An instructor's pause is not drawn, but the work that goes on in its beginning is.
func TestTimelineLeavesPausesOut(t *testing.T) {
	s := eventtest.NewStory(map[string]string{"member#1": "A", "member#2": "B"})
	text := i18n.Text{EN: "next", KO: "다음"}
	s.Add(0, event.Event{Type: event.Step, Text: &text})
	s.Add(30_000, event.Event{Type: event.Resumed}) // nobody has begun
	s.Program(30_000, event.Started, "member#1")
	s.Claims(30_050, event.Acquired, "member#1", 1, 0)
	s.Handles(30_060, "member#1", 0, 0, 1)
	s.Add(30_080, event.Event{Type: event.Step, Text: &text})
	s.Handles(30_090, "member#1", 0, 2)
	s.Add(60_090, event.Event{Type: event.Idle, Program: "member#1", Text: &text})
	s.Add(90_090, event.Event{Type: event.Resumed})
	s.Handles(90_110, "member#1", 0, 3)
	s.Program(90_120, event.Started, "member#2")
	s.Claims(90_130, event.Released, "member#1", 1, 0)
	s.Claims(90_150, event.Acquired, "member#2", 2, 0)
	s.Add(90_200, event.Event{Type: event.Timeline})
	const want = `     +A       /  +B
  p0      AAAAAAAA···BBBBB
     0.0       0.1       0.2 s
     a column is 10 ms, a letter the owner, · nobody; +A: A starts, -A: A ends
     /: here the lesson paused before a step; that time is left out
`
	if got := report.TimelineText(s.Timeline(), i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	svg := report.TimelineSVG(s.Timeline(), i18n.Korean)
	if !strings.Contains(svg, `<line class="cut"`) || !strings.Contains(svg, ">0.2 s<") || strings.Contains(svg, ">0.3 s<") {
		t.Errorf("the pause is not cut out of\n%s", svg)
	}
}

// Members that have not chosen a client id are told apart by their programs.
func TestTimelineNamesMembers(t *testing.T) {
	s := eventtest.NewStory(map[string]string{"member#1": "member", "member#2": "member", "member#3": "A", "member#4": "a"})
	for i, program := range []string{"member#1", "member#2", "member#3", "member#4"} {
		s.Program(0, event.Started, program)
		s.Claims(10, event.Acquired, program, 1, int32(i))
	}
	s.Add(100, event.Event{Type: event.Timeline})
	got := report.TimelineText(s.Timeline(), i18n.English, plain)
	for _, want := range []string{"p0  BB", "p1  CC", "p2  AA", "p3  DD", "; B is member#1; C is member#2; D is a\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A run that was recorded with --json is drawn as it was.
func TestTimelineOfARecording(t *testing.T) {
	var recording bytes.Buffer
	for _, e := range joining().Events {
		if err := event.Write(&recording, e); err != nil {
			t.Fatal(err)
		}
	}
	var timelines report.Timelines
	for lines := json.NewDecoder(&recording); ; {
		var e event.Event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		timelines.Emit(e)
	}
	if shown := timelines.Last(); shown == nil || report.TimelineText(shown, i18n.English, plain) != report.TimelineText(joining().Timeline(), i18n.English, plain) {
		t.Errorf("drawn from the recording: %v", shown)
	}
	dir := filepath.Join(t.TempDir(), "pictures")
	names, err := timelines.WriteSVG(dir, i18n.Korean)
	if err != nil || !slices.Equal(names, []string{filepath.Join(dir, "ch3-x-range.svg")}) {
		t.Fatal(names, err)
	}
	svg, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := wellFormed(svg); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"range: 누가 &amp; 언제", ">+B</text>", ">-B</text>", `class="nobody"`, `<line class="event"`, "prefers-color-scheme: dark"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if bytes.Contains(svg, []byte("%!")) {
		t.Errorf("a number is missing in\n%s", svg)
	}
}

func wellFormed(document []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
