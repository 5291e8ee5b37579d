package eventtest

import (
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/timeline"
	"kafkahandson/internal/i18n"
)

// Story makes events of a consumer group that reads the topic t, at milliseconds after its begin.
type Story struct {
	Events []event.Event
	client map[string]string // by program
}

// NewStory begins a variant "range" of the lesson "ch3-x". The programs have these client ids.
func NewStory(client map[string]string) *Story {
	title := i18n.Text{EN: "who & when", KO: "누가 & 언제"}
	s := &Story{client: client}
	s.Add(0, event.Event{Type: event.VariantStarted, Lesson: "ch3-x", Variant: "range", Text: &title})
	return s
}

// Add adds any event.
func (s *Story) Add(ms int, e event.Event) {
	e.Time = time.Date(2026, 1, 1, 0, 0, 0, ms*int(time.Millisecond), time.UTC)
	s.Events = append(s.Events, e)
}

// Program adds an event that says nothing but which program it is about.
func (s *Story) Program(ms int, t event.Type, program string) {
	s.Add(ms, event.Event{Type: t, Program: program})
}

// Claims adds an event about partitions, one for each.
func (s *Story) Claims(ms int, t event.Type, program string, generation int32, partitions ...int32) {
	for _, p := range partitions {
		s.Add(ms, event.Event{Type: t, Program: program, Assignment: &event.Assignment{
			Client: s.client[program], Generation: generation, Claims: map[string][]int32{"t": {p}},
		}})
	}
}

// Handles makes a program handle a record every 10 ms.
func (s *Story) Handles(ms int, program string, partition int32, offsets ...int64) {
	for i, o := range offsets {
		s.Add(ms+10*i, event.Event{Type: event.Handled, Program: program, Record: &event.Record{Topic: "t", Partition: partition, Offset: o}})
	}
}

// Timeline is that of the story so far.
func (s *Story) Timeline() *timeline.Timeline {
	var t timeline.Timeline
	for _, e := range s.Events {
		t.Add(e)
	}
	return &t
}
