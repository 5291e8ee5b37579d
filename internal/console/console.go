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

// nearestTopic adds the name that was probably meant to the problem that a topic does not exist. Any other error stays
// what it is.
func nearestTopic(ctx context.Context, cluster *admin.Client, topic string, err error) error {
	if !errors.As(err, new(*kafka.TopicNotFoundError)) {
		return err
	}
	var missing *problem.Problem
	if err = remedy.Of(err); !errors.As(err, &missing) {
		return err
	}
	if topics, listErr := cluster.ListTopics(ctx); listErr == nil { // without a list there is no suggestion
		missing.Solve = append(problem.Nearest(topic, topics), missing.Solve...)
	}
	return err
}

// nearestTopicOn is [nearestTopic] for a tool that has no connection as an administrator.
func nearestTopicOn(ctx context.Context, cfg kafka.Config, topic string, err error) error {
	if !errors.As(err, new(*kafka.TopicNotFoundError)) {
		return err
	}
	cluster, adminErr := admin.Connect(ctx, cfg)
	if adminErr != nil {
		return err
	}
	defer func() { _ = cluster.Close() }() // it only looked
	return nearestTopic(ctx, cluster, topic, err)
}
