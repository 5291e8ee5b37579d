package lesson_test

import (
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
)

func TestRecords(t *testing.T) {
	rs := lesson.Records{
		{ID: "a", Offset: 0}, {ID: "b", Offset: 1}, {ID: "a", Offset: 2}, {ID: "c", Partition: 1, Offset: 2}, {ID: "a", Offset: 3},
	}
	for name, tc := range map[string]struct {
		got  lesson.Records
		want []event.Record
	}{
		"at":            {rs.At(0, 2), []event.Record{rs[2]}},
		"at nothing":    {rs.At(2, 0), nil},
		"first":         {rs.First(2), rs[:2]},
		"first of few":  {rs.First(9), rs},
		"first of none": {lesson.Records(nil).First(1), nil},
		"repeated":      {rs.Repeated(), []event.Record{rs[2], rs[4]}},
		"not repeated":  {rs[:2].Repeated(), nil},
	} {
		if len(tc.got) != len(tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
			continue
		}
		for i := range tc.want {
			if tc.got[i] != tc.want[i] {
				t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
			}
		}
	}
}
