package main

import (
	"github.com/spf13/cobra"

	"kafkahandson/internal/console"
	"kafkahandson/internal/i18n"
)

func (a *app) groupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "group",
		Short: a.t("List, describe, reset and delete consumer groups (kafka-consumer-groups)", "컨슈머 그룹을 나열하고, 살펴보고, 오프셋을 재설정하고, 지웁니다 (kafka-consumer-groups)"),
		Args:  a.unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.groupListCommand(), a.groupDescribeCommand(), a.groupResetCommand(), a.groupDeleteCommand())
	return cmd
}

func (a *app) groupListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t("List the groups", "그룹 목록을 봅니다"),
		Args:  a.noArgs,
		RunE:  a.administer(console.ListGroups{}),
	}
}

func (a *app) groupDescribeCommand() *cobra.Command {
	var tool console.DescribeGroup
	cmd := &cobra.Command{
		Use:   "describe --group NAME",
		Short: a.t("Show a group's members, committed offsets and lag", "그룹의 멤버, 커밋된 오프셋, 지연(lag)을 봅니다"),
		Args:  a.noArgs,
		RunE:  a.administer(&tool),
	}
	a.groupFlag(cmd, &tool.Group)
	return cmd
}

func (a *app) groupResetCommand() *cobra.Command {
	var (
		tool              console.ResetOffsets
		dryRun            bool
		toOffset, shiftBy int64
	)
	run := a.administer(&tool)
	cmd := &cobra.Command{
		Use:   "reset-offsets --group NAME --topic TOPIC[:PARTITION,…]",
		Short: a.t("Move a group's committed offsets; a dry run unless --execute", "그룹의 커밋된 오프셋을 옮깁니다; --execute가 없으면 미리 보기만 합니다"),
		Example: `  lab group reset-offsets --group test-consumer-group --topic my-json-topic --to-earliest
  lab group reset-offsets --group test-consumer-group --topic my-json-topic:0 --shift-by -5 --execute
  lab group reset-offsets --group test-consumer-group --all-topics --to-current --export > offsets.csv
  lab group reset-offsets --group test-consumer-group --from-file offsets.csv --execute`,
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if tool.Execute && dryRun {
				return a.usage(cmd, i18n.Text{EN: "--execute and --dry-run contradict each other", KO: "--execute와 --dry-run은 함께 쓸 수 없습니다"})
			}
			if cmd.Flags().Changed("to-offset") {
				tool.ToOffset = &toOffset
			}
			if cmd.Flags().Changed("shift-by") {
				tool.ShiftBy = &shiftBy
			}
			return run(cmd, args)
		},
	}
	flags := cmd.Flags()
	a.groupFlag(cmd, &tool.Group)
	flags.StringArrayVar(&tool.Topics, "topic", nil, a.t("topic, or topic:0,2 for some partitions; may be repeated", "토픽, 일부 파티션만이면 topic:0,2처럼; 여러 번 쓸 수 있습니다"))
	flags.BoolVar(&tool.AllTopics, "all-topics", false, a.t("all topics in which the group has committed offsets", "그룹이 오프셋을 커밋한 모든 토픽"))
	flags.BoolVar(&tool.Execute, "execute", false, a.t("do it", "실제로 바꿉니다"))
	flags.BoolVar(&dryRun, "dry-run", false, a.t("only show what would change (the default)", "무엇이 바뀔지 보여 주기만 합니다 (기본값)"))
	flags.BoolVar(&tool.Export, "export", false, a.t("print topic,partition,offset lines (CSV) instead of a table", "표 대신 topic,partition,offset 줄(CSV)을 출력합니다"))
	flags.BoolVar(&tool.ToEarliest, "to-earliest", false, a.t("to the first record that is still there", "남아 있는 첫 레코드로"))
	flags.BoolVar(&tool.ToCurrent, "to-current", false, a.t("to where it is: with --export, a backup", "지금 위치 그대로: --export와 함께 쓰면 백업"))
	flags.BoolVar(&tool.ToLatest, "to-latest", false, a.t("to the end", "끝으로"))
	flags.Int64Var(&toOffset, "to-offset", 0, a.t("to this offset", "이 오프셋으로"))
	flags.Int64Var(&shiftBy, "shift-by", 0, a.t("by so many records, backwards if negative", "이만큼 이동, 음수면 뒤로"))
	flags.StringVar(&tool.ToDatetime, "to-datetime", "", a.t("to the first record at or after a time: 2026-11-22T09:00:00.000, UTC unless it says otherwise", "이 시각 이후의 첫 레코드로: 2026-11-22T09:00:00.000, 시간대를 쓰지 않으면 UTC"))
	flags.StringVar(&tool.ByDuration, "by-duration", "", a.t("to the first record of the last so long: PT1H30M or 1h30m", "지금부터 이만큼 거슬러 올라간 시각 이후의 첫 레코드로: PT1H30M 또는 1h30m"))
	flags.StringVar(&tool.FromFile, "from-file", "", a.t("to the offsets of a file that --export has written; - is standard input", "--export가 만든 파일의 오프셋으로; -는 표준 입력"))
	return cmd
}

func (a *app) groupDeleteCommand() *cobra.Command {
	var tool console.DeleteGroup
	cmd := &cobra.Command{
		Use:   "delete --group NAME",
		Short: a.t("Delete a group and its committed offsets; a dry run unless --execute", "그룹과 커밋된 오프셋을 지웁니다; --execute가 없으면 미리 보기만 합니다"),
		Args:  a.noArgs,
		RunE:  a.administer(&tool),
	}
	a.groupFlag(cmd, &tool.Group)
	cmd.Flags().BoolVar(&tool.Execute, "execute", false, a.t("do it", "실제로 지웁니다"))
	return cmd
}

func (a *app) groupFlag(cmd *cobra.Command, group *string) {
	cmd.Flags().StringVar(group, "group", "", a.t("name of the group", "그룹 이름"))
}
