package program

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/remedy"
)

// Message is what a record carries, as far as a report tells of it.
type Message interface {
	// MessageID is what the accounting knows the message by: the same wherever it is, and however often it is sent.
	MessageID() string
	// String shows it to the person at the terminal.
	fmt.Stringer
}

// Produced reports a record that the broker acknowledged: m has its partition and offset.
func (p *Program) Produced(m *sarama.ProducerMessage, what Message) {
	p.record(event.Event{Type: event.Produced}, i18n.Text{EN: "sent   ", KO: "보냄"}, place{m.Topic, m.Partition, m.Offset}, encoded(m.Key), what)
}

// Handled reports that the program's work for a record is done. A program that consumes as several groups reports as one
// of them: see [Program.Member].
func (p *Program) Handled(m *sarama.ConsumerMessage, what Message) { p.onlyMember().Handled(m, what) }

// Duplicate reports a record that the program recognised as handled before, so that it did nothing.
func (p *Program) Duplicate(m *sarama.ConsumerMessage, what Message) {
	p.onlyMember().Duplicate(m, what)
}

// Observer reports what happens in a consumer group: to the terminal what a person wants to know, to a lesson all.
func (p *Program) Observer(group string) kafka.GroupObserver { return p.Member(group).Observer() }

// Observation is something that only the programs and lessons of one chapter know of. As JSON it is an object.
type Observation interface {
	// Kind is its stable name: lower-case words with hyphens.
	Kind() string
}

// Observe tells the person at the terminal in a line what the program has observed, if there is a line, and reports it.
func (p *Program) Observe(line i18n.Text, o Observation) {
	data, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("the observation %s is no JSON: %v", o.Kind(), err)) // a fault of the program
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !line.IsZero() {
		fmt.Fprintln(p.stdout, line.In(p.lang))
	}
	p.lesson.report(event.Event{Type: event.Observed, Observation: &event.Observation{Kind: o.Kind(), Data: data}})
}

// place is where a record is.
type place struct {
	topic     string
	partition int32
	offset    int64
}

func (p *Program) record(e event.Event, verb i18n.Text, at place, key string, what Message) {
	if every := p.lesson.reportEvery; e.Type == event.Handled && every > 1 && p.lesson.handled.Add(1)%every != 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		fmt.Fprintf(p.stdout, "%s p%d@%-3d key=%s %s\n", verb.In(p.lang), at.partition, at.offset, key, what)
	}
	e.Record = &event.Record{Topic: at.topic, Partition: at.partition, Offset: at.offset, Key: key, ID: what.MessageID()}
	p.lesson.report(e)
}

// encoded is a record's key as a consumer gets it.
func encoded(key sarama.Encoder) string {
	if key == nil {
		return ""
	}
	b, err := key.Encode()
	if err != nil { // then the record was not sent
		return ""
	}
	return string(b)
}

// Member reports for one of the consumer groups that a program consumes as.
type Member struct {
	program *Program
	group   string
}

// Member returns what reports for a group.
func (p *Program) Member(group string) Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.groups, group) {
		p.groups = append(p.groups, group)
	}
	return Member{p, group}
}

// onlyMember reports for the program's group, or for none if it has none.
func (p *Program) onlyMember() Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch len(p.groups) {
	case 0:
		return Member{program: p}
	case 1:
		return Member{p, p.groups[0]}
	}
	panic(fmt.Sprintf("the program consumes as %s: report with Member(group), or nobody knows which of them it was", strings.Join(p.groups, " and ")))
}

// Handled is [Program.Handled] for the group.
func (m Member) Handled(c *sarama.ConsumerMessage, what Message) {
	m.program.record(event.Event{Type: event.Handled, Group: m.group}, i18n.Text{EN: "handled", KO: "처리"}, place{c.Topic, c.Partition, c.Offset}, string(c.Key), what)
}

// Duplicate is [Program.Duplicate] for the group.
func (m Member) Duplicate(c *sarama.ConsumerMessage, what Message) {
	m.program.record(event.Event{Type: event.Duplicate, Group: m.group}, i18n.Text{EN: "seen   ", KO: "중복"}, place{c.Topic, c.Partition, c.Offset}, string(c.Key), what)
}

// Observer is [Program.Observer] for the group.
func (m Member) Observer() kafka.GroupObserver {
	p := m.program
	// tell reports under the lock; line may be empty.
	tell := func(line i18n.Text, e event.Event) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !line.IsZero() {
			fmt.Fprintln(p.stdout, line.In(p.lang))
		}
		p.lesson.report(e)
	}
	var first int32 // generation of the session: a later one in the same session is a cooperative rebalance
	changed := func(t event.Type, what i18n.Text, s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
		p.mu.Lock()
		began := first
		p.mu.Unlock()
		var line i18n.Text
		if s.GenerationID() != began && s.Context().Err() == nil {
			line = what.With(c.Partition(), s.GenerationID())
		}
		tell(line, event.Event{Type: t, Assignment: m.assignment(s, map[string][]int32{c.Topic(): {c.Partition()}})})
	}
	return kafka.GroupObserver{
		Assigned: func(s sarama.ConsumerGroupSession) {
			p.mu.Lock()
			first = s.GenerationID()
			p.mu.Unlock()
			p.leaving.joined(m.group, s.MemberID())
			tell(i18n.Text{EN: "joined group %s (generation %d): %s", KO: "%s 그룹에 참여 (%d세대): %s"}.With(m.group, s.GenerationID(), partitions(s.Claims())),
				event.Event{Type: event.Assigned, Assignment: m.assignment(s, s.Claims())})
		},
		Revoked: func(s sarama.ConsumerGroupSession) {
			tell(i18n.Text{}, event.Event{Type: event.Revoked, Assignment: m.assignment(s, s.Claims())})
		},
		Acquired: func(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
			changed(event.Acquired, i18n.Text{EN: "took over p%d (generation %d)", KO: "p%d 파티션을 넘겨받음 (%d세대)"}, s, c)
		},
		Released: func(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
			changed(event.Released, i18n.Text{EN: "gave up p%d (generation %d)", KO: "p%d 파티션을 내려놓음 (%d세대)"}, s, c)
		},
		Committed: func(took time.Duration) {
			tell(i18n.Text{}, event.Event{Type: event.Committed, Group: m.group, Micros: took.Microseconds()})
		},
		Idle: func(why kafka.Idle) {
			tell(why.Text, event.Event{Type: event.Idle, Text: &why.Text, Group: m.group, Silence: &event.Silence{Reason: string(why.Reason), Ends: why.Ends}})
		},
		Error: func(err error) {
			line := remedy.Retrying(err)
			tell(line, event.Event{Type: event.Error, Text: &line, Group: m.group})
		},
	}
}

func (m Member) assignment(s sarama.ConsumerGroupSession, claims map[string][]int32) *event.Assignment {
	return &event.Assignment{Group: m.group, Member: s.MemberID(), Client: m.program.Kafka.ClientID, Generation: s.GenerationID(), Claims: claims}
}

func partitions(claims map[string][]int32) i18n.Text {
	var all []string
	for topic, ids := range claims {
		for _, id := range ids {
			topic += fmt.Sprintf(" p%d", id)
		}
		all = append(all, topic)
	}
	if len(all) == 0 {
		return i18n.Text{EN: "no partition", KO: "할당된 파티션 없음"}
	}
	return i18n.Verbatim(strings.Join(all, ", "))
}
