package records_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/records"
)

func TestRecords(t *testing.T) {
	rs := records.List{
		record("t", 0, 0, "a"), record("t", 0, 1, "b"), record("t", 0, 2, "a"), record("t", 1, 2, "c"), record("t", 0, 3, "a"), record("u", 0, 2, "a"),
	}
	byTwo := records.List{by("one", rs[0]), by("two", rs[0]), by("one", rs[1]), by("two", rs[1]), by("two", rs[2])}
	for name, tc := range map[string]struct{ got, want records.List }{
		"at":                    {rs.At("t", 0, 2), records.List{rs[2]}},
		"at nothing":            {rs.At("t", 2, 0), nil},
		"first":                 {rs.First(2), rs[:2]},
		"first of few":          {rs.First(9), rs},
		"first of none":         {records.List(nil).First(1), nil},
		"repeated":              {rs.Repeated(), records.List{rs[2], rs[4]}}, // u#a is another record
		"not repeated":          {rs[:2].Repeated(), nil},
		"repeated by one group": {byTwo.Repeated(), records.List{byTwo[4]}}, // that two groups read it is no repetition
		"of a topic":            {rs.Of("u"), rs[5:]},
		"by a group":            {byTwo.By("one"), records.List{byTwo[0], byTwo[2]}},
		"in":                    {rs.In(rs[5:]), rs[5:]}, // and not those of topic t with the same id
		"not in":                {rs.NotIn(rs[:5]), rs[5:]},
		"as if elsewhere":       {rs[:1].As("u").In(rs[5:]), records.List{record("u", 0, 0, "a")}},
		"from":                  {rs.From(records.Offsets{Topic: "t", At: map[int32]int64{0: 2, 1: -1}}), rs[2:5]},
		"before":                {rs.Before(records.Offsets{Topic: "t", At: map[int32]int64{0: 2, 1: -1}}), rs[:2]},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
}

func record(topic string, partition int32, offset int64, id string) records.Record {
	return records.Record{Record: event.Record{Topic: topic, Partition: partition, Offset: offset, ID: id}}
}

func by(group string, r records.Record) records.Record {
	r.Group = group
	return r
}

func TestOutOfOrder(t *testing.T) {
	late := records.List{record("t", 0, 1, "b"), record("t", 0, 0, "a")}
	for name, tc := range map[string]struct {
		handled records.List
		want    int
	}{
		"late":              {late, 1},
		"in another topic":  {records.List{late[0], record("u", 0, 0, "a")}, 0},
		"in another group":  {records.List{late[0], by("g", late[1])}, 0},
		"of another key":    {records.List{late[0], {Record: event.Record{Topic: "t", Key: "k", ID: "a"}}}, 0},
		"again after later": {records.List{late[1], late[0], late[1]}, 1},
	} {
		if got := tc.handled.OutOfOrder(); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestCommittable(t *testing.T) {
	for name, tc := range map[string]struct {
		done records.List
		want map[int32]int64
	}{
		"nothing":           {nil, map[int32]int64{0: -1, 1: -1}},
		"without a gap":     {records.List{record("t", 0, 1, ""), record("t", 0, 0, ""), record("t", 1, 0, "")}, map[int32]int64{0: 2, 1: 1}},
		"up to a gap":       {records.List{record("t", 0, 0, ""), record("t", 0, 2, ""), record("t", 0, 3, "")}, map[int32]int64{0: 1, 1: -1}},
		"only after one":    {records.List{record("t", 0, 1, ""), record("t", 1, 2, "")}, map[int32]int64{0: -1, 1: -1}},
		"twice the same":    {records.List{record("t", 0, 0, ""), record("t", 0, 0, "")}, map[int32]int64{0: 1, 1: -1}},
		"no such partition": {records.List{record("t", 5, 0, "")}, map[int32]int64{0: -1, 1: -1}},
		"another topic":     {records.List{record("u", 0, 0, "")}, map[int32]int64{0: -1, 1: -1}},
	} {
		if got := tc.done.Committable("t", 2); got.Topic != "t" || !maps.Equal(got.At, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// Both were a PASS once: only the ids were counted, and not where the records are, nor who handled them.
func TestOneIdInTwoTopicsIsTwoRecords(t *testing.T) {
	produced := records.List{record("a", 0, 0, "1"), record("b", 0, 0, "1")}
	handled := records.List{record("a", 0, 0, "1")}
	if lost := produced.NotIn(handled); len(lost) != 1 || lost[0].Topic != "b" {
		t.Errorf("lost %v", lost)
	}
	if same, evidence := handled.Compare(produced); same {
		t.Errorf("they are the same: %s", evidence)
	}
}

func TestTwoGroupsThatReadARecordRepeatNothing(t *testing.T) {
	handled := records.List{by("shop", record("a", 0, 0, "1")), by("audit", record("a", 0, 0, "1"))}
	if again := handled.Repeated(); len(again) > 0 {
		t.Errorf("repeated %v", again)
	}
	if again := append(handled, by("audit", record("a", 0, 0, "1"))).Repeated(); len(again) != 1 || again[0].Group != "audit" {
		t.Errorf("repeated %v", again)
	}
}

// The tallies of random stories are those of a count with pencil and paper.
func TestRecordsAreCountedAsByHand(t *testing.T) {
	stories := 2000
	if testing.Short() {
		stories = 200
	}
	for seed := range uint64(stories) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		pick := func(of string) string { return of[rnd.IntN(len(of)):][:1] }
		var produced, handled records.List
		for range rnd.IntN(20) {
			produced = append(produced, record(pick("ab"), 0, int64(rnd.IntN(9)), pick("123")))
		}
		for range rnd.IntN(40) {
			handled = append(handled, by(pick("gh"), record(pick("ab"), 0, int64(rnd.IntN(9)), pick("123"))))
		}
		for _, topic := range []string{"a", "b"} {
			for _, group := range []string{"g", "h"} {
				var lost, times, distinct int
				seen := map[string]bool{}
				for _, h := range handled {
					if h.Topic == topic && h.Group == group {
						times++
						if !seen[h.ID] {
							distinct++
						}
						seen[h.ID] = true
					}
				}
				for _, p := range produced {
					if p.Topic == topic && !seen[p.ID] {
						lost++
					}
				}
				mine := handled.Of(topic).By(group)
				if got := [4]int{len(produced.Of(topic).NotIn(mine)), len(mine), mine.Distinct(), len(mine.Repeated())}; got != [4]int{lost, times, distinct, times - distinct} {
					t.Fatalf("seed %d, %s in %s: lost, handled, distinct, repeated are %v, by hand %v", seed, group, topic, got, [4]int{lost, times, distinct, times - distinct})
				}
			}
		}
		if same, evidence := shuffled(rnd, handled).Compare(handled); !same {
			t.Fatalf("seed %d: the order counts: %s", seed, evidence)
		}
		if len(handled) > 0 {
			if same, _ := handled[1:].Compare(handled); same {
				t.Fatalf("seed %d: one less is the same", seed)
			}
			if same, _ := append(handled[1:len(handled):len(handled)], handled[:1].As("c")...).Compare(handled); same {
				t.Fatalf("seed %d: one in another topic is the same", seed)
			}
		}
	}
}

func shuffled(rnd *rand.Rand, rs records.List) records.List {
	all := append(records.List(nil), rs...)
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func TestOffsets(t *testing.T) {
	of := func(topic string, at map[int32]int64) records.Offsets { return records.Offsets{Topic: topic, At: at} }
	for _, tc := range []struct {
		got, want records.Offsets
		ok        bool
		evidence  string
	}{
		{of("t", map[int32]int64{0: 3, 1: -1}), of("t", map[int32]int64{1: -1, 0: 3}), true, "p0=3 p1=–"},
		{of("t", map[int32]int64{0: 3}), of("t", map[int32]int64{0: 4}), false, "p0=3 ≠ p0=4"},
		{of("t", map[int32]int64{0: 3}), of("u", map[int32]int64{0: 3}), false, "t p0=3 ≠ u p0=3"},
		{of("t", nil), of("t", map[int32]int64{0: -1}), false, "– ≠ p0=–"}, // nothing was found, and that is not a tombstone
	} {
		if same, evidence := tc.got.Compare(tc.want); same != tc.ok || evidence != tc.evidence {
			t.Errorf("%v compared with %v: %t, %s", tc.got, tc.want, same, evidence)
		}
	}
}

func TestCompare(t *testing.T) {
	of := func(ids ...string) records.List {
		var rs records.List
		for i, id := range ids {
			rs = append(rs, record("t", 0, int64(i), id))
		}
		return rs
	}
	for _, tc := range []struct {
		name      string
		got, want records.List
		same      bool
		evidence  string
	}{
		{"same", of("1", "2"), of("2", "1"), true, "2 (#1 #2)"},
		{"none", nil, nil, true, "0"},
		{"missing", of("1"), of("1", "2"), false, "1 (#1) ≠ 2 (#1 #2): missing #2"},
		{"twice", of("1", "1"), of("1"), false, "2 (#1 #1) ≠ 1 (#1): extra #1"},
		{"elsewhere", of("1").As("u"), of("1"), false, "1 (u#1) ≠ 1 (t#1): missing t#1, extra u#1"},
	} {
		if same, evidence := tc.got.Compare(tc.want); same != tc.same || evidence != tc.evidence {
			t.Errorf("%s: %t %q, want %t %q", tc.name, same, evidence, tc.same, tc.evidence)
		}
	}
}
