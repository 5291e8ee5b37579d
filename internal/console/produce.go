package console

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// Produce sends lines as records: kafka-console-producer.
type Produce struct {
	// Topic is where to.
	Topic string
	// File is what to read. Defaults to [Streams.In].
	File string
	// Samples sends the greetings of the course, with their keys, and reads nothing.
	Samples bool
	// Properties say, as name=value, what is in a line besides the value: parse.key=true, key.separator (default: a tab),
	// parse.headers=true, headers.delimiter (default: a tab).
	Properties []string
}

// Validate checks the options.
func (p Produce) Validate() error {
	if err := required("topic", p.Topic); err != nil {
		return err
	}
	if p.Samples && p.File != "" {
		return problem.Usage(i18n.Text{EN: "--samples and --file contradict each other", KO: "--samples와 --file은 함께 쓸 수 없습니다"})
	}
	_, err := p.properties()
	return err
}

func (p Produce) properties() (properties, error) {
	props, err := parseProperties(p.Properties, []string{"parse.key", "parse.headers"}, []string{"key.separator", "headers.delimiter"})
	if p.Samples && err == nil {
		props["parse.key"], props["key.separator"] = "true", ":"
	}
	return props, err
}

// Run sends one record after the other, each when the one before it is acknowledged, until there are no more lines, or
// ctx is done, which is its error then.
func (p Produce) Run(ctx context.Context, cfg kafka.Config, s Streams) (err error) {
	props, err := p.properties()
	if err != nil {
		return err
	}
	in := s.In
	switch {
	case p.Samples:
		in = strings.NewReader(greeting.SampleLines())
	case p.File != "":
		f, err := os.Open(p.File)
		if err != nil {
			return problem.Environment(err, i18n.Text{EN: "cannot read %s", KO: "%s을(를) 읽을 수 없습니다"}.With(p.File),
				i18n.Text{EN: "check the path", KO: "경로를 확인하세요"})
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	sc, err := cfg.Sarama()
	if err != nil {
		return err
	}
	producer, err := kafka.NewSyncProducer(ctx, cfg, sc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()
	number, sent := 0, 0
	for line, err := range linesOf(ctx, in) {
		number++
		if err != nil {
			return &problem.Problem{Cause: err, What: i18n.Text{EN: "line %d cannot be read (%d records are sent)", KO: "%d번째 줄을 읽을 수 없습니다 (보낸 레코드 %d개)"}.With(number, sent)}
		}
		if line == "" {
			continue
		}
		m, bad := props.message(p.Topic, line)
		if bad != nil {
			bad.What = i18n.Text{EN: "line %d (%d records are sent): %s", KO: "%d번째 줄 (보낸 레코드 %d개): %s"}.With(number, sent, bad.What)
			return bad
		}
		if _, _, err := producer.SendMessage(m); err != nil {
			if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
				return nearestTopicOn(ctx, cfg, &kafka.TopicNotFoundError{Topic: p.Topic, Err: err})
			}
			failed := &problem.Problem{Cause: err, What: i18n.Text{EN: "line %d cannot be sent (%d records are)", KO: "%d번째 줄을 보낼 수 없습니다 (보낸 레코드 %d개)"}.With(number, sent)}
			var solved *problem.Problem
			if errors.As(remedy.Of(err), &solved) {
				failed.Cause, failed.Solve, failed.Exit = solved, solved.Solve, solved.Exit
			}
			return failed
		}
		sent++
	}
	s.note(i18n.Text{EN: "%d records sent, all acknowledged", KO: "레코드 %d개를 보냈고, 모두 확인받았습니다"}.With(sent))
	return ctx.Err()
}

// linesOf are the lines of in without their ends, until ctx is done: after that there is none, even if one has been read.
// The error of a failed read comes last.
func linesOf(ctx context.Context, in io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		type read struct {
			line string
			err  error
		}
		reads := make(chan read)
		go func() { // not waited for: a blocked read of a terminal or a pipe cannot be given up
			defer close(reads)
			for lines := bufio.NewReader(in); ; {
				line, err := lines.ReadString('\n')
				if errors.Is(err, io.EOF) && line == "" {
					return
				}
				select {
				case reads <- read{line, err}:
				case <-ctx.Done():
				}
				if err != nil || ctx.Err() != nil {
					return
				}
			}
		}()
		for {
			select {
			case r, ok := <-reads:
				if errors.Is(r.err, io.EOF) { // the last line has no end
					r.err = nil
				}
				if !ok || ctx.Err() != nil || !yield(strings.TrimRight(r.line, "\r\n"), r.err) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// message reads a line as kafka-console-producer does: [headers TAB] [key TAB] value. Headers are h1:v1,h2:v2.
func (p properties) message(topic, line string) (*sarama.ProducerMessage, *problem.Problem) {
	m := &sarama.ProducerMessage{Topic: topic}
	if p.on("parse.headers") {
		delimiter := p.or("headers.delimiter", "\t")
		headers, rest, ok := strings.Cut(line, delimiter)
		if !ok {
			return nil, separatorProblem("headers.delimiter", delimiter)
		}
		line = rest
		for _, h := range strings.Split(headers, ",") {
			name, value, ok := strings.Cut(h, ":")
			if !ok {
				return nil, problem.Usage(i18n.Text{EN: "the header %q is not name:value", KO: "헤더 %q이(가) name:value 형식이 아닙니다"}.With(h),
					i18n.Text{EN: "write name:value,name:value", KO: "name:value,name:value처럼 쓰세요"})
			}
			m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
		}
	}
	if p.on("parse.key") {
		separator := p.or("key.separator", "\t")
		key, rest, ok := strings.Cut(line, separator)
		if !ok {
			return nil, separatorProblem("key.separator", separator)
		}
		line = rest
		m.Key = sarama.StringEncoder(key)
	}
	m.Value = sarama.StringEncoder(line)
	return m, nil
}

func separatorProblem(property, separator string) *problem.Problem {
	return problem.Usage(i18n.Text{EN: "the line has no %q (%s)", KO: "줄에 %q이(가) 없습니다 (%s)"}.With(separator, property),
		i18n.Text{EN: "fix the line, or choose another with --property %s=…", KO: "줄을 고치거나 --property %s=…로 다른 구분자를 고르세요"}.With(property))
}
