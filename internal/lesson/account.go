package lesson

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kafkahandson/internal/event"
)

// Account is what became of the records of one topic in one consumer group. A lesson declares with [Run.Account] what is
// accounted; nothing else is.
type Account struct {
	run   *Run
	topic string // that the group reads
	from  string // that the records were produced into
	group string
	// storedOnly: nobody reports single records, so that only the broker's number is shown.
	storedOnly bool
}

// Account declares that the variant accounts for what a group handles of what is produced into a topic: the accounting
// at the variant's end tallies produced, stored, handled, distinct, lost, duplicated, commits and committed offsets. Two
// groups that read one topic are two accounts.
func (r *Run) Account(topic, group string) *Account {
	return r.account(&Account{run: r, topic: topic, from: topic, group: group})
}

// AccountStored declares that the variant accounts for how many records a topic holds: for programs that are after speed
// and do not report single records.
func (r *Run) AccountStored(topic string) {
	r.account(&Account{run: r, topic: topic, from: topic, storedOnly: true})
}

func (r *Run) account(a *Account) *Account {
	if slices.ContainsFunc(r.accounts, func(other *Account) bool { return other.topic == a.topic && other.group == a.group }) {
		r.Must(fmt.Errorf("there are two accounts of %q in group %q", a.topic, a.group))
	}
	r.accounts = append(r.accounts, a)
	return a
}

// From says that the records were produced into another topic, and that what the group reads was made of them, with the
// same ids.
func (a *Account) From(topic string) *Account {
	a.from = topic
	return a
}

// Produced returns what producers reported as acknowledged, as records of the topic that the group reads.
func (a *Account) Produced() Records { return a.run.Produced().Of(a.from).As(a.topic) }

// Handled returns what the group's consumers reported as handled, with repetitions.
func (a *Account) Handled() Records { return a.run.Handled().Of(a.topic).By(a.group) }

// Lost returns the records that were produced and that the group never handled.
func (a *Account) Lost() Records { return a.Produced().NotIn(a.Handled()) }

// Duplicated is how many times the group handled a record that it had handled before.
func (a *Account) Duplicated() int { return len(a.Handled().Repeated()) }

// Commits is how often the group's consumers called session.Commit().
func (a *Account) Commits() int {
	commits, _ := a.run.commitsOf(a.group)
	return commits
}

// WaitHandled waits until the group has handled so many different records of the topic.
func (a *Account) WaitHandled(records int) {
	a.run.Wait(Wait{
		For: Text{EN: "for %d records to be handled", KO: "레코드 %d개가 처리되기를"}.With(records),
		Until: func() (bool, string) {
			n := a.Handled().Distinct()
			return n >= records, fmt.Sprintf("%d/%d", n, records)
		},
	})
}

// Tally puts a number of the lesson's own into the variant's accounting: rows in a table, events without a row. The id is
// unique among them.
func (r *Run) Tally(id string, name Text, value int) {
	r.Must(validID("tally", id))
	if slices.ContainsFunc(r.tallies, func(t event.Tally) bool { return t.ID == id }) {
		r.Must(fmt.Errorf("there are two tallies %q", id))
	}
	r.tallies = append(r.tallies, event.Tally{ID: id, Name: name, Value: int64(value)})
}

// accounting is all that the variant accounts for.
func (r *Run) accounting(ctx context.Context) ([]event.Tally, error) {
	var all []event.Tally
	for _, a := range r.accounts {
		tallies, err := a.tallies(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, tallies...)
	}
	return append(all, r.tallies...), nil
}

func (a *Account) tallies(ctx context.Context) ([]event.Tally, error) {
	topic, err := a.run.admin.DescribeTopic(ctx, a.topic)
	if err != nil {
		return nil, err
	}
	var all []event.Tally
	add := func(id string, name Text, value int64) *event.Tally {
		t := event.Tally{ID: id, Name: name, Topic: a.topic, Group: a.group, Value: value}
		if a.from != a.topic {
			t.From = a.from
		}
		all = append(all, t)
		return &all[len(all)-1]
	}
	stored := func() { add(event.TallyStored, Text{EN: "stored", KO: "저장됨"}, topic.Records()) }
	if a.storedOnly {
		stored()
		return all, nil
	}
	handled := a.Handled()
	add(event.TallyProduced, Text{EN: "produced", KO: "보냄"}, int64(len(a.Produced())))
	stored()
	add(event.TallyHandled, Text{EN: "handled", KO: "처리"}, int64(len(handled)))
	add(event.TallyDistinct, Text{EN: "distinct", KO: "서로 다른 것"}, int64(handled.Distinct()))
	add(event.TallyLost, Text{EN: "lost", KO: "유실"}, int64(len(a.Lost())))
	add(event.TallyDuplicated, Text{EN: "duplicated", KO: "중복"}, int64(len(handled.Repeated())))
	if a.group == "" {
		return all, nil
	}
	commits, inCommit := a.run.commitsOf(a.group)
	add(event.TallyCommits, Text{EN: "commits by hand", KO: "직접 커밋"}, int64(commits))
	add(event.TallyCommitTime, Text{EN: "time in commits", KO: "커밋에 쓴 시간"}, inCommit.Microseconds()).Unit = "µs"
	committed, err := a.run.admin.Committed(ctx, a.group, a.topic)
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Sorted(maps.Keys(committed)) {
		add(event.TallyCommitted, Text{EN: "committed", KO: "커밋"}, committed[p]).Partition = &p
	}
	return all, nil
}

// commitsOf is how often a group's consumers called session.Commit(), and how long that took.
func (r *Run) commitsOf(group string) (int, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.commits[group]
	return c.calls, c.took
}

// commits are the calls of session.Commit() of a group.
type commits struct {
	calls int
	took  time.Duration
}

// Tallies are the accounting of a variant.
type Tallies []event.Tally

// Value is the number with an id: the first, where several accounts have one. ok is false if there is none.
func (ts Tallies) Value(id string) (value int64, ok bool) {
	i := slices.IndexFunc(ts, func(t event.Tally) bool { return t.ID == id })
	if i < 0 {
		return 0, false
	}
	return ts[i].Value, true
}
