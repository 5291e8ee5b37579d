package lesson

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/lesson/prose"
	"kafkahandson/internal/lesson/runs"
	"kafkahandson/internal/stack"
)

// stage is what all variants of a lesson run on: the servers and the programs.
type stage struct {
	lesson Lesson
	prose  prose.Prose
	opts   Options
	root   string // of the clone
	id     string // of the run
	folder *runs.Folder
	kafka  stack.Kafka
	admin  *admin.Client
	emit   func(event.Event)
	// embedded tells whether it is the embedded Kafka, however it was found.
	embedded bool
	// shellEnv is what a shell must set before a program of the course, to reach this Kafka.
	shellEnv string
	cluster  *flock.Flock // the place on a cluster that others may use too
	database *server      // nil unless the lesson needs one

	launcher *process.Launcher
	programs map[string]string // files by package, after prepare
}

// onStage finds or starts a Kafka, calls do, and leaves nothing behind.
func onStage(ctx context.Context, l Lesson, opts Options, do func(*stage) error) (err error) {
	if opts.Stack == "" {
		opts.Stack = stack.Auto
	}
	stays := false
	defer func() {
		if err != nil && err == ctx.Err() { // and nothing else went wrong
			err = &Stopped{Stays: stays, cause: err}
		}
	}()
	s := &stage{lesson: l, opts: opts}
	if s.prose, err = l.Prose(); err != nil {
		return err
	}
	if s.root, err = checkout.Root(); err != nil {
		return err
	}
	if s.id, err = newRunID(); err != nil {
		return err
	}
	s.emit = emitter(opts.Emit, s.id, l.Name)
	s.launcher = &process.Launcher{Root: s.root, Slow: func() {
		what := Text{EN: "building programs, only the first time and after you change them", KO: "프로그램을 빌드하는 중, 처음 한 번과 코드를 고친 뒤에만"}
		s.emit(event.Event{Type: event.Waiting, Text: &what})
	}}
	if s.folder, err = runs.Create(s.id, l.Name); err != nil {
		return err
	}
	defer func() { also(&err, s.folder.Close()) }()

	s.emit(event.Event{Type: event.RunStarted, Text: &s.prose.Title})
	if s.kafka, err = stack.OpenKafka(ctx, opts.Kafka, opts.Stack, s.id, filepath.Join(s.folder.Dir(), "kafka")); err != nil {
		return err
	}
	defer func() { also(&err, s.kafka.Close()) }()
	announce := s.kafka.Announce()
	s.emit(event.Event{Type: event.Note, Text: &announce})

	if s.admin, err = admin.Connect(ctx, s.kafka.Config); err != nil {
		return err
	}
	defer func() { also(&err, s.admin.Close()) }()
	if err := s.lookAround(ctx); err != nil {
		return err
	}
	defer func() { also(&err, s.leaveCluster()) }()
	defer func() { also(&err, s.closeDatabase(context.WithoutCancel(ctx))) }() // Ctrl-C must not leave one behind
	err = do(s)
	stays = s.folder.Leaves()
	if err == nil || ctx.Err() == nil || errors.As(err, new(*LeftBehind)) {
		return err
	}
	return ctx.Err() // whatever else failed, failed because of that
}

// also adds another error to one, and leaves it as it is if there is none.
func also(err *error, other error) {
	if other != nil {
		*err = errors.Join(*err, other)
	}
}

// lookAround finds out what kind of Kafka this is.
func (s *stage) lookAround(ctx context.Context) (err error) {
	id, err := s.admin.ClusterID(ctx)
	if err != nil {
		return err
	}
	s.embedded = stack.IsEmbedded(id)
	if s.kafka.Kind != stack.Embedded || s.kafka.Kept { // it goes on after this run
		if err := s.folder.StaysOn(id); err != nil {
			return err
		}
	}
	cfg, err := kafka.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	if found, err := stack.FindKafka(ctx, cfg, stack.Default(os.Getenv)); err == nil { // as a program would
		s.shellEnv = shellEnvOf(found.Config.Brokers, s.kafka.Config.Brokers)
	} else {
		s.shellEnv = shellEnvOf(nil, s.kafka.Config.Brokers)
	}
	return ctx.Err()
}

// leaveCluster gives the place on the cluster back.
func (s *stage) leaveCluster() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Close()
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

// prepare removes what the last run left and builds the programs.
func (s *stage) prepare(ctx context.Context) (err error) {
	if s.folder.Cluster != "" {
		if _, err := runs.RemoveFrom(ctx, s.admin, s.lesson.Name); err != nil {
			return err
		}
	}
	if s.database != nil {
		announce := s.database.Announce()
		s.emit(event.Event{Type: event.Note, Text: &announce})
		if err := runs.DropDatabases(s.database.Config.String(), s.database.drop(ctx)); err != nil {
			return err
		}
	}
	return s.buildPrograms(ctx)
}

// closeDatabase drops what the run made in the database server, and leaves it.
func (s *stage) closeDatabase(ctx context.Context) error {
	if s.database == nil {
		return nil
	}
	return errors.Join(s.folder.DropDatabases(s.database.drop(ctx)), s.database.close(ctx))
}

// buildPrograms builds the lesson's programs, as they are or mutated.
func (s *stage) buildPrograms(ctx context.Context) (err error) {
	if len(s.opts.Mutate) > 0 {
		s.programs, err = s.launcher.BuildMutated(ctx, filepath.Join(s.folder.Dir(), "mutated"), s.lesson.Programs, s.opts.Mutate)
	} else {
		s.programs, err = s.launcher.Build(ctx, s.lesson.Programs)
	}
	return err
}

// newRun is the run of a variant on this stage.
func (s *stage) newRun(ctx context.Context, variant string) *Run {
	return &Run{stage: s, Variant: variant, ctx: ctx, starts: map[string]int{}, commits: map[string]commits{}, wakeUp: make(chan struct{}, 1)}
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
