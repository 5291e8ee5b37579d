package lesson_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/lesson/runs"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

func TestMain(m *testing.M) { lessontest.Main(m) }

const (
	producer = "ch3-offsets/producer"
	consumer = "ch3-offsets/manual-commit"
)

func text(s string) lesson.Text { return lesson.Text{EN: s, KO: s} }

// roundTrip is a small lesson: send, crash, catch up.
func roundTrip() lesson.Lesson {
	return lesson.Lesson{
		Name:     "round-trip",
		Programs: []string{producer, consumer},
		Run: func(r *lesson.Run) {
			topic, group := r.Topic("t", 3), r.Group("g")
			account := r.Account(topic, group)
			r.Step(text("send"))
			r.Program(producer, "-topic", topic, "-count", "60").Run()
			r.Step(text("crash"))
			consume := func() *lesson.Command {
				return r.Program(consumer, "-topic", topic, "-group", group)
			}
			first := consume().CrashAt("after-handle", 20).Run()
			committed := r.Committed(group, topic)
			r.Step(text("go on"))
			second := consume().RunUntilCaughtUp(topic, group)
			r.Claim("nothing-lost", text("nothing is lost"), lesson.Equal(len(account.Lost()), 0))
			r.Claim("all", text("all came"), lesson.SameRecords(r.Handled().NotIn(nil), append(first.Handled(), second.Handled()...)))
			r.Claim("repeated", text("what was not committed comes again"), lesson.SameRecords(second.Handled().In(first.Handled()), first.Handled().From(committed)))
		},
	}
}

func TestFourLessonsAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays four lessons")
	}
	t.Parallel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { lessontest.Pass(t, roundTrip()) })
	}
	wg.Wait()
}

// On a cluster that outlives the run, the topics and groups of a lesson's last run stay: until it runs again, or they are removed.
// A run that goes on is left alone.
func TestSharedCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays lessons one after the other")
	}
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	cfg := kafka.Config{Brokers: k.Brokers()}
	admin, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	names := func() (topics, groups []string) {
		t.Helper()
		topics, err := admin.ListTopics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		groups, err = admin.ListGroups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return topics, groups
	}
	opts := lesson.Options{Stack: stack.Env, Kafka: cfg}
	play := func(l lesson.Lesson, opts lesson.Options) lesson.Result {
		t.Helper()
		result, err := lesson.Play(t.Context(), l, opts)
		if err != nil {
			t.Fatal(err)
		}
		if !result.Passed {
			t.Fatalf("%s: %+v", l.Name, result)
		}
		return result
	}

	first := play(roundTrip(), opts)
	if topics, groups := names(); !slices.Equal(topics, []string{"t." + first.Run}) || !slices.Equal(groups, []string{"g." + first.Run}) {
		t.Errorf("after the first run: topics %v, groups %v", topics, groups)
	}
	var second lesson.Result
	during := opts
	during.Keep = func(context.Context, stack.Kafka) error { // the first of two concurrent runs is not over yet
		second = play(roundTrip(), opts)
		return nil
	}
	outer := play(roundTrip(), during)
	topics, groups := names()
	if want := []string{"t." + outer.Run, "t." + second.Run}; !sameNames(topics, want) {
		t.Errorf("topics %v, want %v", topics, want)
	}
	if want := []string{"g." + outer.Run, "g." + second.Run}; !sameNames(groups, want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
	if removed, err := runs.Remove(t.Context(), cfg, "another-lesson"); err != nil || len(removed.Topics) > 0 {
		t.Errorf("reset of another lesson: %v, %v", removed, err)
	}
	removed, err := runs.Remove(t.Context(), cfg, "round-trip")
	if err != nil || len(removed.Topics) != 2 || len(removed.Groups) != 2 {
		t.Errorf("reset: %v, %v", removed, err)
	}
	if topics, groups := names(); len(topics)+len(groups) > 0 {
		t.Errorf("after reset: topics %v, groups %v", topics, groups)
	}
}

// What a run left is found on its cluster, whatever that is called today, and not on another one with the same addresses.
func TestResetKnowsTheCluster(t *testing.T) {
	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	var ports []int
	start := func(id, dir string) (cfg kafka.Config, end func()) {
		t.Helper()
		k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir, ClusterID: id, Ports: ports})
		if err != nil {
			t.Fatal(err)
		}
		for _, addr := range k.Brokers()[len(ports):] { // of the first start
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, n)
		}
		return kafka.Config{Brokers: k.Brokers()}, func() {
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	reset := func(cfg kafka.Config) int {
		t.Helper()
		removed, err := runs.Remove(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(removed.Topics)
	}
	dir := t.TempDir()
	cfg, end := start("one", dir)
	result, err := lesson.Play(t.Context(), roundTrip(), lesson.Options{Stack: stack.Env, Kafka: cfg})
	end()
	if err != nil || !result.Passed {
		t.Fatal(result, err)
	}
	cfg, end = start("another", t.TempDir())
	removed := reset(cfg)
	end()
	if removed != 0 {
		t.Errorf("removed %d topics of another cluster", removed)
	}
	cfg, end = start("one", dir)
	defer end()
	if removed := reset(cfg); removed != 1 {
		t.Errorf("removed %d topics, want 1", removed)
	}
}

func sameNames(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestAStepThatTakesTooLongSaysWhatItWaitedFor(t *testing.T) {
	_, err := lessontest.Play(t, roundTrip(), lesson.Options{
		Timeout: 2 * time.Second,
		Mutate:  []lesson.Mutation{{File: consumer + "/main.go", Old: "for m := range c.Messages() {", New: "for m := range c.Messages() {\n<-s.Context().Done(); if true { return nil }"}},
	})
	var wait *lesson.WaitError
	if !errors.As(err, &wait) || wait.End != lesson.TimedOut || wait.Program != "manual-commit#1" {
		t.Fatalf("error %v", err)
	}
	var p *problem.Problem
	if !errors.As(remedy.Of(err), &p) || len(p.Solve) == 0 || p.What.KO == "" || p.What.KO == p.What.EN || wait.For.KO == "" {
		t.Errorf("no way out: %+v", p)
	}
}

func TestAProgramThatFailsShowsItsLastLines(t *testing.T) {
	t.Parallel()
	_, err := lessontest.Play(t, roundTrip(), lesson.Options{
		Mutate: []lesson.Mutation{{File: consumer + "/main.go", Old: "config, err := p.Ready(ctx)", New: "if true { return p.UsageError(i18n.Verbatim(\"sabotaged\")) }\nconfig, err := p.Ready(ctx)"}},
	})
	if err == nil || !strings.Contains(err.Error(), "error: sabotaged") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("error %v does not show what the program said", err)
	}
}

// Ctrl-C, at any step, ends everything.
func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, at := range []event.Type{event.VariantStarted, event.Produced, event.Assigned, event.Handled, event.Crashed} {
		t.Run(string(at), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := lessontest.PlayContext(ctx, t, roundTrip(), lesson.Options{Emit: func(e event.Event) {
				if e.Type == at {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want %v", err, context.Canceled)
			}
		})
	}
}

func TestUnknownVariant(t *testing.T) {
	l := roundTrip()
	if _, err := lesson.Play(t.Context(), l, lesson.Options{Variants: []string{"x"}}); remedy.ExitCode(err) != problem.ExitUsage {
		t.Errorf("a variant of a lesson without any: %v", err)
	}
	l.Variants = []lesson.Variant{{Name: "a"}, {Name: "b"}}
	_, err := lesson.Play(t.Context(), l, lesson.Options{Variants: []string{"a", "c"}})
	if remedy.ExitCode(err) != problem.ExitUsage || !strings.Contains(err.Error(), `no variant "c"`) {
		t.Errorf("an unknown variant: %v", err)
	}
}

// A lesson that needs replication is skipped on the embedded Kafka, and a skipped lesson has not passed.
func TestSkippedIsNotPassed(t *testing.T) {
	l := roundTrip()
	l.Needs = []lesson.Need{lesson.RealKafka(text("it needs replication"))}
	result, err := lessontest.Play(t, l, lesson.Options{})
	if err != nil || result.Passed || result.Skipped == nil || len(result.Variants) > 0 {
		t.Errorf("result %+v, error %v", result, err)
	}

	t.Setenv("KAFKAHANDSON_HOME", t.TempDir())
	k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	result, err = lesson.Play(t.Context(), l, lesson.Options{Stack: stack.Env, Kafka: kafka.Config{Brokers: k.Brokers()}})
	if err != nil || result.Passed || result.Skipped == nil || len(result.Variants) > 0 {
		t.Errorf("named in KAFKA_BROKERS: result %+v, error %v", result, err)
	}
}

// A lesson without a claim proves nothing.
func TestNoClaimIsNoPass(t *testing.T) {
	result, err := lessontest.Play(t, lesson.Lesson{Name: "empty", Run: func(*lesson.Run) {}}, lesson.Options{})
	if err != nil || result.Passed {
		t.Errorf("result %+v, error %v", result, err)
	}
}

func TestChecks(t *testing.T) {
	one := lesson.Records{{Record: event.Record{Topic: "t", ID: "1"}}}
	at := func(offset int64) lesson.Offsets {
		return lesson.Offsets{Topic: "t", At: map[int32]int64{0: offset}}
	}
	for _, tc := range []struct {
		name     string
		check    lesson.Check
		ok       bool
		evidence string
	}{
		{"equal", lesson.Equal(3, 3), true, "3"},
		{"not equal", lesson.Equal(2, 3), false, "2 ≠ 3"},
		{"less", lesson.Less(1, 2), true, "1 < 2"},
		{"not less", lesson.Less(2, 2), false, "2 ≥ 2"},
		{"same records", lesson.SameRecords(one, one), true, "1 (#1)"},
		{"other records", lesson.SameRecords(nil, one), false, "0 ≠ 1 (#1): missing #1"},
		{"same offsets", lesson.SameOffsets(at(1), at(1)), true, "p0=1"},
		{"other offsets", lesson.SameOffsets(at(1), at(2)), false, "p0=1 ≠ p0=2"},
	} {
		if tc.check.OK != tc.ok || tc.check.Evidence != tc.evidence {
			t.Errorf("%s: %+v, want %v %q", tc.name, tc.check, tc.ok, tc.evidence)
		}
	}
}

// A run that was killed while it made its folder, or while it removed it, leaves one without a lock or without a record.
// The next run sweeps it away, and leaves alone what others still need.
func TestFoldersOfKilledRunsAreSwept(t *testing.T) {
	home := t.TempDir()
	t.Setenv("KAFKAHANDSON_HOME", home)
	runs := filepath.Join(home, "runs")
	for name, files := range map[string]map[string]string{
		"rbegan":  {},
		".rold":   {"lock": ""}, // as older versions began
		"rending": {"kafka/topic.log": "x"},
		"rtorn":   {"lock": "", "run.json": `{"lesson":"x","cluster":"abc","top`},
		"rshared": {"lock": "", "run.json": `{"lesson":"x","cluster":"abc","topics":["t.rshared"]}`},
	} {
		if err := os.MkdirAll(filepath.Join(runs, name), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, content := range files {
			file = filepath.Join(runs, name, file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if result, err := lesson.Play(t.Context(), claims("sweeps"), lesson.Options{Stack: stack.Own}); err != nil || !result.Passed {
		t.Fatal(result, err)
	}
	entries, err := os.ReadDir(runs)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if !slices.Equal(left, []string{"door", "rshared"}) {
		t.Errorf("left: %v", left)
	}
}

// A mutation whose place is not there any more must not pass for a program that was not broken.
func TestAMutationMatchesOnce(t *testing.T) {
	t.Parallel()
	for places, old := range []string{"no such line", "package main", "return nil"} {
		_, err := lessontest.Play(t, roundTrip(), lesson.Options{Mutate: []lesson.Mutation{{File: consumer + "/main.go", Old: old, New: old}}})
		var mutation *process.MutationError
		if found := errors.As(err, &mutation); found == (places == 1) || found && (mutation.Places == 1 || places == 0 && mutation.Places != 0) {
			t.Errorf("%q: %v", old, err)
		}
	}
}
