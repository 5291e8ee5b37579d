package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

type consumeFlags struct {
	topic, group  string
	fromBeginning bool
	partition     int32
	offset        string
	maxMessages   int
	timeoutMs     int64
	isolation     string
	properties    []string
}

func (a *app) consumeCommand() *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume --topic NAME",
		Short: a.t("Print records as lines (kafka-console-consumer)", "레코드를 한 줄에 하나씩 출력합니다 (kafka-console-consumer)"),
		Example: `  lab consume --topic my-json-topic --from-beginning --property print.key=true --property print.partition=true
  lab consume --topic my-json-topic --partition 0 --offset 12 --max-messages 1`,
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic"); err != nil {
				return err
			}
			changed := cmd.Flags().Changed
			if changed("offset") && !changed("partition") {
				return a.usage(cmd, i18n.Text{EN: "--offset needs --partition", KO: "--offset에는 --partition이 필요합니다"})
			}
			if changed("group") && changed("partition") {
				return a.usage(cmd, i18n.Text{EN: "--group and --partition contradict each other: the group assigns the partitions", KO: "--group과 --partition은 함께 쓸 수 없습니다. 파티션은 그룹이 할당합니다"})
			}
			if f.isolation != "read_uncommitted" && f.isolation != "read_committed" {
				return a.usage(cmd, i18n.Text{EN: "unknown isolation level %q", KO: "알 수 없는 격리 수준 %q입니다"}.With(f.isolation),
					i18n.Text{EN: "choose read_uncommitted or read_committed", KO: "read_uncommitted 또는 read_committed를 고르세요"})
			}
			props, err := a.lineProperties(cmd, f.properties, "print.key", "print.value", "print.partition", "print.offset", "print.timestamp", "print.headers", "key.separator", "line.separator")
			if err != nil {
				return err
			}
			return a.consume(cmd, f, &recordPrinter{w: a.stdout, props: props, most: f.maxMessages})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	flags.StringVar(&f.group, "group", "", a.t("consume as a member of this group, and commit", "이 그룹의 멤버로 소비하고 커밋합니다"))
	flags.BoolVar(&f.fromBeginning, "from-beginning", false, a.t("start with the first record (default: with what comes next)", "첫 레코드부터 (기본값: 이제부터 오는 것)"))
	flags.Int32Var(&f.partition, "partition", 0, a.t("only this partition", "이 파티션만"))
	flags.StringVar(&f.offset, "offset", "latest", a.t("start of the partition: an offset, earliest or latest", "파티션의 시작 위치: 오프셋, earliest, latest"))
	flags.IntVar(&f.maxMessages, "max-messages", 0, a.t("end after so many records (default: go on)", "이만큼 출력하면 끝냅니다 (기본값: 계속)"))
	flags.Int64Var(&f.timeoutMs, "timeout-ms", 0, a.t("end when nothing arrives for so long (default: go on)", "이 시간(ms) 동안 아무것도 오지 않으면 끝냅니다 (기본값: 계속)"))
	flags.StringVar(&f.isolation, "isolation-level", "read_uncommitted", "read_uncommitted, read_committed")
	flags.StringArrayVar(&f.properties, "property", nil, "print.key, print.partition, print.offset, print.timestamp, print.headers, print.value=true|false, key.separator, line.separator")
	return cmd
}

func (a *app) consume(cmd *cobra.Command, f consumeFlags, printer *recordPrinter) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	printer.done = cancel
	found, err := a.findKafka(ctx)
	if err != nil {
		return err
	}
	sc, err := found.Config.Sarama()
	if err != nil {
		return err
	}
	if f.isolation == "read_committed" {
		sc.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	if f.timeoutMs > 0 {
		printer.quiet = time.AfterFunc(time.Duration(f.timeoutMs)*time.Millisecond, cancel)
		printer.patience = time.Duration(f.timeoutMs) * time.Millisecond
		defer printer.quiet.Stop()
	}
	start := sarama.OffsetNewest
	if f.fromBeginning {
		start = sarama.OffsetOldest
	}
	if f.group != "" {
		sc.Consumer.Offsets.Initial = start
		err = kafka.ConsumeGroup(ctx, found.Config, sc, f.group, []string{f.topic}, groupPrinter{printer}, kafka.GroupObserver{
			Idle:  func(why kafka.Idle) { fmt.Fprintln(a.stderr, why.Text.In(a.lang)) },
			Error: func(err error) { fmt.Fprintln(a.stderr, err) },
		})
	} else {
		err = a.consumePartitions(ctx, cmd, found.Config, sc, f, start, printer)
	}
	fmt.Fprintln(a.stderr, i18n.Text{EN: "%d records", KO: "레코드 %d개"}.With(printer.printed).In(a.lang))
	return nearestTopicOn(cmd.Context(), found.Config, f.topic, err)
}

// consumePartitions reads without a group: nothing is committed.
func (a *app) consumePartitions(ctx context.Context, cmd *cobra.Command, cfg kafka.Config, sc *sarama.Config, f consumeFlags, start int64, printer *recordPrinter) (err error) {
	client, err := kafka.NewClient(ctx, cfg, sc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	partitions, err := client.Partitions(f.topic)
	if err != nil {
		return &kafka.TopicNotFoundError{Topic: f.topic, Err: err}
	}
	if cmd.Flags().Changed("partition") {
		partitions = []int32{f.partition}
	}
	if cmd.Flags().Changed("offset") {
		if start, err = a.parseOffset(cmd, f.offset); err != nil {
			return err
		}
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return fmt.Errorf("create a consumer: %w", err)
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	var g errgroup.Group
	for _, partition := range partitions {
		pc, err := consumer.ConsumePartition(f.topic, partition, start)
		switch {
		case errors.Is(err, sarama.ErrOffsetOutOfRange):
			return problem.Usage(i18n.Text{EN: "partition %d of %s has no offset %s", KO: "%[2]s의 %[1]d번 파티션에는 오프셋 %[3]s이(가) 없습니다"}.With(partition, f.topic, f.offset),
				i18n.Text{EN: "see which it has: lab topic describe --topic %s", KO: "어떤 오프셋이 있는지 보세요: lab topic describe --topic %s"}.With(f.topic))
		case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			return problem.Usage(i18n.Text{EN: "topic %s has no partition %d", KO: "%s 토픽에 %d번 파티션이 없습니다"}.With(f.topic, partition),
				i18n.Text{EN: "see which it has: lab topic describe --topic %s", KO: "어떤 파티션이 있는지 보세요: lab topic describe --topic %s"}.With(f.topic))
		case err != nil:
			return fmt.Errorf("consume %s partition %d: %w", f.topic, partition, err)
		}
		g.Go(func() error {
			for err := range pc.Errors() {
				fmt.Fprintln(a.stderr, err)
			}
			return nil
		})
		g.Go(func() error {
			for {
				select {
				case m, ok := <-pc.Messages():
					if !ok || !printer.print(m) {
						pc.AsyncClose()
						return nil
					}
				case <-ctx.Done():
					pc.AsyncClose()
					for range pc.Messages() { // what was fetched already is not wanted any more
					}
					return nil
				}
			}
		})
	}
	return g.Wait()
}

func (a *app) parseOffset(cmd *cobra.Command, s string) (int64, error) {
	switch s {
	case "earliest":
		return sarama.OffsetOldest, nil
	case "latest":
		return sarama.OffsetNewest, nil
	}
	var offset int64
	if _, err := fmt.Sscan(s, &offset); err != nil || offset < 0 {
		return 0, a.usage(cmd, i18n.Text{EN: "%q is not an offset", KO: "%q은(는) 오프셋이 아닙니다"}.With(s),
			i18n.Text{EN: "write a number, earliest or latest", KO: "숫자나 earliest, latest를 쓰세요"})
	}
	return offset, nil
}

// recordPrinter prints records of several partitions, one at a time.
type recordPrinter struct {
	w        io.Writer
	props    lineProperties
	most     int // 0: any number
	done     func()
	quiet    *time.Timer // ends the command when nothing has arrived for patience
	patience time.Duration

	mu      sync.Mutex
	printed int
}

// print prints a record as kafka-console-consumer does. It returns false when the record was one too many.
func (p *recordPrinter) print(m *sarama.ConsumerMessage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most > 0 && p.printed >= p.most {
		return false
	}
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
	fmt.Fprint(p.w, strings.Join(fields, p.props.or("key.separator", "\t"))+p.props.or("line.separator", "\n"))
	p.printed++
	if p.quiet != nil {
		p.quiet.Reset(p.patience)
	}
	if p.printed == p.most {
		p.done()
	}
	return true
}

func orNull(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

// groupPrinter prints as a member of a group; sarama commits what is marked.
type groupPrinter struct{ *recordPrinter }

func (groupPrinter) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (groupPrinter) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (p groupPrinter) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		if !p.print(m) {
			return nil
		}
		s.MarkMessage(m, "")
	}
	return nil
}
