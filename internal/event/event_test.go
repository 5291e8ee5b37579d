package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"kafkahandson/internal/event"
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

// full is an event with a value in every field.
func full(t *testing.T) event.Event {
	t.Helper()
	yes, speed := true, 12.5
	e := event.Event{
		V: event.Version, Time: time.Date(2026, 11, 22, 9, 26, 11, 399349326, time.UTC), Type: event.Handled,
		Run: "r7f3k", Lesson: "ch3-manual-commit", Variant: "per-record", Program: "manual-commit#2", PID: 36,
		Record:     &event.Record{Topic: "orders", Partition: 1, Offset: 5, Key: "k", ID: "7"},
		Assignment: &event.Assignment{Group: "shop", Member: "m-1", Client: "me", Generation: 2, Claims: map[string][]int32{"orders": {0, 1}}},
		Text:       &i18n.Text{EN: "two\nlines", KO: "두\n줄"}, Line: `a "quoted" <line>`, Point: "after-handle", Micros: 17,
		Value: &speed, Unit: "records/s", OK: &yes, Detail: "3 = 3",
		Counts: &event.Counts{Produced: 30, Stored: 30, Handled: 33, Distinct: 30, Lost: 1, Duplicated: 3, Commits: 4, Committed: map[int32]int64{0: 13, 1: -1}, CommitMicros: 99},
	}
	for v, i := reflect.ValueOf(e), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Fatalf("the test leaves out field %s", v.Type().Field(i).Name)
		}
	}
	return e
}

func TestWriteIsOneCallAndOneLine(t *testing.T) {
	var w writes
	for range 2 {
		if err := event.Write(&w, full(t)); err != nil {
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
	if err := event.Write(&w, full(t)); err != nil {
		t.Fatal(err)
	}
	var got event.Event
	if err := json.Unmarshal(w.calls[0], &got); err != nil {
		t.Fatal(err)
	}
	if want := full(t); !reflect.DeepEqual(got, want) {
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
	nan := math.NaN()
	if err := event.Write(&none, event.Event{Type: event.Measured, Value: &nan}); err == nil || len(none.calls) > 0 {
		t.Errorf("what is no JSON: error %v, written %q", err, none.calls)
	}
}
