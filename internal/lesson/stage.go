package lesson

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/stack"
)

// stage is what all variants of a lesson run on: the servers and the programs.
type stage struct {
	lesson Lesson
	opts   Options
	root   string // of the clone
	id     string // of the run
	names  *record
	kafka  stack.Kafka
	admin  *kafka.Admin
	emit   func(event.Event)

	// After prepare.
	programs map[string]string // files by package
	database *server           // nil unless the lesson needs one
}

// onStage finds or starts a Kafka, calls do, and leaves nothing behind.
func onStage(ctx context.Context, l Lesson, opts Options, do func(*stage) error) (err error) {
	if opts.Stack == "" {
		opts.Stack = stack.Auto
	}
	s := &stage{lesson: l, opts: opts}
	if s.root, err = checkout.Root(); err != nil {
		return err
	}
	if s.id, err = newRunID(); err != nil {
		return err
	}
	s.emit = emitter(opts.Emit, s.id, l.Name)
	if s.names, err = newRecord(s.id, l.Name); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.names.close()) }()

	s.emit(event.Event{Type: event.RunStarted, Text: &l.Title})
	if s.kafka, err = stack.OpenKafka(ctx, opts.Kafka, opts.Stack, s.id, filepath.Join(s.names.dir, "kafka")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.kafka.Close()) }()
	announce := s.kafka.Announce()
	s.emit(event.Event{Type: event.Note, Text: &announce})

	if s.admin, err = kafka.NewAdmin(ctx, s.kafka.Config); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.admin.Close()) }()
	defer func() { err = errors.Join(err, s.closeDatabase(context.WithoutCancel(ctx))) }() // Ctrl-C must not leave one behind
	return do(s)
}

// emitter completes events and passes them on one at a time.
func emitter(emit func(event.Event), run, lesson string) func(event.Event) {
	var mu sync.Mutex
	return func(e event.Event) {
		if emit == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		e.V, e.Run, e.Lesson = event.Version, run, lesson
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		emit(e)
	}
}

// missing is why the lesson cannot run on this Kafka; no text if it can.
func (s *stage) missing(ctx context.Context) (Text, error) {
	if s.lesson.NeedsCompose.IsZero() {
		return Text{}, nil
	}
	if embedded, err := s.kafka.IsEmbedded(ctx); err != nil || !embedded {
		return Text{}, err
	}
	return s.lesson.NeedsCompose, nil
}

// prepare removes what the last run left, opens the database and builds the programs.
func (s *stage) prepare(ctx context.Context) (err error) {
	if s.kafka.Kind != stack.Embedded || s.kafka.Kept { // it goes on after this run
		if s.names.Cluster, err = s.admin.ClusterID(ctx); err != nil {
			return err
		}
		if err := s.names.save(); err != nil {
			return err
		}
		if _, err := reset(ctx, s.admin, s.lesson.Name); err != nil {
			return err
		}
	}
	if s.lesson.NeedsMySQL {
		if s.database, err = openServer(ctx, s.opts.Stack, s.emit); err != nil {
			return err
		}
		announce := s.database.Announce()
		s.emit(event.Event{Type: event.Note, Text: &announce})
		if err := s.database.dropLeft(ctx); err != nil {
			return err
		}
	}
	return s.build(ctx)
}

// closeDatabase drops what the run made in the database server, and leaves it.
func (s *stage) closeDatabase(ctx context.Context) error {
	if s.database == nil {
		return nil
	}
	err := s.database.drop(ctx, s.names.Databases)
	if err == nil {
		s.names.Databases = nil
	}
	return errors.Join(err, s.database.close(ctx))
}

func (s *stage) build(ctx context.Context) (err error) {
	packages := slices.Clone(s.lesson.Programs)
	for i, pkg := range packages {
		if other, ok := s.opts.Replace[pkg]; ok {
			packages[i] = other
		}
	}
	what := Text{EN: "building the programs (only the first time, and after you change them)", KO: "프로그램을 빌드하는 중 (처음 한 번, 그리고 코드를 고친 뒤에만)"}
	slow := time.AfterFunc(patience/2, func() { s.emit(event.Event{Type: event.Waiting, Text: &what}) })
	defer slow.Stop()
	if s.programs, err = build(ctx, s.root, packages); err != nil {
		return err
	}
	for pkg, other := range s.opts.Replace {
		s.programs[pkg] = s.programs[other]
	}
	return nil
}

// newRun is the run of a variant on this stage.
func (s *stage) newRun(ctx context.Context, variant string) *Run {
	return &Run{stage: s, Variant: variant, ctx: ctx, starts: map[string]int{}, wakeUp: make(chan struct{}, 1)}
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
