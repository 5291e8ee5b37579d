package lesson

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// Options say how to run a lesson.
type Options struct {
	// Lang is the language of the programs' output and of texts that the runner passes on. Default: English.
	Lang i18n.Lang
	// Variants are the names of the variants to run. Default: all.
	Variants []string
	// Stack is where Kafka comes from. Default: stack.Auto. stack.Embedded starts one for this run.
	Stack stack.Kind
	// Kafka is what flags and environment say about the cluster.
	Kafka kafka.Config
	// Timeout is how long a step may wait for one thing. Default: 60 s.
	Timeout time.Duration
	// Emit gets each event, one at a time. Default: nobody.
	Emit func(event.Event)
	// Pause is called before each step; nil means no pauses.
	Pause func(context.Context) error
	// Ask gets the student's answer to the question of the lesson, "" for none; nil means do not ask.
	Ask func(ctx context.Context, question Text) (string, error)
	// Keep is called after the verdict, while the Kafka is still there; nil means go on at once.
	Keep func(context.Context, stack.Kafka) error
	// Replace starts another package in place of a program, by package: the tests sabotage lessons with it.
	Replace map[string]string
}

// Result is the outcome of a lesson.
type Result struct {
	Lesson   string
	Run      string
	Passed   bool
	Skipped  Text // why the lesson could not run here; then it has not passed
	Variants []VariantResult
}

// VariantResult is the outcome of a variant.
type VariantResult struct {
	Name   string
	Passed bool
	Counts *event.Counts
	Claims []ClaimResult
}

// ClaimResult is a claim and whether it holds.
type ClaimResult struct {
	Text   Text
	OK     bool
	Detail string
}

// Play runs a lesson. The error tells why it could not come to a verdict; a FAIL is no error. It leaves no process,
// port or folder behind, whatever happens. On a cluster that goes on (compose, your own, lab up) the topics and groups
// of the lesson's last run stay for a look at them; the next run of the lesson removes them, and so does [Reset].
func Play(ctx context.Context, l Lesson, opts Options) (_ Result, err error) {
	if opts.Stack == "" {
		opts.Stack = stack.Auto
	}
	variants, err := l.choose(opts.Variants)
	if err != nil {
		return Result{}, err
	}
	root, err := checkout.Root()
	if err != nil {
		return Result{}, err
	}
	id, err := newRunID()
	if err != nil {
		return Result{}, err
	}
	result := Result{Lesson: l.Name, Run: id}

	var mu sync.Mutex
	sink := func(e event.Event) {
		if opts.Emit == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		e.V, e.Run, e.Lesson = event.Version, id, l.Name
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		opts.Emit(e)
	}

	names, err := newRecord(id, l.Name)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, names.close()) }()

	sink(event.Event{Type: event.RunStarted, Text: &l.Title})
	k, err := stack.OpenKafka(ctx, opts.Kafka, opts.Stack, id, filepath.Join(names.dir, "kafka"))
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	announce := k.Announce()
	sink(event.Event{Type: event.Note, Text: &announce})
	if !l.NeedsCompose.IsZero() && k.Control != nil {
		result.Skipped = l.NeedsCompose
		sink(event.Event{Type: event.Skipped, Text: &l.NeedsCompose})
		return result, nil
	}

	admin, err := kafka.NewAdmin(ctx, k.Config)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	shared := k.Kind != stack.Embedded || k.Kept
	if shared {
		names.Brokers = k.Config.Brokers
		if err := names.save(); err != nil {
			return Result{}, err
		}
		if err := resetRuns(ctx, admin, k.Config.Brokers, l.Name); err != nil {
			return Result{}, err
		}
	}

	var database *server
	if l.NeedsMySQL {
		if database, err = openServer(ctx, opts.Stack, sink); err != nil {
			return Result{}, err
		}
		defer func() {
			after := context.WithoutCancel(ctx) // Ctrl-C must not leave a database behind
			dropErr := database.drop(after, names.Databases)
			if dropErr == nil {
				names.Databases = nil
			}
			err = errors.Join(err, dropErr, database.close(after))
		}()
		announce := database.Announce()
		sink(event.Event{Type: event.Note, Text: &announce})
		if err := database.dropLeft(ctx); err != nil {
			return Result{}, err
		}
	}

	programs, err := l.build(ctx, root, opts.Replace, sink)
	if err != nil {
		return Result{}, err
	}
	if !l.Predict.IsZero() {
		sink(event.Event{Type: event.Predict, Text: &l.Predict})
		if opts.Ask != nil {
			answer, err := opts.Ask(ctx, l.Predict)
			if err != nil {
				return Result{}, err
			}
			if answer != "" {
				sink(event.Event{Type: event.Prediction, Line: answer})
			}
		}
	}

	result.Passed = true
	for _, v := range variants {
		sink(event.Event{Type: event.VariantStarted, Variant: v.Name, Text: &v.Title})
		r := &Run{
			Variant: v.Name, ctx: ctx, lesson: l, opts: opts, id: id, names: names, kafka: k, admin: admin,
			programs: programs, sink: sink, starts: map[string]int{}, wakeUp: make(chan struct{}, 1),
		}
		if database != nil {
			if err := r.openDatabase(database); err != nil {
				return Result{}, err
			}
		}
		if err := errors.Join(r.play(), r.closeDatabase()); err != nil {
			if ctx.Err() != nil {
				return Result{}, ctx.Err()
			}
			return Result{}, fmt.Errorf("%s: %w", strings.TrimSuffix(l.Name+" "+v.Name, " "), err)
		}
		counts, err := r.counts()
		if err != nil {
			return Result{}, err
		}
		r.emit(event.Event{Type: event.Accounting, Counts: counts})
		passed := len(r.claims) > 0 && !slices.ContainsFunc(r.claims, func(c ClaimResult) bool { return !c.OK })
		r.emit(event.Event{Type: event.VariantEnded, OK: &passed})
		result.Variants = append(result.Variants, VariantResult{Name: v.Name, Passed: passed, Counts: counts, Claims: r.claims})
		result.Passed = result.Passed && passed
	}
	if result.Passed {
		sink(event.Event{Type: event.Why, Text: &l.Why, Detail: l.Read, Line: l.Java})
	}
	sink(event.Event{Type: event.RunEnded, OK: &result.Passed})
	if opts.Keep != nil {
		err = opts.Keep(ctx, k)
	}
	return result, err
}

// choose returns the variants with these names, all for none.
func (l Lesson) choose(names []string) ([]Variant, error) {
	if len(l.Variants) == 0 {
		if len(names) > 0 {
			return nil, problem.Usage(Text{EN: "%s has no variants", KO: "%s에는 변형이 없습니다"}.With(l.Name),
				Text{EN: "leave --variant out", KO: "--variant를 빼고 실행하세요"})
		}
		return []Variant{{}}, nil
	}
	if len(names) == 0 {
		return l.Variants, nil
	}
	var chosen []Variant
	for _, name := range names {
		i := slices.IndexFunc(l.Variants, func(v Variant) bool { return v.Name == name })
		if i < 0 {
			var all []string
			for _, v := range l.Variants {
				all = append(all, v.Name)
			}
			return nil, problem.Usage(Text{EN: "%s has no variant %q", KO: "%s에는 %q 변형이 없습니다"}.With(l.Name, name),
				Text{EN: "choose all or from: %s", KO: "all 또는 다음 중에서 고르세요: %s"}.With(strings.Join(all, ", ")))
		}
		chosen = append(chosen, l.Variants[i])
	}
	return chosen, nil
}

func (l Lesson) build(ctx context.Context, root string, replace map[string]string, sink func(event.Event)) (map[string]string, error) {
	packages := slices.Clone(l.Programs)
	for i, pkg := range packages {
		if other, ok := replace[pkg]; ok {
			packages[i] = other
		}
	}
	what := Text{EN: "building the programs (only the first time, and after you change them)", KO: "프로그램을 빌드하는 중 (처음 한 번, 그리고 코드를 고친 뒤에만)"}
	slow := time.AfterFunc(patience/2, func() { sink(event.Event{Type: event.Waiting, Text: &what}) })
	defer slow.Stop()
	files, err := build(ctx, root, packages)
	if err != nil {
		return nil, err
	}
	for pkg, other := range replace {
		files[pkg] = files[other]
	}
	return files, nil
}

// newRunID returns a short name such as "r7f3k".
func newRunID() (string, error) {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32, none looks like another
	var b [5]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("choose a name for the run: %w", err)
	}
	id := []byte("r")
	for _, x := range b {
		id = append(id, letters[x%32])
	}
	return string(id), nil
}
