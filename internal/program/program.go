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

	"github.com/IBM/sarama"

	"kafkahandson/internal/event"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
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

	mu sync.Mutex // one report at a time, and none after a crash
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
		ctx = p.lesson.withParent(ctx)
		err = run(ctx, p)
	}
	if errors.Is(err, flag.ErrHelp) {
		return problem.ExitOK
	}
	if err == nil || (errors.Is(err, context.Canceled) && ctx.Err() != nil) {
		return problem.ExitOK
	}
	problem.Render(os.Stderr, lang, err)
	return problem.ExitCode(err)
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

// Produced reports a record that the broker acknowledged: m has its partition and offset.
func (p *Program) Produced(m *sarama.ProducerMessage, g greeting.Greeting) {
	p.record(event.Produced, i18n.Text{EN: "sent   ", KO: "보냄"}, m.Topic, m.Partition, m.Offset, g)
}

// Handled reports that the program's work for a record is done.
func (p *Program) Handled(m *sarama.ConsumerMessage, g greeting.Greeting) {
	p.record(event.Handled, i18n.Text{EN: "handled", KO: "처리"}, m.Topic, m.Partition, m.Offset, g)
}

// Duplicate reports that a record was recognised as handled before, and nothing was done.
func (p *Program) Duplicate(m *sarama.ConsumerMessage, g greeting.Greeting) {
	p.record(event.Duplicate, i18n.Text{EN: "seen   ", KO: "중복"}, m.Topic, m.Partition, m.Offset, g)
}

// Measured reports a number that the program measured: records per second, bytes. The lesson compares its variants
// with it.
func (p *Program) Measured(name i18n.Text, value float64, unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.stdout, "%s: %s %s\n", name.In(p.lang), strings.TrimSuffix(fmt.Sprintf("%.1f", value), ".0"), unit)
	p.lesson.report(event.Event{Type: event.Measured, Text: &name, Value: &value, Unit: unit})
}

// Quiet leaves out the line of each record; a lesson is told all the same.
func (p *Program) Quiet(on bool) { p.quiet = on }

func (p *Program) record(t event.Type, verb i18n.Text, topic string, partition int32, offset int64, g greeting.Greeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.quiet {
		fmt.Fprintf(p.stdout, "%s p%d@%-3d key=%s #%d %s: %s\n", verb.In(p.lang), partition, offset, g.Key(), g.ID, g.Name, g.Content)
	}
	p.lesson.report(event.Event{Type: t, Record: &event.Record{
		Topic: topic, Partition: partition, Offset: offset, Key: g.Key(), ID: fmt.Sprint(g.ID),
	}})
}

// Observer reports what happens in a consumer group: to the terminal what a person wants to know, to a lesson all.
func (p *Program) Observer(group string) kafka.GroupObserver {
	say := func(t event.Type, text i18n.Text) {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintln(p.stdout, text.In(p.lang))
		p.lesson.report(event.Event{Type: t, Text: &text})
	}
	var first int32 // generation of the session: a later one in the same session is a cooperative rebalance
	changed := func(t event.Type, what i18n.Text, s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s.GenerationID() != first && s.Context().Err() == nil {
			fmt.Fprintln(p.stdout, what.With(c.Partition(), s.GenerationID()).In(p.lang))
		}
		p.lesson.report(event.Event{Type: t, Assignment: p.assignment(group, s, map[string][]int32{c.Topic(): {c.Partition()}})})
	}
	return kafka.GroupObserver{
		Assigned: func(s sarama.ConsumerGroupSession) {
			p.mu.Lock()
			defer p.mu.Unlock()
			first = s.GenerationID()
			fmt.Fprintln(p.stdout, i18n.Text{EN: "joined group %s (generation %d): %s", KO: "%s 그룹에 참여 (%d세대): %s"}.
				With(group, s.GenerationID(), partitions(s.Claims())).In(p.lang))
			p.lesson.report(event.Event{Type: event.Assigned, Assignment: p.assignment(group, s, s.Claims())})
		},
		Revoked: func(s sarama.ConsumerGroupSession) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.lesson.report(event.Event{Type: event.Revoked, Assignment: p.assignment(group, s, s.Claims())})
		},
		Acquired: func(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
			changed(event.Acquired, i18n.Text{EN: "took over p%d (generation %d)", KO: "p%d 파티션을 넘겨받음 (%d세대)"}, s, c)
		},
		Released: func(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) {
			changed(event.Released, i18n.Text{EN: "gave up p%d (generation %d)", KO: "p%d 파티션을 내려놓음 (%d세대)"}, s, c)
		},
		Committed: func(took time.Duration) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.lesson.report(event.Event{Type: event.Committed, Micros: took.Microseconds()})
		},
		Idle: func(why i18n.Text) { say(event.Idle, why) },
		Error: func(err error) {
			say(event.Error, i18n.Text{EN: "error, will try again: %v", KO: "오류, 다시 시도합니다: %v"}.With(err))
		},
	}
}

func (p *Program) assignment(group string, s sarama.ConsumerGroupSession, claims map[string][]int32) *event.Assignment {
	return &event.Assignment{Group: group, Member: s.MemberID(), Client: p.Kafka.ClientID, Generation: s.GenerationID(), Claims: claims}
}

func partitions(claims map[string][]int32) i18n.Text {
	var all []string
	for topic, ids := range claims {
		for _, id := range ids {
			topic += fmt.Sprintf(" p%d", id)
		}
		all = append(all, topic)
	}
	if len(all) == 0 {
		return i18n.Text{EN: "no partition", KO: "할당된 파티션 없음"}
	}
	return i18n.Verbatim(strings.Join(all, ", "))
}
