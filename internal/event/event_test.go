package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
	"kafkahandson/internal/i18n"
)

// writes remembers each call of Write.
type writes struct {
	calls [][]byte
	err   error
}

func (w *writes) Write(p []byte) (int, error) {
	w.calls = append(w.calls, bytes.Clone(p))
	return len(p), w.err
}

// full is an event with a value in every field, and in every field of a field.
func full() event.Event {
	yes, partition := true, int32(1)
	text := i18n.Text{EN: "two\nlines", KO: "두\n줄"}
	return event.Event{
		V: event.Version, Time: time.Date(2026, 11, 22, 9, 26, 11, 399349326, time.UTC), Type: event.Handled,
		Run: "r7f3k", Lesson: "ch3-manual-commit", Variant: "per-record", Program: "manual-commit#2", PID: 36, Text: &text,
		Record: &event.Record{Topic: "orders", Partition: 1, Offset: 5, Key: "k", ID: "7"}, Group: "shop",
		Assignment: &event.Assignment{Group: "shop", Member: "m-1", Client: "me", Generation: 2, Claims: map[string][]int32{"orders": {0, 1}}},
		Micros:     17, Measurement: &event.Measurement{ID: "rate", Name: text, Value: 12.5, Unit: "records/s"},
		Observation: &event.Observation{Kind: "swan", Data: json.RawMessage(`{"color":"black"}`)},
		Silence:     &event.Silence{Reason: "caught-up", Ends: map[string]map[int32]int64{"orders": {0: 3}}},
		Point:       "after-handle", Number: 3, Answer: `a "quoted" <answer>`, State: "3/4", Command: "go run ./x", Line: "a line", Status: "exit status 0",
		Tallies: []event.Tally{{ID: "committed", Name: text, Topic: "orders", From: "carts", Group: "shop", Partition: &partition, Value: -1, Unit: "µs"}},
		Claim:   &event.Claim{ID: "nothing-lost", Text: text, OK: true, Evidence: "0"}, Need: "mysql",
		Explanation: &event.Explanation{Text: text, Read: "main.go", Java: "chapter4"}, OK: &yes,
	}
}

func TestTheFullEventIsFull(t *testing.T) {
	var check func(path string, v reflect.Value)
	check = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("the tests leave out %s", path)
			return
		}
		switch v.Kind() {
		case reflect.Pointer:
			check(path, v.Elem())
		case reflect.Struct:
			if _, ok := v.Interface().(time.Time); ok {
				return
			}
			for i := range v.NumField() {
				check(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Slice:
			if _, raw := v.Interface().(json.RawMessage); !raw {
				check(path+"[0]", v.Index(0))
			}
		}
	}
	check("Event", reflect.ValueOf(full()))
}

func TestWriteIsOneCallAndOneLine(t *testing.T) {
	var w writes
	for range 2 {
		if err := event.Write(&w, full()); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.calls) != 2 {
		t.Fatalf("two events are %d calls of Write", len(w.calls))
	}
	for _, line := range w.calls {
		if bytes.Count(line, []byte("\n")) != 1 || !bytes.HasSuffix(line, []byte("}\n")) {
			t.Errorf("%q is not one line", line)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var w writes
	if err := event.Write(&w, full()); err != nil {
		t.Fatal(err)
	}
	var got event.Event
	if err := json.Unmarshal(w.calls[0], &got); err != nil {
		t.Fatal(err)
	}
	if want := full(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWriteSetsVersionAndTime(t *testing.T) {
	var w writes
	before := time.Now()
	if err := event.Write(&w, event.Event{V: 99, Type: event.Idle}); err != nil {
		t.Fatal(err)
	}
	var got event.Event
	if err := json.Unmarshal(w.calls[0], &got); err != nil {
		t.Fatal(err)
	}
	if got.V != event.Version || got.Time.Before(before.Truncate(0)) || got.Time.After(time.Now()) {
		t.Errorf("version %d, time %v", got.V, got.Time)
	}
	var fields map[string]any // what has no value takes no room
	if err := json.Unmarshal(w.calls[0], &fields); err != nil {
		t.Fatal(err)
	}
	if len(fields) != 3 || fields["type"] != "idle" {
		t.Errorf("an event without details is %s", w.calls[0])
	}
}

func TestWriteFails(t *testing.T) {
	w := writes{err: errors.New("broken pipe")}
	if err := event.Write(&w, event.Event{Type: event.Idle}); !errors.Is(err, w.err) {
		t.Errorf("got %v, want %v", err, w.err)
	}
	var none writes
	if err := event.Write(&none, event.Event{Type: event.Compared, Measurement: &event.Measurement{Value: math.NaN()}}); err == nil || len(none.calls) > 0 {
		t.Errorf("what is no JSON: error %v, written %q", err, none.calls)
	}
}

// reports is one event of each type that programs report, as a program writes it.
func reports() map[event.Type]event.Event {
	all := full()
	record := event.Event{Record: all.Record}
	assignment := event.Event{Assignment: all.Assignment}
	one := *all.Assignment
	one.Claims = map[string][]int32{"orders": {1}}
	moved := event.Event{Assignment: &one}
	point := event.Event{Point: all.Point}
	return map[event.Type]event.Event{
		event.Produced:  record,
		event.Handled:   {Record: all.Record, Group: all.Group},
		event.Duplicate: {Record: all.Record, Group: all.Group},
		event.Assigned:  assignment,
		event.Revoked:   assignment,
		event.Acquired:  moved,
		event.Released:  moved,
		event.Committed: {Group: all.Group, Micros: all.Micros},
		event.Observed:  {Observation: all.Observation},
		event.Idle:      {Text: &i18n.Text{EN: "why", KO: "왜"}, Group: all.Group, Silence: all.Silence},
		event.Error:     {Text: &i18n.Text{EN: "why", KO: "왜"}, Group: all.Group},
		event.Held:      point,
		event.Crashed:   point,
	}
}

// line is a report as a program writes it.
func line(t testing.TB, e event.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := event.Write(&out, e); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// What a program reports is accepted, and once the runner has said where it is from, it is as the schema has it.
func TestReportsAreAcceptedAndMatchTheSchema(t *testing.T) {
	schema, err := eventtest.Load()
	if err != nil {
		t.Fatal(err)
	}
	for kind, e := range reports() {
		e.Type, e.PID = kind, 36
		got, err := event.ParseReport(line(t, e))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		e.V, e.Time = event.Version, got.Time
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v, want %+v", kind, got, e)
		}
		got.Run, got.Lesson, got.Program = "r7f3k", "a-test", "manual-commit#2"
		if err := schema.Check(got); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// The runner's own events, an event with everything, and one without what its type must have: no program may report them.
func TestWhatProgramsDoNotReport(t *testing.T) {
	all := full()
	for _, kind := range []event.Type{
		event.RunStarted, event.VariantStarted, event.Predict, event.Prediction, event.Step, event.Resumed, event.Note, event.Waiting,
		event.Started, event.Output, event.Exited, event.Accounting, event.Compared, event.Timeline, event.Claimed, event.Skipped,
		event.Why, event.VariantEnded, event.RunEnded, "", "passed",
	} {
		if _, err := event.ParseReport(line(t, event.Event{Type: kind, Text: all.Text, OK: all.OK, Claim: all.Claim})); err == nil {
			t.Errorf("%q is accepted", kind)
		}
	}
	for kind, e := range reports() {
		if _, err := event.ParseReport(line(t, event.Event{Type: kind})); err == nil {
			t.Errorf("%s without anything is accepted", kind)
		}
		everything := full()
		everything.Type = kind
		if _, err := event.ParseReport(line(t, everything)); err == nil {
			t.Errorf("%s with everything is accepted", kind)
		}
		for name, also := range map[string]func(*event.Event){
			"ok":      func(e *event.Event) { e.OK = all.OK },
			"claim":   func(e *event.Event) { e.Claim = all.Claim },
			"variant": func(e *event.Event) { e.Variant = "another" },
			"program": func(e *event.Event) { e.Program = "another#1" },
			"run":     func(e *event.Event) { e.Run = "r11111" },
		} {
			more := e
			more.Type = kind
			also(&more)
			if _, err := event.ParseReport(line(t, more)); err == nil {
				t.Errorf("%s with %s is accepted", kind, name)
			}
		}
	}
	for _, text := range []string{
		"", "null", "1", `"handled"`, "[]", "{}", "{", "handled",
		`{"v":1,"type":"held","point":"x"}`,
		`{"v":2,"type":"held","point":"x","shout":1}`,
		`{"v":2,"type":"held","point":"x"}{"v":2,"type":"held","point":"x"}`,
		`{"v":2,"type":"held","point":""}`,
		`{"v":2,"type":"committed","group":"g","micros":-1}`,
		`{"v":2,"type":"handled","record":{"topic":"","partition":0,"offset":0,"key":"","id":"1"}}`,
		`{"v":2,"type":"handled","record":{"topic":"t","partition":-1,"offset":0,"key":"","id":"1"}}`,
		`{"v":2,"type":"handled","record":{"topic":"t","partition":0,"offset":-1,"key":"","id":"1"}}`,
		`{"v":2,"type":"handled","record":{"topic":"t","partition":0,"offset":0,"key":"","id":""}}`,
		`{"v":2,"type":"assigned","assignment":{"group":"g","member":"","generation":1,"claims":{}}}`,
		`{"v":2,"type":"assigned","assignment":{"group":"g","member":"m","generation":1,"claims":{"t":[0,-1]}}}`,
		`{"v":2,"type":"assigned","assignment":{"group":"g","member":"m","generation":1,"claims":{"t":[1,0,1]}}}`,
		`{"v":2,"type":"acquired","assignment":{"group":"g","member":"m","generation":1,"claims":{"t":[0,1]}}}`,
		`{"v":2,"type":"released","assignment":{"group":"g","member":"m","generation":1,"claims":{}}}`,
		`{"v":2,"type":"idle","text":{"en":"a","ko":"b"},"group":"g","silence":{"reason":"caught-up","ends":{"t":{"-1":0}}}}`,
		`{"v":2,"type":"idle","text":{"en":"a","ko":"b"},"group":"g","silence":{"reason":"caught-up","ends":{"t":{"0":-1}}}}`,
		`{"v":2,"type":"observed","observation":{"kind":"A","data":{}}}`,
		`{"v":2,"type":"observed","observation":{"kind":"a","data":[]}}`,
		`{"v":2,"type":"observed","observation":{"kind":"a"}}`,
		`{"v":2,"type":"error","text":{"en":"a","ko":""}}`,
		`{"v":2,"type":"idle","text":{"en":"a","ko":"b"},"group":"g","silence":{"reason":"I am tired"}}`,
		`{"v":2,"type":"held","point":"` + strings.Repeat("x", event.MaxReport) + `"}`,
	} {
		if e, err := event.ParseReport([]byte(text)); err == nil {
			t.Errorf("%.80s is accepted: %+v", text, e)
		}
	}
}

// A terminal must not obey what a program reports.
func TestReportsAreMadeVisible(t *testing.T) {
	e := event.Event{Type: event.Handled, Record: &event.Record{Topic: "t\x1b[2J", Key: "k\r", ID: "1\u202e"}, Group: "g\x00"}
	got, err := event.ParseReport(line(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if want := (event.Record{Topic: `t\x1b[2J`, Key: `k\r`, ID: `1\u202e`}); *got.Record != want || got.Group != `g\x00` {
		t.Errorf("%+v of %q", got.Record, got.Group)
	}
	o := event.Event{Type: event.Observed, Observation: &event.Observation{Kind: "a", Data: json.RawMessage(`{"\u001b":["\u0007", 12345678901234567890]}`)}}
	if got, err = event.ParseReport(line(t, o)); err != nil {
		t.Fatal(err)
	}
	if want := `{"\\x1b":["\\a",12345678901234567890]}`; string(got.Observation.Data) != want {
		t.Errorf("%s, want %s", got.Observation.Data, want)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"": "",
		"인사말 #1 👋🏽 👩‍💻 é ½":          "인사말 #1 👋🏽 👩‍💻 é ½",
		"\x1b[31mred\x1b[0m":         `\x1b[31mred\x1b[0m`,
		"10 %\r20 %":                 `10 %\r20 %`,
		"a\tb\nc":                    `a    b\nc`,
		"\x7f\u0085\u200b\u202e\x00": `\x7f\u0085\u200b\u202e\x00`,
		"bad \xff\xfe utf-8":         `bad \xff\xfe utf-8`,
		"\ufffd itself":              "\ufffd itself",
		`\x1b`:                       `\x1b`,
	} {
		if got := event.Visible(text); got != want {
			t.Errorf("Visible(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{"a": true, "nothing-lost": true, "9": true, "": false, "-a": false, "a-": false, "a--b": false, "A": false, "a b": false, "a\n": false} {
		if event.ValidID(id) != want {
			t.Errorf("%q is an id: %t", id, !want)
		}
	}
}

// Whatever a program writes, the runner does not panic, and what it accepts the schema accepts too.
func FuzzParseReport(f *testing.F) {
	for kind, e := range reports() {
		e.Type = kind
		f.Add(line(f, e))
	}
	f.Add([]byte(`{"v":2,"type":"handled"}`))
	schema, err := eventtest.Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := event.ParseReport(text)
		if err != nil {
			return
		}
		e.Run, e.Lesson, e.Program, e.PID = "r7f3k", "a-test", "manual-commit#2", 36
		if err := schema.Check(e); err != nil {
			t.Errorf("accepted, and not as the schema has it: %v", err)
		}
	})
}

// Nothing that a terminal would obey is left, nothing else is changed, and twice is once.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "\r", "인사말", "\xff", "👩‍💻"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := event.Visible(s)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e }) {
			t.Errorf("%q becomes %q", s, got)
		}
		if again := event.Visible(got); again != got {
			t.Errorf("%q becomes %q and then %q", s, got, again)
		}
	})
}
