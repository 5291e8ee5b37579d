package lesson_test

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
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
)

// story makes events of a group, at milliseconds after its begin.
type story struct {
	events []event.Event
	client map[string]string // by program
}

func newStory(client map[string]string) *story {
	title := lesson.Text{EN: "who & when", KO: "누가 & 언제"}
	s := &story{client: client}
	s.add(0, event.Event{Type: event.VariantStarted, Lesson: "ch3-x", Variant: "range", Text: &title})
	return s
}

func (s *story) add(ms int, e event.Event) {
	e.Time = time.Date(2026, 1, 1, 0, 0, 0, ms*int(time.Millisecond), time.UTC)
	s.events = append(s.events, e)
}

func (s *story) program(ms int, t event.Type, program string) {
	s.add(ms, event.Event{Type: t, Program: program})
}

func (s *story) claims(ms int, t event.Type, program string, generation int32, partitions ...int32) {
	for _, p := range partitions {
		s.add(ms, event.Event{Type: t, Program: program, Assignment: &event.Assignment{
			Client: s.client[program], Generation: generation, Claims: map[string][]int32{"t": {p}},
		}})
	}
}

// handles makes a program handle a record every 10 ms.
func (s *story) handles(ms int, program string, partition int32, offsets ...int64) {
	for i, o := range offsets {
		s.add(ms+10*i, event.Event{Type: event.Handled, Program: program, Record: &event.Record{Topic: "t", Partition: partition, Offset: o}})
	}
}

func (s *story) timeline() *lesson.Timeline {
	var t lesson.Timeline
	for _, e := range s.events {
		t.Add(e)
	}
	return &t
}

func plain(_ int, cell string) string { return cell }

// joining is a group in which B joins A and is killed.
func joining() *story {
	s := newStory(map[string]string{"member#1": "A", "member#2": "B"})
	s.program(0, event.Started, "member#1")
	s.claims(100, event.Acquired, "member#1", 1, 0, 1)
	s.program(200, event.Started, "member#2")
	s.claims(300, event.Released, "member#1", 1, 0, 1)
	s.claims(350, event.Acquired, "member#1", 2, 0)
	s.claims(360, event.Acquired, "member#2", 2, 1)
	s.program(500, event.Crashed, "member#2")
	s.program(520, event.Exited, "member#2")
	s.add(600, event.Event{Type: event.Timeline})
	s.claims(601, event.Acquired, "member#1", 3, 1) // not in the picture any more
	return s
}

func TestTimelineText(t *testing.T) {
	const want = `     +A                  +B                            -B
  p0           AAAAAAAAAAAAAAAAAAAA······AAAAAAAAAAAAAAAAAAAAAAAAA
  p1           AAAAAAAAAAAAAAAAAAAA·······BBBBBBBBBBBBBB
     0.0       0.1       0.2       0.3       0.4       0.5       0.6 s
     a column is 10 ms, a letter the owner, · nobody; +A: A starts, -A: A ends
`
	if got := joining().timeline().Text(i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := joining().timeline().Text(i18n.Korean, plain); !strings.Contains(got, "소유자") {
		t.Errorf("no Korean legend:\n%s", got)
	}
	if got := new(lesson.Timeline).Text(i18n.English, plain); got != "" {
		t.Errorf("a timeline without owners: %q", got)
	}
}

// repeating is a group in which B takes over what A has handled and not committed. What B says arrives before what A says.
func repeating() *story {
	s := newStory(map[string]string{"member#1": "A", "member#2": "B"})
	s.program(0, event.Started, "member#1")
	s.claims(50, event.Acquired, "member#1", 1, 0, 1)
	s.handles(60, "member#1", 1, 0, 1, 2)
	s.program(150, event.Started, "member#2")
	s.claims(200, event.Acquired, "member#2", 2, 0)
	s.handles(210, "member#2", 0, 3, 4, 5, 6, 7, 8) // 3 to 5 again
	s.handles(60, "member#1", 0, 0, 1, 2, 3, 4, 5)
	s.add(70, event.Event{Type: event.Handled, Program: "member#1", Record: &event.Record{Topic: "other"}})
	s.add(80, event.Event{Type: event.Handled, Program: "member#1", Record: &event.Record{Topic: "other"}})
	s.claims(180, event.Released, "member#1", 1, 0)
	s.add(300, event.Event{Type: event.Timeline})
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
	timeline := repeating().timeline()
	if got := timeline.Text(i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := timeline.Repeated(); n != 3 {
		t.Errorf("%d repeated, want 3", n)
	}
	if got := timeline.Text(i18n.Korean, plain); !strings.Contains(got, "다시 온 레코드 수") {
		t.Errorf("no Korean legend:\n%s", got)
	}
	svg := timeline.SVG(i18n.English)
	for _, want := range []string{`<rect class="again o1"`, `<text class="count"`, ">3</text>", "strong colour: records come again"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if joining := joining().timeline(); joining.Repeated() != 0 || strings.Contains(joining.SVG(i18n.English), "again o") {
		t.Error("repetitions where there are none")
	}
}

// An instructor's pause is not drawn, but the work that goes on in its beginning is.
func TestTimelineLeavesPausesOut(t *testing.T) {
	s := newStory(map[string]string{"member#1": "A", "member#2": "B"})
	text := lesson.Text{EN: "next", KO: "다음"}
	s.add(0, event.Event{Type: event.Step, Text: &text})
	s.add(30_000, event.Event{Type: event.Resumed}) // nobody has begun
	s.program(30_000, event.Started, "member#1")
	s.claims(30_050, event.Acquired, "member#1", 1, 0)
	s.handles(30_060, "member#1", 0, 0, 1)
	s.add(30_080, event.Event{Type: event.Step, Text: &text})
	s.handles(30_090, "member#1", 0, 2)
	s.add(60_090, event.Event{Type: event.Idle, Program: "member#1", Text: &text})
	s.add(90_090, event.Event{Type: event.Resumed})
	s.handles(90_110, "member#1", 0, 3)
	s.program(90_120, event.Started, "member#2")
	s.claims(90_130, event.Released, "member#1", 1, 0)
	s.claims(90_150, event.Acquired, "member#2", 2, 0)
	s.add(90_200, event.Event{Type: event.Timeline})
	const want = `     +A       /  +B
  p0      AAAAAAAA···BBBBB
     0.0       0.1       0.2 s
     a column is 10 ms, a letter the owner, · nobody; +A: A starts, -A: A ends
     /: here the lesson paused before a step; that time is left out
`
	if got := s.timeline().Text(i18n.English, plain); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	svg := s.timeline().SVG(i18n.Korean)
	if !strings.Contains(svg, `<line class="cut"`) || !strings.Contains(svg, ">0.2 s<") || strings.Contains(svg, ">0.3 s<") {
		t.Errorf("the pause is not cut out of\n%s", svg)
	}
}

// Members that have not chosen a client id are told apart by their programs.
func TestTimelineNamesMembers(t *testing.T) {
	s := newStory(map[string]string{"member#1": "member", "member#2": "member", "member#3": "A", "member#4": "a"})
	for i, program := range []string{"member#1", "member#2", "member#3", "member#4"} {
		s.program(0, event.Started, program)
		s.claims(10, event.Acquired, program, 1, int32(i))
	}
	s.add(100, event.Event{Type: event.Timeline})
	got := s.timeline().Text(i18n.English, plain)
	for _, want := range []string{"p0  BB", "p1  CC", "p2  AA", "p3  DD", "; B is member#1; C is member#2; D is a\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestTimelineOwners(t *testing.T) {
	s := newStory(map[string]string{"member#1": "A", "member#2": "B", "member#3": "B"})
	s.program(0, event.Started, "member#1")
	s.claims(100, event.Acquired, "member#1", 1, 0, 1, 2)
	one, settled := s.timeline().Owners()
	if !settled || one.Of("A") != 3 {
		t.Errorf("alone: %v, settled %v", one, settled)
	}
	s.claims(200, event.Acquired, "member#2", 2, 2) // what A says comes later than what B says
	if now, settled := s.timeline().Owners(); settled {
		t.Errorf("settled with two owners: %v", now)
	}
	s.claims(150, event.Released, "member#1", 2, 2)
	two, settled := s.timeline().Owners()
	if !settled || two.Of("A") != 2 || two.Of("B") != 1 || two.Interrupted(one) != 1 || two.Moved(one) != 1 || two.Generation() != 2 {
		t.Errorf("two: %v, settled %v", two, settled)
	}
	s.program(300, event.Exited, "member#2")
	if now, settled := s.timeline().Owners(); settled || len(now) != 2 {
		t.Errorf("while B is down: %v, settled %v", now, settled)
	}
	s.claims(400, event.Acquired, "member#3", 2, 2)
	again, settled := s.timeline().Owners()
	if !settled || again.Interrupted(two) != 1 || again.Moved(two) != 0 || len(again.Kept(one)) != 2 {
		t.Errorf("again: %v, settled %v", again, settled)
	}
	if sum := s.timeline().Unowned(); sum != 150*time.Millisecond {
		t.Errorf("without an owner: %v", sum)
	}
	if n := s.timeline().Ended(); n != 2 {
		t.Errorf("%d ended", n)
	}
	if n := s.timeline().Overlaps(); n != 0 {
		t.Errorf("%d overlaps", n)
	}
	s.claims(450, event.Acquired, "member#1", 3, 2) // B works on
	s.claims(500, event.Released, "member#3", 2, 2)
	if n := s.timeline().Overlaps(); n != 1 {
		t.Errorf("%d overlaps, want 1", n)
	}
}

// A run that was recorded with --json is drawn as it was.
func TestTimelineOfARecording(t *testing.T) {
	var recording bytes.Buffer
	for _, e := range joining().events {
		if err := event.Write(&recording, e); err != nil {
			t.Fatal(err)
		}
	}
	var timelines lesson.Timelines
	var shown []*lesson.Timeline
	for lines := json.NewDecoder(&recording); ; {
		var e event.Event
		if err := lines.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if timeline := timelines.Emit(e); timeline != nil {
			shown = append(shown, timeline)
		}
	}
	if len(shown) != 1 || shown[0].Text(i18n.English, plain) != joining().timeline().Text(i18n.English, plain) {
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
