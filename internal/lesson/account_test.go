package lesson_test

import (
	"strconv"
	"testing"

	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
)

// What another group handled, or in another topic, does not count.
func TestAccountsAreByTopicAndGroup(t *testing.T) {
	t.Parallel()
	result, _ := lessontest.Pass(t, lesson.Lesson{
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

// A lesson that makes a mistake in what it declares is told so.
func TestIdsAreStableWords(t *testing.T) {
	t.Parallel()
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
