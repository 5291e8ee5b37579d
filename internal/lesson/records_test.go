package lesson_test

import (
	"maps"
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

func TestCommittable(t *testing.T) {
	for name, tc := range map[string]struct {
		done lesson.Records
		want map[int32]int64
	}{
		"nothing":           {nil, map[int32]int64{0: -1, 1: -1}},
		"without a gap":     {lesson.Records{{Offset: 1}, {Offset: 0}, {Partition: 1, Offset: 0}}, map[int32]int64{0: 2, 1: 1}},
		"up to a gap":       {lesson.Records{{Offset: 0}, {Offset: 2}, {Offset: 3}}, map[int32]int64{0: 1, 1: -1}},
		"only after one":    {lesson.Records{{Offset: 1}, {Partition: 1, Offset: 2}}, map[int32]int64{0: -1, 1: -1}},
		"twice the same":    {lesson.Records{{Offset: 0}, {Offset: 0}}, map[int32]int64{0: 1, 1: -1}},
		"no such partition": {lesson.Records{{Partition: 5, Offset: 0}}, map[int32]int64{0: -1, 1: -1}},
	} {
		if got := tc.done.Committable(2); !maps.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
