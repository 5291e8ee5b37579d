package report_test

import (
	"strings"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/report"
)

// shown is what a person reads of these events of variants, each of which ends well.
func shown(lang i18n.Lang, variants ...[]event.Event) string {
	var out strings.Builder
	v := &report.View{W: &out, Lang: lang}
	ok := true
	for i, events := range variants {
		name := i18n.Verbatim(string(rune('a' + i)))
		v.Emit(event.Event{Type: event.VariantStarted, Variant: name.EN, Text: &name})
		for _, e := range events {
			v.Emit(e)
		}
		v.Emit(event.Event{Type: event.VariantEnded, OK: &ok})
	}
	v.Emit(event.Event{Type: event.RunEnded, OK: &ok})
	return out.String()
}

func tally(id, topic, group string, value int64) event.Tally {
	return event.Tally{ID: id, Name: i18n.Text{EN: id, KO: "수 " + id}, Topic: topic, Group: group, Value: value}
}

func accounting(tallies ...event.Tally) event.Event {
	return event.Event{Type: event.Accounting, Tallies: tallies}
}

func compared(id string, value float64, unit string) event.Event {
	return event.Event{Type: event.Compared, Measurement: &event.Measurement{ID: id, Name: i18n.Verbatim(id), Value: value, Unit: unit}}
}

func has(t *testing.T, shown string, want bool, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(shown, w) != want {
			t.Errorf("it shows %q: %t, in\n%s", w, !want, shown)
		}
	}
}

// A program that is after speed does not report each record. Zeros in a table would look like losses.
func TestOnlyWhatIsAccountedIsShown(t *testing.T) {
	stored := shown(i18n.English, []event.Event{compared("rate", 12.5, "records/s"), accounting(tally(event.TallyStored, "t", "", 7))})
	has(t, stored, true, "stored 7", "12.5 records/s", "claims")
	has(t, stored, false, "handled", "lost", "committed", "commits")

	none := shown(i18n.English, []event.Event{compared("rate", 12.5, "records/s")})
	has(t, none, true, "12.5 records/s", "claims")
	has(t, none, false, "stored", "handled", "lost")

	own := shown(i18n.Korean, []event.Event{accounting(tally("rows", "", "", 5), tally("phantom", "", "", 2))}, []event.Event{accounting(tally("rows", "", "", 3))})
	has(t, own, true, "수 rows 5 · 수 phantom 2", "│ 수 rows │ 수 phantom │", "│       5 │ 2          │", "│       3 │            │")
	has(t, own, false, "lost", "stored")
}

// Two groups are two lines, and two rows of the table; what is about the variant stands in the first.
func TestTwoGroupsAreTwoRows(t *testing.T) {
	out := shown(i18n.English, []event.Event{compared("rate", 250, "records/s"), accounting(
		tally(event.TallyProduced, "orders.r1", "shop.r1", 3), tally(event.TallyLost, "orders.r1", "shop.r1", 0),
		tally(event.TallyProduced, "orders.r1", "audit.r1", 3), tally(event.TallyLost, "orders.r1", "audit.r1", 2),
	)})
	has(t, out, true, "orders → shop", "orders → audit", "produced 3 · lost 0", "produced 3 · lost 2", "│ 250 records/s │")
	if n := strings.Count(out, "250 records/s"); n != 3 { // as it is measured, in the table, at its bar
		t.Errorf("the rate stands there %d times:\n%s", n, out)
	}
}

// Commits by hand are shown where there are any, in milliseconds; committed offsets where one partition has them.
func TestCommitsAreShown(t *testing.T) {
	account := func(commits, micros int64, offsets ...int64) []event.Event {
		all := []event.Tally{tally(event.TallyHandled, "t", "g", 3), tally(event.TallyCommits, "t", "g", commits), tally(event.TallyCommitTime, "t", "g", micros)}
		all[2].Unit = "µs"
		for i, o := range offsets {
			p, c := int32(i), tally(event.TallyCommitted, "t", "g", o)
			c.Partition = &p
			all = append(all, c)
		}
		return []event.Event{accounting(all...)}
	}
	has(t, shown(i18n.English, account(3, 1250, 3)), true, "│ commits │ commit-time │", "│       3 │ 1.2 ms      │", "committed p0=3", "│ p0=3      │")
	none := shown(i18n.English, account(0, 0, -1))
	has(t, none, true, "committed p0=–", "│ p0=–      │")
	has(t, none, false, "│ commits", " ms")
	has(t, shown(i18n.English, account(0, 0, 1, 2)), false, "│ p0=1")
}

// A cell is a record where it was produced: what another group did with it is another strip, and so is what was made of
// it in another topic.
func TestStrips(t *testing.T) {
	at := func(kind event.Type, topic, group string, offset int64, id string) event.Event {
		return event.Event{Type: kind, Group: group, Record: &event.Record{Topic: topic, Offset: offset, ID: id}}
	}
	answers := tally(event.TallyHandled, "answers", "reader", 3)
	answers.From = "orders"
	out := shown(i18n.English, []event.Event{
		at(event.Produced, "orders", "", 0, "1"), at(event.Produced, "orders", "", 1, "2"), at(event.Produced, "orders", "", 2, "3"),
		at(event.Handled, "orders", "shop", 0, "1"), at(event.Handled, "orders", "shop", 1, "2"), at(event.Handled, "orders", "shop", 1, "2"),
		at(event.Handled, "orders", "audit", 2, "3"), at(event.Duplicate, "orders", "audit", 0, "1"),
		at(event.Handled, "answers", "reader", 0, "1"), at(event.Handled, "answers", "reader", 1, "1"), at(event.Handled, "answers", "reader", 2, "3"),
		accounting(tally(event.TallyHandled, "orders", "shop", 3), tally(event.TallyHandled, "orders", "audit", 1), answers),
	})
	has(t, out, true, "orders → shop             p0 ■2✗", "orders → audit            p0 =✗■", "orders → answers → reader p0 2✗■", "= recognised as a duplicate")
}
