package lesson

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// Options say how to run a lesson.
type Options struct {
	// Lang is the language of the programs' output and of texts that the runner passes on. Default: English.
	Lang i18n.Lang
	// Variants are the names of the variants to run. Default: all.
	Variants []string
	// Stack is where Kafka comes from. Default: stack.Auto. stack.Own starts one for this run.
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
	// Mutate changes the source of the programs, for this run only: tests break with it what the lesson must notice.
	Mutate []Mutation
}

// Mutation is a change of the source of a lesson's programs.
type Mutation = process.Mutation

// Result is the outcome of a lesson.
type Result struct {
	Lesson   string
	Run      string
	Passed   bool
	Skipped  *Missing // why the lesson could not run here; then it has not passed
	Variants []VariantResult
}

// VariantResult is the outcome of a variant.
type VariantResult struct {
	Name    string
	Passed  bool
	Tallies Tallies
	Claims  []event.Claim
}

// Stopped is the error of a run that its context has ended. No process, port or folder of it is left.
type Stopped struct {
	// Stays tells that the topics and groups of the run stay on a cluster that goes on.
	Stays bool
	cause error
}

func (s *Stopped) Error() string { return "stopped: " + s.cause.Error() }
func (s *Stopped) Unwrap() error { return s.cause }

// LeftBehind is the error of a run that could not end its programs.
type LeftBehind struct{ Err error }

func (l *LeftBehind) Error() string { return "left behind: " + l.Err.Error() }
func (l *LeftBehind) Unwrap() error { return l.Err }

// Play runs a lesson. The error tells why it could not come to a verdict; a FAIL is no error. It leaves no process,
// port or folder behind, whatever happens; if the context ends, that is a [*Stopped]. On a cluster that goes on (compose,
// your own, lab up) the topics and groups of the lesson's last run stay for a look at them; the next run of the lesson
// removes them, and so does [runs.Remove].
func Play(ctx context.Context, l Lesson, opts Options) (Result, error) {
	variants, err := l.choose(opts.Variants)
	if err != nil {
		return Result{}, err
	}
	result := Result{Lesson: l.Name}
	err = onStage(ctx, l, opts, func(s *stage) error {
		result.Run = s.id
		if result.Skipped, err = s.missing(ctx); err != nil {
			return err
		}
		if result.Skipped != nil {
			s.skip(result.Skipped)
			return nil
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		if err := s.predict(ctx); err != nil {
			return err
		}
		result.Passed = true
		for _, v := range variants {
			outcome, err := s.play(ctx, v)
			if err != nil {
				return err
			}
			result.Variants = append(result.Variants, outcome)
			result.Passed = result.Passed && outcome.Passed
		}
		if result.Passed && !s.prose.Why.IsZero() {
			s.emit(event.Event{Type: event.Why, Explanation: &event.Explanation{Text: s.prose.Why, Read: s.prose.Read, Java: s.prose.Java}})
		}
		s.emit(event.Event{Type: event.RunEnded, OK: &result.Passed})
		if opts.Keep != nil {
			return opts.Keep(ctx, s.kafka)
		}
		return nil
	})
	if err != nil {
		result.Passed = false
	}
	return result, err
}

// predict asks the student.
func (s *stage) predict(ctx context.Context) error {
	question := s.prose.Prediction
	if question.IsZero() {
		return nil
	}
	s.emit(event.Event{Type: event.Predict, Text: &question})
	if s.opts.Ask == nil {
		return nil
	}
	answer, err := s.opts.Ask(ctx, question)
	if err == nil && answer != "" {
		s.emit(event.Event{Type: event.Prediction, Answer: answer})
	}
	return err
}

// play runs a variant and judges it.
func (s *stage) play(ctx context.Context, v Variant) (VariantResult, error) {
	r := s.newRun(ctx, v.Name)
	r.begin(v)
	if err := r.openDatabase(); err != nil {
		return VariantResult{}, err
	}
	if err := errors.Join(r.play(s.lesson.Run), r.closeDatabase()); err != nil {
		return VariantResult{}, fmt.Errorf("%s: %w", strings.TrimSuffix(s.lesson.Name+" "+v.Name, " "), err)
	}
	tallies, err := r.accounting(ctx)
	if err != nil {
		return VariantResult{}, err
	}
	if len(tallies) > 0 {
		r.emit(event.Event{Type: event.Accounting, Tallies: tallies})
	}
	passed := len(r.claims) > 0 && !slices.ContainsFunc(r.claims, func(c event.Claim) bool { return !c.OK })
	r.emit(event.Event{Type: event.VariantEnded, OK: &passed})
	return VariantResult{Name: v.Name, Passed: passed, Tallies: tallies, Claims: r.claims}, nil
}

// AllVariants stands for every variant of a lesson.
const AllVariants = "all"

// choose returns the variants with these names, each once, and all for none.
func (l Lesson) choose(names []string) ([]Variant, error) {
	if len(l.Variants) == 0 {
		if slices.ContainsFunc(names, func(name string) bool { return name != AllVariants }) {
			return nil, problem.Usage(Text{EN: "%s has no variants", KO: "%s에는 변형이 없습니다"}.With(l.Name),
				Text{EN: "leave --variant out", KO: "--variant를 빼고 실행하세요"})
		}
		return []Variant{{}}, nil
	}
	var known []string
	for _, v := range l.Variants {
		known = append(known, v.Name)
	}
	var chosen []Variant
	all := len(names) == 0
	for _, name := range names {
		if name == AllVariants {
			all = true
			continue
		}
		i := slices.Index(known, name)
		if i < 0 {
			return nil, problem.Usage(Text{EN: "%s has no variant %q", KO: "%s에는 %q 변형이 없습니다"}.With(l.Name, name),
				append(problem.Nearest(name, known), Text{EN: "choose all or from: %s", KO: "all 또는 다음 중에서 고르세요: %s"}.With(strings.Join(known, ", ")))...)
		}
		if !slices.Contains(chosen, l.Variants[i]) {
			chosen = append(chosen, l.Variants[i])
		}
	}
	if all {
		return l.Variants, nil
	}
	return chosen, nil
}
