package lesson_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// Both were a PASS once: only the ids were counted, and not where the records are, nor who handled them.
func TestOneIdInTwoTopicsIsTwoRecords(t *testing.T) {
	produced := lesson.Records{record("a", 0, 0, "1"), record("b", 0, 0, "1")}
	handled := lesson.Records{record("a", 0, 0, "1")}
	if lost := produced.NotIn(handled); len(lost) != 1 || lost[0].Topic != "b" {
		t.Errorf("lost %v", lost)
	}
	if c := lesson.SameRecords(handled, produced); c.OK {
		t.Errorf("they are the same: %+v", c)
	}
}

func TestTwoGroupsThatReadARecordRepeatNothing(t *testing.T) {
	handled := lesson.Records{by("shop", record("a", 0, 0, "1")), by("audit", record("a", 0, 0, "1"))}
	if again := handled.Repeated(); len(again) > 0 {
		t.Errorf("repeated %v", again)
	}
	if again := append(handled, by("audit", record("a", 0, 0, "1"))).Repeated(); len(again) != 1 || again[0].Group != "audit" {
		t.Errorf("repeated %v", again)
	}
}

// The same through the whole runner: what another group handled, or in another topic, does not count.
func TestAccountsAreByTopicAndGroup(t *testing.T) {
	result := lessontest.Pass(t, lesson.Lesson{
		Name: "accounts", Programs: []string{producer, consumer},
		Run: func(r *lesson.Run) {
			first, second := r.Topic("first", 1), r.Topic("second", 1)
			one, two := r.Group("one"), r.Group("two")
			accounts := []*lesson.Account{r.Account(first, one), r.Account(first, two), r.Account(second, one)}
			for _, topic := range []string{first, second} { // with the same ids
				r.Program(producer, "-topic", topic, "-count", "20").Run()
			}
			consume := func(topic, group string) *lesson.Command {
				return r.Program(consumer, "-topic", topic, "-group", group)
			}
			consume(first, one).RunUntilCaughtUp(first, one)
			consume(first, two).CrashAt("after-handle", 15).Run()
			lost := []int{0, 5, 20}
			for i, a := range accounts {
				r.Claim("lost-"+strconv.Itoa(i), text("lost"), lesson.Equal(len(a.Lost()), lost[i]))
				r.Claim("duplicated-"+strconv.Itoa(i), text("duplicated"), lesson.Equal(a.Duplicated(), 0))
				r.Claim("commits-"+strconv.Itoa(i), text("commits"), lesson.Equal(a.Commits(), []int{20, 14, 20}[i])) // a group's, whatever it reads
			}
		},
	})
	if n := len(result.Variants[0].Tallies); n != 3*9 {
		t.Errorf("%d tallies", n)
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
		var produced, handled lesson.Records
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
		if c := lesson.SameRecords(shuffled(rnd, handled), handled); !c.OK {
			t.Fatalf("seed %d: the order counts: %+v", seed, c)
		}
		if len(handled) > 0 {
			if c := lesson.SameRecords(handled[1:], handled); c.OK {
				t.Fatalf("seed %d: one less is the same", seed)
			}
			if c := lesson.SameRecords(append(handled[1:len(handled):len(handled)], handled[:1].As("c")...), handled); c.OK {
				t.Fatalf("seed %d: one in another topic is the same", seed)
			}
		}
	}
}

func shuffled(rnd *rand.Rand, rs lesson.Records) lesson.Records {
	all := append(lesson.Records(nil), rs...)
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// A lesson that makes a mistake in what it declares is told so.
func TestIdsAreStableWords(t *testing.T) {
	for name, run := range map[string]func(*lesson.Run){
		"a sentence as an id": func(r *lesson.Run) { r.Claim("nothing is lost", text("x"), lesson.Equal(0, 0)) },
		"no id":               func(r *lesson.Run) { r.Claim("", text("x"), lesson.Equal(0, 0)) },
		"two claims with one id": func(r *lesson.Run) {
			r.Claim("a", text("x"), lesson.Equal(0, 0))
			r.Claim("a", text("x"), lesson.Equal(0, 0))
		},
		"a tally without an id":    func(r *lesson.Run) { r.Tally("", text("x"), 1) },
		"a number without a name":  func(r *lesson.Run) { r.Compare("Größe", text("x"), 1, "") },
		"two tallies with one id":  func(r *lesson.Run) { r.Tally("a", text("x"), 1); r.Tally("a", text("x"), 1) },
		"what is not measured":     func(r *lesson.Run) { r.Program(producer, "-topic", r.Topic("t", 1)).Run().Measured("rate") },
		"a program it has not":     func(r *lesson.Run) { r.Program(consumer).Run() },
		"a command that is not":    func(r *lesson.Run) { r.Command("no-such-command-here").Run() },
		"an input that is not":     func(r *lesson.Run) { r.Command("cat").Input("no-such-file").Run() },
		"two accounts of the same": func(r *lesson.Run) { topic := r.Topic("t", 1); r.Account(topic, "g"); r.Account(topic, "g") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := lessontest.Play(t, lesson.Lesson{Name: "mistake", Programs: []string{producer}, Run: run}, lesson.Options{})
			if err == nil || result.Passed {
				t.Errorf("result %+v, error %v", result, err)
			}
		})
	}
}
