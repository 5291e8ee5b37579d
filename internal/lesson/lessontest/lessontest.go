// Package lessontest runs lessons as Go tests.
package lessontest

import (
	"context"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/report"
	"kafkahandson/internal/stack"
)

// Check looks at what a run of a lesson has shown, beside its claims.
type Check func(t *testing.T, result lesson.Result, events []event.Event)

// inFull is why a test that plays a lesson is skipped in a short run.
const inFull = "it plays a lesson in full, which takes seconds"

// Chapter runs each lesson of a chapter once, side by side, as [Pass] does, and then the checks, which go by the names
// of lessons. A short run has the first lesson alone.
func Chapter(t *testing.T, c lesson.Chapter, checks map[string]Check) {
	t.Helper()
	left := maps.Clone(checks)
	for i, l := range c.Lessons {
		check := left[l.Name]
		delete(left, l.Name)
		t.Run(l.Name, func(t *testing.T) {
			if testing.Short() && i > 0 {
				t.Skip(inFull)
			}
			t.Parallel()
			result, events := pass(t, l)
			if check != nil {
				check(t, result, events)
			}
		})
	}
	for name := range left {
		t.Errorf("a check for %s, which is no lesson of the chapter", name)
	}
}

// Pass runs a lesson on an embedded Kafka of its own and fails the test unless its verdict is PASS and the guide shows
// what really happens ([CheckGuide]). A lesson that cannot run there skips the test, and tells why; so does one that
// needs a MySQL where none can be had ([Need]), and each in a short run.
func Pass(t *testing.T, l lesson.Lesson) (lesson.Result, []event.Event) {
	t.Helper()
	if testing.Short() {
		t.Skip(inFull)
	}
	return pass(t, l)
}

func pass(t *testing.T, l lesson.Lesson) (lesson.Result, []event.Event) {
	t.Helper()
	play := func(lang i18n.Lang) (result lesson.Result, events []event.Event) {
		result, err := play(t.Context(), t, l, lesson.Options{Lang: lang, Emit: func(e event.Event) { events = append(events, e) }})
		Need(t, result, err)
		return result, events
	}
	result, events := play(i18n.English)
	for _, v := range result.Variants {
		for _, c := range v.Claims {
			if !c.OK {
				t.Errorf("%s: %s: %s", v.Name, c.ID, c.Evidence)
			}
		}
	}
	if !result.Passed {
		t.Errorf("the verdict of %s is not PASS", l.Name)
	}
	CheckGuide(t, l, events, func(lang i18n.Lang) []event.Event {
		_, events := play(lang)
		return events
	})
	return result, events
}

// Need ends the test if the lesson came to no verdict: where it was skipped, the test is too, and tells why. One that was
// skipped for want of a MySQL fails if [mysqltest.EnvRequire] says so.
func Need(t testing.TB, result lesson.Result, err error) {
	t.Helper()
	switch {
	case err != nil:
		t.Fatal(err)
	case result.Skipped == nil:
	case result.Skipped.Need == "mysql" && os.Getenv(mysqltest.EnvRequire) == "1":
		t.Fatalf("skipped, although a MySQL is required: %s", result.Skipped.Why.EN)
	default:
		t.Skip(result.Skipped.Why.EN)
	}
}

// Tally is a number of a variant's accounting: of its first account, where several have one.
func Tally(t testing.TB, v lesson.VariantResult, id string) int {
	t.Helper()
	value, ok := v.Tallies.Value(id)
	if !ok {
		t.Fatalf("%s accounts for no %q: %+v", v.Name, id, v.Tallies)
	}
	return int(value)
}

// Failed returns the claims of a variant that do not hold, and their evidence, by id.
func Failed(v lesson.VariantResult) map[string]string {
	failed := map[string]string{}
	for _, c := range v.Claims {
		if !c.OK {
			failed[c.ID] = c.Evidence
		}
	}
	return failed
}

// Play runs a lesson on an embedded Kafka of its own, whatever comes of it, and checks that its events are as their schema
// has them, and that it leaves nothing behind: no process, no broker, no folder. The output of the run is shown when the
// test fails. A short run skips the test.
func Play(t *testing.T, l lesson.Lesson, opts lesson.Options) (lesson.Result, error) {
	t.Helper()
	return PlayContext(t.Context(), t, l, opts)
}

// PlayContext is Play with a context that may end before the lesson does.
func PlayContext(ctx context.Context, t *testing.T, l lesson.Lesson, opts lesson.Options) (lesson.Result, error) {
	t.Helper()
	if testing.Short() {
		t.Skip(inFull)
	}
	return play(ctx, t, l, opts)
}

func play(ctx context.Context, t *testing.T, l lesson.Lesson, opts lesson.Options) (lesson.Result, error) {
	t.Helper()
	var (
		mu   sync.Mutex
		out  strings.Builder
		pids []int
	)
	schema, err := eventtest.Load()
	if err != nil {
		t.Fatal(err)
	}
	view := &report.View{W: &out, Full: true}
	emit := opts.Emit
	opts.Emit = func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		if err := schema.Check(e); err != nil {
			t.Errorf("an event is not as the schema has it: %v", err)
		}
		view.Emit(e)
		if e.Type == event.Started {
			pids = append(pids, e.PID)
		}
		if emit != nil {
			emit(e)
		}
	}
	var brokers []string
	opts.Keep = func(_ context.Context, k stack.Kafka) error {
		brokers = k.Config.Brokers
		return nil
	}
	opts.Stack = stack.Own
	result, err := lesson.Play(ctx, l, opts)
	mu.Lock()
	defer mu.Unlock()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	for _, addr := range brokers {
		// Another test may have taken the port meanwhile: the id of a cluster ends with its run.
		if id, err := kafka.ClusterID(context.WithoutCancel(ctx), addr); err == nil && strings.HasSuffix(id, result.Run) {
			t.Errorf("broker %s is still there", addr)
		}
	}
	if result.Run != "" {
		runs, err := home.Dir("runs")
		if err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(runs, result.Run)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder of run %s is still there: %v", result.Run, err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(out.String())
		}
	})
	return result, err
}

// Main is the TestMain of a package of lessons: it fails when a goroutine outlives the tests.
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil { // lessons wait much and compute little
		panic(err)
	}
	goleak.VerifyTestMain(m,
		// sarama's metrics library keeps one ticker for the life of the process.
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
