package lesson_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/lesson/testdata/shape"
	"kafkahandson/internal/report"
)

// A lesson as chapter 4 will have them needs nothing of this package that is not there: an API that is called over HTTP,
// rows in MySQL, two topics, two groups in one process, tallies and observations of its own. Chapter 4 replaces this
// test.
func chapter4() lesson.Lesson {
	const api, tail = "internal/lesson/testdata/api", "internal/lesson/testdata/tail"
	return lesson.Lesson{
		Name: "like-chapter-4", Programs: []string{api, tail}, Needs: []lesson.Need{lesson.MySQL()},
		Run: func(r *lesson.Run) {
			changes, audit := r.Topic("my-cdc-topic", 3), r.Topic("audit-topic", 1)
			cdc, auditors := r.Group("cdc-consumer-group"), r.Group("audit-group")
			all, written := r.Account(changes, cdc), r.Account(audit, auditors)
			sideEffect := r.Account(audit, cdc) // the other group reads the audit too

			r.Step(text("Write rows"))
			server := r.Program(api, "-changes", changes, "-audit", audit).Start()
			at := lesson.WaitObserved[shape.Listening](server).Addr
			refused := 0
			for i, name := range []string{"Jiwoo", "Mina", "Jiwoo", "Omar", "Mina"} { // two of them for the second time
				refused += post(r, at, fmt.Sprintf("e%d", i+1), name)
			}
			server.Stop()

			r.Step(text("Read the events"))
			reader := r.Program(tail, "-topics", changes+","+audit, "-groups", cdc+","+auditors).Start()
			reader.WaitCaughtUp(changes, cdc)
			reader.WaitCaughtUp(audit, cdc)
			reader.WaitCaughtUp(audit, auditors)
			reader.Stop()

			var rows []shape.Row
			r.Must(r.Database().Find(&rows).Error)
			phantoms := lesson.Observed[shape.RolledBack](server)
			r.Tally("rows", lesson.Text{EN: "rows", KO: "행"}, len(rows))
			r.Tally("phantom", lesson.Text{EN: "phantom", KO: "유령"}, len(all.Handled())-len(rows))
			r.Tally("out-of-order", lesson.Text{EN: "out of order", KO: "순서 바뀜"}, all.Handled().OutOfOrder())

			r.Claim("refused", text("two are refused"), lesson.Equal(refused, 2))
			r.Claim("rolled-back", text("they were rolled back"), lesson.Equal(len(phantoms), 2))
			r.Claim("rows", text("three rows"), lesson.Equal(len(rows), 3))
			r.Claim("phantoms", text("and an event for each of the five"), lesson.Equal(len(all.Handled()), 5))
			r.Claim("audit", text("the audit has three"), lesson.SameRecords(written.Handled(), all.Produced().As(audit).In(r.Produced().Of(audit))))
			r.Claim("audit-of-cdc", text("for both groups"), lesson.SameRecords(sideEffect.Handled(), written.Handled()))
			r.Claim("nothing-lost", text("nobody lost anything"), lesson.Equal(len(all.Lost())+len(written.Lost())+len(sideEffect.Lost()), 0))
			r.Claim("nothing-repeated", text("nor got anything twice"), lesson.Equal(len(r.Handled().Repeated()), 0))
		},
	}
}

// post asks the API for a row. It returns 1 if the API refuses.
func post(r *lesson.Run, at, event, name string) int {
	query := url.Values{"event": {event}, "name": {name}}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+at+"/rows?"+query.Encode(), nil)
	r.Must(err)
	request.Close = true // one connection each: none is left open
	answer, err := http.DefaultClient.Do(request)
	r.Must(err)
	r.Must(answer.Body.Close())
	if answer.StatusCode == http.StatusConflict {
		return 1
	}
	return 0
}

func TestALessonLikeChapter4(t *testing.T) {
	t.Parallel()
	var events []event.Event
	result, err := lessontest.Play(t, chapter4(), lesson.Options{Emit: func(e event.Event) { events = append(events, e) }})
	lessontest.Need(t, result, err)
	v := result.Variants[0]
	if failed := lessontest.Failed(v); len(failed) > 0 || !result.Passed {
		t.Errorf("claims that failed: %v", failed)
	}
	type account struct{ topic, group string }
	got := map[account]map[string]int64{}
	for _, tally := range v.Tallies {
		base := func(name string) string {
			name, _, _ = strings.Cut(name, ".")
			return name
		}
		of := account{base(tally.Topic), base(tally.Group)}
		if got[of] == nil {
			got[of] = map[string]int64{}
		}
		got[of][tally.ID] += tally.Value
	}
	for of, want := range map[account]map[string]int64{
		{"my-cdc-topic", "cdc-consumer-group"}: {"produced": 5, "stored": 5, "handled": 5, "distinct": 5, "lost": 0, "duplicated": 0, "committed": 5},
		{"audit-topic", "audit-group"}:         {"produced": 3, "stored": 3, "handled": 3, "distinct": 3, "lost": 0, "duplicated": 0, "committed": 3},
		{"audit-topic", "cdc-consumer-group"}:  {"produced": 3, "stored": 3, "handled": 3, "distinct": 3, "lost": 0, "duplicated": 0, "committed": 3},
		{}:                                     {"rows": 3, "phantom": 2, "out-of-order": 0},
	} {
		for id, value := range want {
			if n, ok := got[of][id]; !ok || n != value && id != "committed" || id == "committed" && n > value { // what is not committed yet is -1
				t.Errorf("%v: %s %d (%t), want %d", of, id, n, ok, value)
			}
		}
	}
	if len(got) != 4 {
		t.Errorf("it accounts for %v", slices.Collect(maps.Keys(got)))
	}
	for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
		var out strings.Builder
		view := &report.View{W: &out, Lang: lang}
		for _, e := range events {
			view.Emit(e)
		}
		for _, want := range []string{"my-cdc-topic → cdc-consumer-group", "audit-topic → audit-group", "audit-topic → cdc-consumer-group"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("in %s it does not show %s:\n%s", lang, want, out.String())
			}
		}
		if testing.Verbose() {
			t.Log("\n" + out.String())
		}
	}
}
