package main

import (
	"time"

	"github.com/spf13/cobra"

	"kafkahandson/internal/console"
)

func (a *app) produceCommand() *cobra.Command {
	var tool console.Produce
	cmd := &cobra.Command{
		Use:   "produce --topic NAME",
		Short: a.t("Send lines as records (kafka-console-producer)", "한 줄을 레코드 하나로 보냅니다 (kafka-console-producer)"),
		Example: `  lab produce --topic my-json-topic --samples
  echo '24:{"id":31,"age":24,"name":"Jiwoo","content":"hi"}' | lab produce --topic my-json-topic --property parse.key=true --property key.separator=:`,
		Args: a.noArgs,
		RunE: a.exchange(&tool),
	}
	flags := cmd.Flags()
	a.topicFlag(cmd, &tool.Topic)
	flags.StringVar(&tool.File, "file", "", a.t("read lines from a file (default: standard input)", "줄을 읽을 파일 (기본값: 표준 입력)"))
	flags.BoolVar(&tool.Samples, "samples", false, a.t("send the 30 greetings of the course", "강의의 인사말 30개를 보냅니다"))
	flags.StringArrayVar(&tool.Properties, "property", nil, "parse.key=true, key.separator=:, parse.headers=true, headers.delimiter")
	return cmd
}

func (a *app) consumeCommand() *cobra.Command {
	var (
		tool      console.Consume
		partition int32
		timeoutMs int64
	)
	run := a.exchange(&tool)
	cmd := &cobra.Command{
		Use:   "consume --topic NAME",
		Short: a.t("Print records as lines (kafka-console-consumer)", "레코드를 한 줄에 하나씩 출력합니다 (kafka-console-consumer)"),
		Example: `  lab consume --topic my-json-topic --from-beginning --property print.key=true --property print.partition=true
  lab consume --topic my-json-topic --partition 0 --offset 12 --max-messages 1`,
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("partition") {
				tool.Partitions = []int32{partition}
			}
			tool.Timeout = time.Duration(timeoutMs) * time.Millisecond
			return run(cmd, args)
		},
	}
	flags := cmd.Flags()
	a.topicFlag(cmd, &tool.Topic)
	flags.StringVar(&tool.Group, "group", "", a.t("consume as a member of this group, and commit", "이 그룹의 멤버로 소비하고 커밋합니다"))
	flags.BoolVar(&tool.FromBeginning, "from-beginning", false, a.t("start with the first record (default: with what comes next)", "첫 레코드부터 (기본값: 이제부터 오는 것)"))
	flags.Int32Var(&partition, "partition", 0, a.t("only this partition", "이 파티션만"))
	flags.StringVar(&tool.Offset, "offset", "", a.t("start of the partition: an offset, earliest or latest (default: as --from-beginning says)", "파티션의 시작 위치: 오프셋, earliest, latest (기본값: --from-beginning을 따릅니다)"))
	flags.IntVar(&tool.MaxMessages, "max-messages", 0, a.t("end after so many records (default: go on)", "이만큼 출력하면 끝냅니다 (기본값: 계속)"))
	flags.Int64Var(&timeoutMs, "timeout-ms", 0, a.t("end when nothing arrives for so long (default: go on)", "이 시간(ms) 동안 아무것도 오지 않으면 끝냅니다 (기본값: 계속)"))
	flags.StringVar(&tool.Isolation, "isolation-level", "read_uncommitted", "read_uncommitted, read_committed")
	flags.StringArrayVar(&tool.Properties, "property", nil, "print.key, print.partition, print.offset, print.timestamp, print.headers, print.value=true|false, key.separator, line.separator")
	return cmd
}
