package main

import (
	"github.com/spf13/cobra"

	"kafkahandson/internal/console"
)

func (a *app) topicCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topic",
		Short: a.t("Create, describe, grow, delete and list topics (kafka-topics)", "토픽을 만들고, 살펴보고, 늘리고, 지우고, 나열합니다 (kafka-topics)"),
		Args:  a.unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.topicCreateCommand(), a.topicAddPartitionsCommand(), a.topicDescribeCommand(), a.topicDeleteCommand(), a.topicListCommand())
	return cmd
}

func (a *app) topicCreateCommand() *cobra.Command {
	var tool console.CreateTopic
	cmd := &cobra.Command{
		Use:     "create --topic NAME",
		Short:   a.t("Create a topic", "토픽을 만듭니다"),
		Example: "  lab topic create --topic my-json-topic --partitions 3 --config retention.ms=3600000",
		Args:    a.noArgs,
		RunE:    a.administer(&tool),
	}
	flags := cmd.Flags()
	a.topicFlag(cmd, &tool.Topic)
	flags.Int32Var(&tool.Partitions, "partitions", 3, a.t("number of partitions", "파티션 수"))
	flags.Int16Var(&tool.ReplicationFactor, "replication-factor", 0, a.t("replicas of each partition (default: 3, or as many as there are brokers)", "파티션마다의 복제본 수 (기본값: 3, 브로커가 더 적으면 그만큼)"))
	flags.StringArrayVar(&tool.Configs, "config", nil, a.t("topic setting, name=value; may be repeated", "토픽 설정 name=value; 여러 번 쓸 수 있습니다"))
	flags.BoolVar(&tool.IfNotExists, "if-not-exists", false, a.t("no error if it is there already", "이미 있어도 오류로 보지 않습니다"))
	return cmd
}

func (a *app) topicAddPartitionsCommand() *cobra.Command {
	var tool console.AddPartitions
	cmd := &cobra.Command{
		Use:   "add-partitions --topic NAME --partitions TOTAL",
		Short: a.t("Raise a topic to a number of partitions (kafka-topics --alter)", "토픽의 파티션을 늘립니다 (kafka-topics --alter)"),
		Long: a.t("Raises a topic to TOTAL partitions; Kafka cannot take any away. From then on a key may land in another partition than before, so the order of its records is only kept within each of the two.",
			"토픽의 파티션을 TOTAL개로 늘립니다. Kafka에서 파티션은 줄일 수 없습니다. 늘린 뒤에는 같은 키가 전과 다른 파티션으로 갈 수 있어서, 순서는 각 파티션 안에서만 지켜집니다."),
		Args: a.noArgs,
		RunE: a.administer(&tool),
	}
	a.topicFlag(cmd, &tool.Topic)
	cmd.Flags().Int32Var(&tool.Partitions, "partitions", 0, a.t("number of partitions afterwards", "늘린 뒤의 파티션 수"))
	return cmd
}

func (a *app) topicDescribeCommand() *cobra.Command {
	var tool console.DescribeTopic
	cmd := &cobra.Command{
		Use:   "describe --topic NAME",
		Short: a.t("Show a topic's partitions, leaders, replicas and offsets", "토픽의 파티션, 리더, 복제본, 오프셋을 봅니다"),
		Args:  a.noArgs,
		RunE:  a.administer(&tool),
	}
	a.topicFlag(cmd, &tool.Topic)
	return cmd
}

func (a *app) topicDeleteCommand() *cobra.Command {
	var tool console.DeleteTopic
	cmd := &cobra.Command{
		Use:   "delete --topic NAME",
		Short: a.t("Delete a topic and its records", "토픽과 그 안의 레코드를 지웁니다"),
		Args:  a.noArgs,
		RunE:  a.administer(&tool),
	}
	a.topicFlag(cmd, &tool.Topic)
	return cmd
}

func (a *app) topicListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t("List the topics", "토픽 목록을 봅니다"),
		Args:  a.noArgs,
		RunE:  a.administer(console.ListTopics{}),
	}
}

func (a *app) topicFlag(cmd *cobra.Command, topic *string) {
	cmd.Flags().StringVar(topic, "topic", "", a.t("name of the topic", "토픽 이름"))
}
