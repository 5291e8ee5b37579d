// Package program is the frame around each of the course's small programs: flags, the Kafka to use, Ctrl-C, errors a
// learner can act on, and one line for each report and each crash point.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

// Program is a running program. Its methods may be called concurrently, those that add flags before [Program.Ready].
type Program struct {
	Name string
	// Kafka says how to reach the cluster, once Ready has returned.
	Kafka kafka.Config

	flags  *flag.FlagSet
	usage  i18n.Text
	args   []string
	topics []topic
	checks []func() error // of flags
	lang   i18n.Lang
	stdout io.Writer
	lesson lessonLink
	quiet  bool
	stack  stack.Kind // where Kafka comes from; after Ready

	leaving leaving
	mu      sync.Mutex // one report at a time, and none after a crash
	groups  []string   // that the program consumes as
}

// Main runs a program: it calls run with a context that ends at Ctrl-C or SIGTERM, renders the error, and exits.
func Main(run func(ctx context.Context, p *Program) error) {
	os.Exit(mainCode(run))
}

func mainCode(run func(ctx context.Context, p *Program) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // a second Ctrl-C ends the process at once, a second SIGTERM nothing
	name := filepath.Base(os.Args[0])
	p := &Program{
		Name:  name,
		flags: flag.NewFlagSet(name, flag.ContinueOnError),
		args:  os.Args[1:],
		lang:  i18n.FromArgs(os.Args[1:], i18n.Detect(os.Getenv)), // needed before flags are parsed, for their own texts
	}
	p.stdout = output{os.Stdout, p.lost}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a closed pipe is an error of the write, and not the end: see output
	err := p.connectLesson(os.Getenv)
	if err == nil {
		ctx, err = WithParent(ctx, os.Getenv)
	}
	if err == nil {
		err = run(ctx, p)
	}
	if errors.Is(err, flag.ErrHelp) {
		return problem.ExitOK
	}
	if err == nil || (errors.Is(err, context.Canceled) && ctx.Err() != nil) {
		return problem.ExitOK
	}
	remedy.Render(os.Stderr, p.lang, err)
	return remedy.ExitCode(err)
}

// Ready reads the command line, finds a Kafka ([stack.FindKafka]) and says which one it is, creates the topics that
// [Program.Topic] named and that are not there, and returns the course's settings for sarama, to be changed further.
func (p *Program) Ready(ctx context.Context) (*sarama.Config, error) {
	cfg, err := kafka.FromEnv(os.Getenv)
	if err != nil {
		return nil, err
	}
	if cfg.ClientID == "" {
		cfg.ClientID = p.Name
	}
	cfg.RegisterFlags(p.flags, p.lang)
	from := p.String("stack", string(stack.Default(os.Getenv)), i18n.Text{EN: "where Kafka comes from: auto, env, compose, embedded", KO: "Kafka를 어디에서 가져올지: auto, env, compose, embedded"})
	quiet := p.Bool("quiet", false, i18n.Text{EN: "print no line for each record", KO: "레코드마다 출력하지 않습니다"})
	if err := p.ReadyWithoutKafka(); err != nil {
		return nil, err
	}
	p.quiet = *quiet
	if p.stack, err = stack.ParseKind(*from); err != nil {
		return nil, err
	}
	found, err := stack.FindKafka(ctx, cfg, p.stack)
	if err != nil {
		return nil, err
	}
	p.announce(found.Announce())
	p.Kafka = found.Config
	if err := p.createTopics(ctx); err != nil {
		return nil, err
	}
	return p.Kafka.Sarama()
}

// ReadyWithoutKafka reads the command line of a program that needs no Kafka.
func (p *Program) ReadyWithoutKafka() error {
	lang := p.String("lang", string(p.lang), i18n.Text{EN: "language: en or ko", KO: "언어: en 또는 ko"})
	p.flags.SetOutput(io.Discard) // what is wrong is said once, in the language of the reader
	if err := p.flags.Parse(p.args); errors.Is(err, flag.ErrHelp) {
		p.help(os.Stderr)
		return err
	} else if err != nil {
		return p.UsageError(i18n.Text{EN: "the command line cannot be read: %v", KO: "명령줄을 읽을 수 없습니다: %v"}.With(err))
	}
	if p.flags.NArg() > 0 {
		return p.UsageError(i18n.Text{EN: "unexpected argument %q", KO: "예상하지 못한 인자 %q입니다"}.With(p.flags.Arg(0)))
	}
	if _, err := i18n.Parse(*lang); err != nil {
		return p.UsageError(i18n.Text{EN: "unknown language %q: choose en or ko", KO: "알 수 없는 언어 %q입니다. en 또는 ko를 고르세요"}.With(*lang))
	}
	for _, check := range p.checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// createTopics creates the topics that are not there: what beans of type NewTopic do in a Spring application.
func (p *Program) createTopics(ctx context.Context) (err error) {
	if len(p.topics) == 0 {
		return nil
	}
	cluster, err := admin.Connect(ctx, p.Kafka)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	for _, t := range p.topics {
		if err := cluster.EnsureTopic(ctx, *t.name, t.partitions); err != nil {
			return err
		}
	}
	return nil
}

// announce says which server is used. A lesson has said it already.
func (p *Program) announce(t i18n.Text) {
	if !p.lesson.on() {
		p.Print(t)
	}
}

// Print prints a line for the person at the terminal.
func (p *Program) Print(t i18n.Text) { fmt.Fprintln(p.stdout, t.In(p.lang)) }
