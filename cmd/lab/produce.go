package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/spf13/cobra"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

// lineProperties are the --property settings of the console tools of Apache Kafka that a line of text needs.
type lineProperties struct {
	values map[string]string
}

func (a *app) lineProperties(cmd *cobra.Command, given []string, known ...string) (lineProperties, error) {
	p := lineProperties{values: map[string]string{}}
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok {
			return p, a.usage(cmd, i18n.Text{EN: "--property %q is not name=value", KO: "--property %q이(가) name=value 형식이 아닙니다"}.With(g))
		}
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return p, a.usage(cmd, i18n.Text{EN: "unknown property %q", KO: "알 수 없는 속성 %q입니다"}.With(name),
				append(problem.Nearest(name, known), i18n.Text{EN: "there are: %s", KO: "사용할 수 있는 속성: %s"}.With(strings.Join(known, ", ")))...)
		}
		p.values[name] = value
	}
	return p, nil
}

func (p lineProperties) on(name string) bool {
	on, err := strconv.ParseBool(p.values[name])
	return err == nil && on
}

func (p lineProperties) or(name, fallback string) string {
	if v, ok := p.values[name]; ok {
		return v
	}
	return fallback
}

func (a *app) produceCommand() *cobra.Command {
	var (
		topic      string
		file       string
		samples    bool
		properties []string
	)
	cmd := &cobra.Command{
		Use:   "produce --topic NAME",
		Short: a.t("Send lines as records (kafka-console-producer)", "한 줄을 레코드 하나로 보냅니다 (kafka-console-producer)"),
		Example: `  lab produce --topic my-json-topic --samples
  echo '24:{"id":31,"age":24,"name":"Jiwoo","content":"hi"}' | lab produce --topic my-json-topic --property parse.key=true --property key.separator=:`,
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic"); err != nil {
				return err
			}
			props, err := a.lineProperties(cmd, properties, "parse.key", "key.separator", "parse.headers", "headers.delimiter")
			if err != nil {
				return err
			}
			in := io.Reader(a.stdin)
			switch {
			case samples && file != "":
				return a.usage(cmd, i18n.Text{EN: "--samples and --file contradict each other", KO: "--samples와 --file은 함께 쓸 수 없습니다"})
			case samples:
				in = strings.NewReader(greeting.SampleLines())
				props.values["parse.key"], props.values["key.separator"] = "true", ":"
			case file != "":
				f, err := os.Open(file)
				if err != nil {
					return problem.Environment(err, i18n.Text{EN: "cannot read %s", KO: "%s을(를) 읽을 수 없습니다"}.With(file),
						i18n.Text{EN: "check the path", KO: "경로를 확인하세요"})
				}
				defer func() { _ = f.Close() }() // only read
				in = f
			}
			return a.produce(cmd.Context(), topic, in, props)
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	cmd.Flags().StringVar(&file, "file", "", a.t("read lines from a file (default: standard input)", "줄을 읽을 파일 (기본값: 표준 입력)"))
	cmd.Flags().BoolVar(&samples, "samples", false, a.t("send the 30 greetings of the course", "강의의 인사말 30개를 보냅니다"))
	cmd.Flags().StringArrayVar(&properties, "property", nil, "parse.key=true, key.separator=:, parse.headers=true, headers.delimiter")
	return cmd
}

func (a *app) produce(ctx context.Context, topic string, in io.Reader, props lineProperties) (err error) {
	found, err := a.findKafka(ctx)
	if err != nil {
		return err
	}
	sc, err := found.Config.Sarama()
	if err != nil {
		return err
	}
	producer, err := kafka.NewSyncProducer(ctx, found.Config, sc)
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
		m, bad := props.message(topic, line)
		if bad != nil {
			bad.What = i18n.Text{EN: "line %d (%d records are sent): %s", KO: "%d번째 줄 (보낸 레코드 %d개): %s"}.With(number, sent, bad.What)
			return bad
		}
		if _, _, err := producer.SendMessage(m); err != nil {
			if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
				return nearestTopicOn(ctx, found.Config, topic, &kafka.TopicNotFoundError{Topic: topic, Err: err})
			}
			return &problem.Problem{Cause: err, What: i18n.Text{EN: "line %d cannot be sent (%d records are)", KO: "%d번째 줄을 보낼 수 없습니다 (보낸 레코드 %d개)"}.With(number, sent)}
		}
		sent++
	}
	fmt.Fprintln(a.stderr, i18n.Text{EN: "%d records sent, all acknowledged", KO: "레코드 %d개를 보냈고, 모두 확인받았습니다"}.With(sent).In(a.lang))
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
func (p lineProperties) message(topic, line string) (*sarama.ProducerMessage, *problem.Problem) {
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
		i18n.Text{EN: "mend the line, or choose another with --property %s=…", KO: "줄을 고치거나 --property %s=…로 다른 구분자를 고르세요"}.With(property))
}
