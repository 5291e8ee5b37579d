package lesson_test

import (
	"maps"
	"slices"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson"
)

func TestRecords(t *testing.T) {
	rs := lesson.Records{
		record("t", 0, 0, "a"), record("t", 0, 1, "b"), record("t", 0, 2, "a"), record("t", 1, 2, "c"), record("t", 0, 3, "a"), record("u", 0, 2, "a"),
	}
	byTwo := lesson.Records{by("one", rs[0]), by("two", rs[0]), by("one", rs[1]), by("two", rs[1]), by("two", rs[2])}
	for name, tc := range map[string]struct{ got, want lesson.Records }{
		"at":                    {rs.At("t", 0, 2), lesson.Records{rs[2]}},
		"at nothing":            {rs.At("t", 2, 0), nil},
		"first":                 {rs.First(2), rs[:2]},
		"first of few":          {rs.First(9), rs},
		"first of none":         {lesson.Records(nil).First(1), nil},
		"repeated":              {rs.Repeated(), lesson.Records{rs[2], rs[4]}}, // u#a is another record
		"not repeated":          {rs[:2].Repeated(), nil},
		"repeated by one group": {byTwo.Repeated(), lesson.Records{byTwo[4]}}, // that two groups read it is no repetition
		"of a topic":            {rs.Of("u"), rs[5:]},
		"by a group":            {byTwo.By("one"), lesson.Records{byTwo[0], byTwo[2]}},
		"in":                    {rs.In(rs[5:]), rs[5:]}, // and not those of topic t with the same id
		"not in":                {rs.NotIn(rs[:5]), rs[5:]},
		"as if elsewhere":       {rs[:1].As("u").In(rs[5:]), lesson.Records{record("u", 0, 0, "a")}},
		"from":                  {rs.From(lesson.Offsets{Topic: "t", At: map[int32]int64{0: 2, 1: -1}}), rs[2:5]},
		"before":                {rs.Before(lesson.Offsets{Topic: "t", At: map[int32]int64{0: 2, 1: -1}}), rs[:2]},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
}

func record(topic string, partition int32, offset int64, id string) lesson.Record {
	return lesson.Record{Record: event.Record{Topic: topic, Partition: partition, Offset: offset, ID: id}}
}

func by(group string, r lesson.Record) lesson.Record {
	r.Group = group
	return r
}

func TestOutOfOrder(t *testing.T) {
	late := lesson.Records{record("t", 0, 1, "b"), record("t", 0, 0, "a")}
	for name, tc := range map[string]struct {
		handled lesson.Records
		want    int
	}{
		"late":              {late, 1},
		"in another topic":  {lesson.Records{late[0], record("u", 0, 0, "a")}, 0},
		"in another group":  {lesson.Records{late[0], by("g", late[1])}, 0},
		"of another key":    {lesson.Records{late[0], {Record: event.Record{Topic: "t", Key: "k", ID: "a"}}}, 0},
		"again after later": {lesson.Records{late[1], late[0], late[1]}, 1},
	} {
		if got := tc.handled.OutOfOrder(); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestCommittable(t *testing.T) {
	for name, tc := range map[string]struct {
		done lesson.Records
		want map[int32]int64
	}{
		"nothing":           {nil, map[int32]int64{0: -1, 1: -1}},
		"without a gap":     {lesson.Records{record("t", 0, 1, ""), record("t", 0, 0, ""), record("t", 1, 0, "")}, map[int32]int64{0: 2, 1: 1}},
		"up to a gap":       {lesson.Records{record("t", 0, 0, ""), record("t", 0, 2, ""), record("t", 0, 3, "")}, map[int32]int64{0: 1, 1: -1}},
		"only after one":    {lesson.Records{record("t", 0, 1, ""), record("t", 1, 2, "")}, map[int32]int64{0: -1, 1: -1}},
		"twice the same":    {lesson.Records{record("t", 0, 0, ""), record("t", 0, 0, "")}, map[int32]int64{0: 1, 1: -1}},
		"no such partition": {lesson.Records{record("t", 5, 0, "")}, map[int32]int64{0: -1, 1: -1}},
		"another topic":     {lesson.Records{record("u", 0, 0, "")}, map[int32]int64{0: -1, 1: -1}},
	} {
		if got := tc.done.Committable("t", 2); got.Topic != "t" || !maps.Equal(got.At, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
