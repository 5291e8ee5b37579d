// Package console holds the tools that Apache Kafka's own command line has for topics, records and groups, for lab, for
// lessons and for tests. Each tool is a struct of options with the names of Kafka's flags: Validate tells what is wrong
// with them before anything is connected, Run does the work. Their errors are told with flags in mind: as --topic, say.
//
// A tool that cannot write to [Streams.Out] ends with the error of the write, and counts as done only what it has written.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// Streams are what a tool reads and writes.
type Streams struct {
	// In is read by tools that take lines or files. Only those need it.
	In io.Reader
	// Out takes what the tool was asked for. What it has taken counts as seen, so it must not keep anything back: a buffer
	// must be flushed by each Write.
	Out io.Writer
	// Err takes what else there is to say.
	Err io.Writer
	// Lang is the language of both. Defaults to English.
	Lang i18n.Lang
}

// say writes a line of text to Out.
func (s Streams) say(t i18n.Text) error { return s.write(t.In(s.Lang) + "\n") }

func (s Streams) write(text string) error {
	_, err := io.WriteString(s.Out, text)
	return err
}

// note writes a line to Err. If that fails there is nobody left to tell.
func (s Streams) note(t i18n.Text) { fmt.Fprintln(s.Err, t.In(s.Lang)) }

// Table is rows under a head, without lines around them, and ends with the end of a line.
func Table(head table.Row, rows []table.Row) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatUpper
	t.AppendHeader(head)
	t.AppendRows(rows)
	return t.Render() + "\n"
}

// lines are names, one a line.
func lines(names []string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + "\n")
	}
	return b.String()
}

// required is an error if an option that has no default was not given.
func required(flag, value string) error {
	if value == "" {
		return missing(flag)
	}
	return nil
}

func missing(flag string) error {
	return problem.Usage(i18n.Text{EN: "--%s is missing", KO: "--%s 플래그가 빠졌습니다"}.With(flag))
}

// namedTopic is the error of a tool for a topic that must be there: if it is not, its name was mistyped, and a new topic
// would be no help. Any other error stays what it is.
func namedTopic(ctx context.Context, cluster *admin.Client, err error) error {
	e, missing := missingTopic(&err)
	if missing != nil {
		missing.Solve = append(nearestTopic(ctx, cluster, e.Topic), i18n.Text{EN: "see which there are: lab topic list", KO: "어떤 토픽이 있는지 보세요: lab topic list"})
	}
	return err
}

// nearestTopicOn adds the name that was probably meant to the problem that a topic does not exist, for a tool that has no
// connection as an administrator. Any other error stays what it is.
func nearestTopicOn(ctx context.Context, cfg kafka.Config, err error) error {
	e, missing := missingTopic(&err)
	if missing == nil {
		return err
	}
	cluster, adminErr := admin.Connect(ctx, cfg)
	if adminErr != nil {
		return err
	}
	defer func() { _ = cluster.Close() }() // it only looked
	missing.Solve = append(nearestTopic(ctx, cluster, e.Topic), missing.Solve...)
	return err
}

// missingTopic gives the error that a topic does not exist its remedy, and returns both; nil for any other error.
func missingTopic(err *error) (e *kafka.TopicNotFoundError, p *problem.Problem) {
	if !errors.As(*err, &e) {
		return nil, nil
	}
	*err = remedy.Of(*err)
	errors.As(*err, &p)
	return e, p
}

// nearestTopic suggests the topic that was probably meant.
func nearestTopic(ctx context.Context, cluster *admin.Client, topic string) []i18n.Text {
	topics, err := cluster.ListTopics(ctx)
	if err != nil { // without a list there is no suggestion
		return nil
	}
	return problem.Nearest(topic, topics)
}

// negative is the error that an option is less than 0.
func negative(flag string, value int64) error {
	return problem.Usage(i18n.Text{EN: "--%s is %d, but must be at least 0", KO: "--%s 값이 %d인데, 0 이상이어야 합니다"}.With(flag, value))
}
