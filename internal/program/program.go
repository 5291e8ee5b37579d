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
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

// Program is a running program. Its methods may be called concurrently.
type Program struct {
	Name string
	// Flags are the command line's; add yours, then call Parse.
	Flags *flag.FlagSet
	// Kafka says how to reach the cluster, once Parse has returned.
	Kafka kafka.Config

	lang   i18n.Lang
	args   []string
	stdout io.Writer
	lesson lessonLink
	quiet  bool
	stack  stack.Kind // where Kafka comes from; after Parse

	mu     sync.Mutex // one report at a time, and none after a crash
	groups []string   // that the program consumes as
}

// Main runs a program: it calls run with a context that ends at Ctrl-C or SIGTERM, renders the error, and exits.
func Main(run func(ctx context.Context, p *Program) error) {
	os.Exit(mainCode(run))
}

func mainCode(run func(ctx context.Context, p *Program) error) int {
	lang := i18n.Detect(os.Getenv)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	name := filepath.Base(os.Args[0])
	p := &Program{
		Name:   name,
		Flags:  flag.NewFlagSet(name, flag.ContinueOnError),
		lang:   lang,
		args:   os.Args[1:],
		stdout: os.Stdout,
	}
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
	remedy.Render(os.Stderr, lang, err)
	return remedy.ExitCode(err)
}

// Usage sets what -help says about the program, before its flags.
func (p *Program) Usage(t i18n.Text) {
	p.Flags.Usage = func() {
		fmt.Fprintf(p.Flags.Output(), "%s\n\n%s\n", t.In(p.lang), i18n.Text{EN: "Flags:", KO: "플래그:"}.In(p.lang))
		p.Flags.PrintDefaults()
	}
}

// String, Int, Duration and Bool add a flag whose usage is in the language of the reader.
func (p *Program) String(name, value string, usage i18n.Text) *string {
	return p.Flags.String(name, value, usage.In(p.lang))
}

func (p *Program) Int(name string, value int, usage i18n.Text) *int {
	return p.Flags.Int(name, value, usage.In(p.lang))
}

func (p *Program) Duration(name string, value time.Duration, usage i18n.Text) *time.Duration {
	return p.Flags.Duration(name, value, usage.In(p.lang))
}

func (p *Program) Bool(name string, value bool, usage i18n.Text) *bool {
	return p.Flags.Bool(name, value, usage.In(p.lang))
}

// Parse reads the command line, finds a Kafka ([stack.FindKafka]) and says which one it is.
func (p *Program) Parse(ctx context.Context) error {
	cfg, err := kafka.FromEnv(os.Getenv)
	if err != nil {
		return err
	}
	if cfg.ClientID == "" {
		cfg.ClientID = p.Name
	}
	cfg.RegisterFlags(p.Flags, p.lang)
	from := p.String("stack", string(stack.Default(os.Getenv)), i18n.Text{EN: "where Kafka comes from: auto, env, compose, embedded", KO: "Kafka를 어디에서 가져올지: auto, env, compose, embedded"})
	if err := p.Flags.Parse(p.args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return p.UsageError(i18n.Verbatim(err.Error()))
	}
	if p.Flags.NArg() > 0 {
		return p.UsageError(i18n.Text{EN: "unexpected argument %q", KO: "예상하지 못한 인자 %q입니다"}.With(p.Flags.Arg(0)))
	}
	kind, err := stack.ParseKind(*from)
	if err != nil {
		return err
	}
	found, err := stack.FindKafka(ctx, cfg, kind)
	if err != nil {
		return err
	}
	if !p.lesson.on() { // a lesson has said it already
		fmt.Fprintln(p.stdout, found.Announce().In(p.lang))
	}
	p.Kafka, p.stack = found.Config, kind
	return nil
}

// UsageError is a mistake on this program's command line.
func (p *Program) UsageError(what i18n.Text) error {
	return problem.Usage(what, i18n.Text{EN: "see the flags: %s -help", KO: "플래그를 보세요: %s -help"}.With(p.Name))
}

// OneOf checks the value of a flag that has a few possible values.
func (p *Program) OneOf(flagName, value string, possible ...string) error {
	for _, v := range possible {
		if v == value {
			return nil
		}
	}
	list := strings.Join(possible, ", ")
	return p.UsageError(i18n.Text{EN: "-%s is %q, but must be one of: %s", KO: "-%s 값이 %q인데, 다음 중 하나여야 합니다: %s"}.With(flagName, value, list))
}

// Print prints a line for the person at the terminal.
func (p *Program) Print(t i18n.Text) { fmt.Fprintln(p.stdout, t.In(p.lang)) }
