package lesson_test

import (
	"strings"
	"testing"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

func TestLess(t *testing.T) {
	for _, tc := range []struct {
		got, than int
		ok        bool
		detail    string
	}{{1, 2, true, "1 < 2"}, {2, 2, false, "2 ≥ 2"}, {3, 2, false, "3 ≥ 2"}} {
		if c := lesson.Less(tc.got, tc.than); c.OK != tc.ok || c.Detail != tc.detail {
			t.Errorf("Less(%d, %d) = %+v", tc.got, tc.than, c)
		}
	}
}

// What a topic holds can be waited for, read back, and weighed.
func TestStored(t *testing.T) {
	lessontest.Pass(t, lesson.Lesson{
		Name: "stored", Programs: []string{producer},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 3)
			r.Claim(text("empty"), lesson.Equal(len(r.ReadBack(topic))+r.LogBytes(topic), 0))
			r.WaitStored(topic, 0)
			send := r.Program(producer, "-topic", topic, "-count", "100").Start()
			r.WaitStored(topic, 100)
			send.Wait()
			back := r.ReadBack(topic)
			r.Claim(text("it holds what was sent"), lesson.SameRecords(back, r.Produced()))
			r.Claim(text("where it was sent"), lesson.Equal(back.Places(), r.Produced().Places()))
			r.Claim(text("and weighs something"), lesson.Less(100*61, r.LogBytes(topic)))
		},
	})
}

func TestWaitStoredSaysHowFarItIs(t *testing.T) {
	_, err := lessontest.Play(t, lesson.Lesson{
		Name: "waiting", Programs: []string{producer},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 1)
			r.Program(producer, "-topic", topic).Run()
			r.WaitStored(topic, 31)
		},
	}, lesson.Options{Timeout: time.Second})
	if err == nil || !strings.Contains(err.Error(), "to hold 31 records") || !strings.Contains(err.Error(), "30/31") {
		t.Errorf("error %v", err)
	}
}

func TestOffsetsFound(t *testing.T) {
	const finder = "internal/lesson/testdata/finder"
	lessontest.Pass(t, lesson.Lesson{
		Name: "found", Programs: []string{finder},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 2)
			found := r.Program(finder, "-topic", topic).Run().OffsetsFound("g", topic)
			r.Claim(text("only of this group and topic"), lesson.Equal(len(found), 5))
			r.Claim(text("different ones"), lesson.Equal(found.Places(), 4))
			r.Claim(text("the last of each partition"), lesson.SameOffsets(found.LastOffsets(), map[int32]int64{0: 2, 1: -1}))
		},
	})
}

func TestSameOffsets(t *testing.T) {
	for _, tc := range []struct {
		got, want map[int32]int64
		ok        bool
		detail    string
	}{
		{map[int32]int64{0: 3, 1: -1}, map[int32]int64{1: -1, 0: 3}, true, "p0=3 p1=–"},
		{map[int32]int64{0: 3}, map[int32]int64{0: 4}, false, "p0=3 ≠ p0=4"},
		{nil, map[int32]int64{0: -1}, false, "– ≠ p0=–"}, // nothing was found, and that is not a tombstone
	} {
		if c := lesson.SameOffsets(tc.got, tc.want); c.OK != tc.ok || c.Detail != tc.detail {
			t.Errorf("SameOffsets(%v, %v) = %+v", tc.got, tc.want, c)
		}
	}
}

// A program that is after speed does not report each record. Zeros in a table would look like losses.
func TestNothingCountedIsNotShownAsZero(t *testing.T) {
	show := func(produced int) string {
		var out strings.Builder
		v := &lesson.View{W: &out}
		name, rate, ok := text("way"), 12.5, true
		v.Emit(event.Event{Type: event.VariantStarted, Variant: "a", Text: &name})
		v.Emit(event.Event{Type: event.Compared, Variant: "a", Text: &name, Value: &rate, Unit: "records/s"})
		v.Emit(event.Event{Type: event.Accounting, Variant: "a", Counts: &event.Counts{Produced: produced, Stored: 7}})
		v.Emit(event.Event{Type: event.VariantEnded, Variant: "a", OK: &ok})
		v.Emit(event.Event{Type: event.RunEnded, OK: &ok})
		return out.String()
	}
	for _, counted := range []string{"handled", "lost", "committed"} {
		if strings.Contains(show(0), counted) {
			t.Errorf("nothing was counted, and yet it says %q:\n%s", counted, show(0))
		}
		if !strings.Contains(show(7), counted) {
			t.Errorf("what was counted is not shown as %q:\n%s", counted, show(7))
		}
	}
	for _, always := range []string{"stored 7", "12.5 records/s", "claims"} {
		if !strings.Contains(show(0), always) {
			t.Errorf("it does not say %q:\n%s", always, show(0))
		}
	}
}
