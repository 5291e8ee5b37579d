package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// Consume prints records as lines: kafka-console-consumer.
type Consume struct {
	// Topic is what to read.
	Topic string
	// Group makes it a member of this group, which commits what it has printed. Defaults to reading without a group, and
	// without a commit.
	Group string
	// FromBeginning starts with the first record; with Group, only where the group has committed nothing. Defaults to what
	// comes next.
	FromBeginning bool
	// Partitions are the partitions to read. Defaults to all. A group assigns its partitions itself.
	Partitions []int32
	// Offset is where Partitions start: an offset, earliest or latest. Defaults to what FromBeginning says.
	Offset string
	// MaxMessages ends it after so many records. Defaults to going on until ctx is done.
	MaxMessages int
	// Timeout ends it when nothing has arrived for so long. Defaults to going on.
	Timeout time.Duration
	// Isolation is read_committed or read_uncommitted. Defaults to read_uncommitted.
	Isolation string
	// Properties say, as name=value, what is in a line: print.key, print.partition, print.offset, print.timestamp and
	// print.headers (default: false), print.value (default: true), key.separator between them (default: a tab) and
	// line.separator (default: the end of a line).
	Properties []string
}

// Validate checks the options.
func (c Consume) Validate() error {
	if err := required("topic", c.Topic); err != nil {
		return err
	}
	switch {
	case c.Offset != "" && len(c.Partitions) == 0:
		return problem.Usage(i18n.Text{EN: "--offset needs --partition", KO: "--offset에는 --partition이 필요합니다"})
	case c.Offset != "" && c.FromBeginning:
		return problem.Usage(i18n.Text{EN: "--offset and --from-beginning contradict each other: say once where to start", KO: "--offset과 --from-beginning은 함께 쓸 수 없습니다. 시작 위치를 하나만 지정하세요"})
	case c.MaxMessages < 0:
		return negative("max-messages", int64(c.MaxMessages))
	case c.Timeout < 0:
		return negative("timeout-ms", c.Timeout.Milliseconds())
	case c.Group != "" && len(c.Partitions) > 0:
		return problem.Usage(i18n.Text{EN: "--group and --partition contradict each other: the group assigns the partitions", KO: "--group과 --partition은 함께 쓸 수 없습니다. 파티션은 그룹이 할당합니다"})
	}
	if _, err := c.isolation(); err != nil {
		return err
	}
	if _, err := c.start(); err != nil {
		return err
	}
	_, err := c.properties()
	return err
}

func (c Consume) properties() (properties, error) {
	return parseProperties(c.Properties,
		[]string{"print.key", "print.value", "print.partition", "print.offset", "print.timestamp", "print.headers"},
		[]string{"key.separator", "line.separator"})
}

func (c Consume) isolation() (sarama.IsolationLevel, error) {
	switch c.Isolation {
	case "", "read_uncommitted":
		return sarama.ReadUncommitted, nil
	case "read_committed":
		return sarama.ReadCommitted, nil
	}
	return 0, problem.Usage(i18n.Text{EN: "unknown isolation level %q", KO: "알 수 없는 격리 수준 %q입니다"}.With(c.Isolation),
		i18n.Text{EN: "choose read_uncommitted or read_committed", KO: "read_uncommitted 또는 read_committed를 고르세요"})
}

// start is the offset to start from, or one of sarama's names for it.
func (c Consume) start() (int64, error) {
	switch {
	case c.Offset == "earliest", c.Offset == "" && c.FromBeginning:
		return sarama.OffsetOldest, nil
	case c.Offset == "latest", c.Offset == "":
		return sarama.OffsetNewest, nil
	}
	offset, err := strconv.ParseInt(c.Offset, 10, 64)
	if err != nil || offset < 0 {
		return 0, problem.Usage(i18n.Text{EN: "%q is not an offset", KO: "%q은(는) 오프셋이 아닙니다"}.With(c.Offset),
			i18n.Text{EN: "write a number, earliest or latest", KO: "숫자나 earliest, latest를 쓰세요"})
	}
	return offset, nil
}

// Run prints records until MaxMessages or Timeout end it, or ctx, which is no error. A record counts as consumed, and is
// committed by a group, only when its line was written; the first line that cannot be written ends it with that error.
func (c Consume) Run(ctx context.Context, cfg kafka.Config, s Streams) error {
	sc, err := cfg.Sarama()
	if err != nil {
		return err
	}
	if sc.Consumer.IsolationLevel, err = c.isolation(); err != nil {
		return err
	}
	start, err := c.start()
	if err != nil {
		return err
	}
	props, err := c.properties()
	if err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	printer := &recordPrinter{s: s, props: props, most: c.MaxMessages, done: stop}
	if c.Timeout > 0 {
		printer.patience = c.Timeout
		printer.quiet = time.AfterFunc(c.Timeout, stop)
		defer printer.quiet.Stop()
	}
	if c.Group != "" {
		sc.Consumer.Offsets.Initial = start
		err = kafka.ConsumeGroup(reading, cfg, sc, c.Group, []string{c.Topic}, groupPrinter{recordPrinter: printer}, kafka.GroupObserver{
			Idle:  func(why kafka.Idle) { s.note(why.Text) },
			Error: func(err error) { s.note(remedy.Retrying(err)) },
		})
	} else {
		err = c.readPartitions(reading, cfg, sc, start, printer)
	}
	if printer.failed != nil {
		return printer.failed // it may be that err only tells of its consequences, or of a Timeout that came just then
	}
	s.note(i18n.Text{EN: "%d records", KO: "레코드 %d개"}.With(printer.printed))
	return nearestTopicOn(ctx, cfg, err)
}

// readPartitions reads without a group: nothing is committed.
func (c Consume) readPartitions(ctx context.Context, cfg kafka.Config, sc *sarama.Config, start int64, printer *recordPrinter) (err error) {
	client, err := kafka.NewClient(ctx, cfg, sc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	partitions, err := client.Partitions(c.Topic)
	if err != nil {
		return &kafka.TopicNotFoundError{Topic: c.Topic, Err: err}
	}
	if len(c.Partitions) > 0 {
		partitions = c.Partitions
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return fmt.Errorf("create a consumer: %w", err)
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	faults := &kafka.Faults{Tell: func(err error) { printer.s.note(remedy.Retrying(err)) }}
	var g errgroup.Group
	for _, partition := range partitions {
		pc, err := consumer.ConsumePartition(c.Topic, partition, start)
		switch {
		case errors.Is(err, sarama.ErrOffsetOutOfRange):
			err = problem.Usage(i18n.Text{EN: "partition %d of %s has no offset %s", KO: "%[2]s의 %[1]d번 파티션에는 오프셋 %[3]s이(가) 없습니다"}.With(partition, c.Topic, c.Offset),
				i18n.Text{EN: "see which it has: lab topic describe --topic %s", KO: "어떤 오프셋이 있는지 보세요: lab topic describe --topic %s"}.With(c.Topic))
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			err = problem.Usage(i18n.Text{EN: "topic %s has no partition %d", KO: "%s 토픽에 %d번 파티션이 없습니다"}.With(c.Topic, partition),
				i18n.Text{EN: "see which it has: lab topic describe --topic %s", KO: "어떤 파티션이 있는지 보세요: lab topic describe --topic %s"}.With(c.Topic))
		case err != nil:
			err = fmt.Errorf("consume %s partition %d: %w", c.Topic, partition, err)
		}
		if err != nil {
			printer.done() // ends those that read already
			return errors.Join(err, g.Wait())
		}
		var last error // why sarama has given up, once Errors is closed
		closed := make(chan struct{})
		g.Go(func() error {
			defer close(closed)
			for err := range pc.Errors() {
				if last = err; !errors.Is(err, sarama.ErrOffsetOutOfRange) { // which is the end
					faults.Seen(err)
				}
			}
			return nil
		})
		g.Go(func() error {
			defer func() {
				pc.AsyncClose()
				for range pc.Messages() { // what was fetched already is not wanted any more
				}
			}()
			for {
				select {
				case m, ok := <-pc.Messages():
					if !ok { // sarama has given up
						<-closed
						printer.done()
						return problem.Environment(last,
							i18n.Text{EN: "%s, partition %d cannot be read on: its records were deleted, or it belongs to a new topic of the same name", KO: "%s 토픽 %d번 파티션을 이어서 읽을 수 없습니다. 레코드가 삭제되었거나 같은 이름의 새 토픽입니다"}.With(c.Topic, partition),
							i18n.Text{EN: "start it again, with --from-beginning to see what is there now", KO: "다시 시작하세요. --from-beginning을 붙이면 지금 있는 것을 처음부터 볼 수 있습니다"})
					}
					if more, err := printer.print(m); err != nil || !more {
						return err
					}
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	return g.Wait()
}

// recordPrinter prints records of several partitions, one at a time.
type recordPrinter struct {
	s        Streams
	props    properties
	most     int         // 0: any number
	done     func()      // ends the tool
	quiet    *time.Timer // ends the tool when nothing has arrived for patience; nil if it never does
	patience time.Duration

	mu      sync.Mutex
	printed int
	failed  error // a line could not be written: no more are
}

// print prints a record as kafka-console-consumer does. more is false when the record was one too many: it is not printed.
// After an error none is printed any more.
func (p *recordPrinter) print(m *sarama.ConsumerMessage) (more bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil || (p.most > 0 && p.printed >= p.most) {
		return false, p.failed
	}
	if err := p.s.write(p.line(m)); err != nil {
		p.failed = fmt.Errorf("write a record: %w", err)
		p.done()
		return false, p.failed
	}
	p.printed++
	if p.quiet != nil {
		p.quiet.Reset(p.patience)
	}
	if p.printed == p.most {
		p.done()
	}
	return true, nil
}

func (p *recordPrinter) line(m *sarama.ConsumerMessage) string {
	var fields []string
	if p.props.on("print.timestamp") {
		fields = append(fields, fmt.Sprintf("CreateTime:%d", m.Timestamp.UnixMilli()))
	}
	if p.props.on("print.partition") {
		fields = append(fields, fmt.Sprintf("Partition:%d", m.Partition))
	}
	if p.props.on("print.offset") {
		fields = append(fields, fmt.Sprintf("Offset:%d", m.Offset))
	}
	if p.props.on("print.headers") {
		var headers []string
		for _, h := range m.Headers {
			headers = append(headers, fmt.Sprintf("%s:%s", h.Key, h.Value))
		}
		if len(headers) == 0 {
			headers = []string{"NO_HEADERS"}
		}
		fields = append(fields, strings.Join(headers, ","))
	}
	if p.props.on("print.key") {
		fields = append(fields, orNull(m.Key))
	}
	if p.props.or("print.value", "true") == "true" {
		fields = append(fields, orNull(m.Value))
	}
	return strings.Join(fields, p.props.or("key.separator", "\t")) + p.props.or("line.separator", "\n")
}

func orNull(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

// groupPrinter prints as a member of a group; sarama commits what is marked.
type groupPrinter struct {
	kafka.HandlerDefaults
	*recordPrinter
}

func (p groupPrinter) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		if more, err := p.print(m); err != nil || !more {
			return err
		}
		s.MarkMessage(m, "")
	}
	return nil
}
