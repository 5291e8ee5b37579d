package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
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
	var (
		topic       string
		partitions  int32
		replication int16
		configs     []string
		ifNotExists bool
	)
	cmd := &cobra.Command{
		Use:     "create --topic NAME",
		Short:   a.t("Create a topic", "토픽을 만듭니다"),
		Example: "  lab topic create --topic my-json-topic --partitions 3 --config retention.ms=3600000",
		Args:    a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic"); err != nil {
				return err
			}
			settings := map[string]string{}
			for _, c := range configs {
				name, value, ok := strings.Cut(c, "=")
				if !ok {
					return a.usage(cmd, i18n.Text{EN: "--config %q is not name=value", KO: "--config %q이(가) name=value 형식이 아닙니다"}.With(c))
				}
				settings[name] = value
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				create := cluster.CreateTopic(cmd.Context(), topic, partitions, replication, settings)
				if ifNotExists && errors.As(create, new(*admin.TopicExistsError)) {
					a.printf("%s\n", i18n.Text{EN: "Topic %s was there already.", KO: "%s 토픽은 이미 있었습니다."}.With(topic).In(a.lang))
					return nil
				}
				if create != nil {
					return create
				}
				a.printf("%s\n", i18n.Text{EN: "Created topic %s with %d partitions.", KO: "%s 토픽을 파티션 %d개로 만들었습니다."}.With(topic, partitions).In(a.lang))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	cmd.Flags().Int32Var(&partitions, "partitions", 3, a.t("number of partitions", "파티션 수"))
	cmd.Flags().Int16Var(&replication, "replication-factor", 0, a.t("replicas of each partition (default: 3, or as many as there are brokers)", "파티션마다의 복제본 수 (기본값: 3, 브로커가 더 적으면 그만큼)"))
	cmd.Flags().StringArrayVar(&configs, "config", nil, a.t("topic setting, name=value; may be repeated", "토픽 설정 name=value; 여러 번 쓸 수 있습니다"))
	cmd.Flags().BoolVar(&ifNotExists, "if-not-exists", false, a.t("no error if it is there already", "이미 있어도 오류로 보지 않습니다"))
	return cmd
}

func (a *app) topicAddPartitionsCommand() *cobra.Command {
	var (
		topic      string
		partitions int32
	)
	cmd := &cobra.Command{
		Use:   "add-partitions --topic NAME --partitions TOTAL",
		Short: a.t("Raise a topic to a number of partitions (kafka-topics --alter)", "토픽의 파티션을 늘립니다 (kafka-topics --alter)"),
		Long: a.t("Raises a topic to TOTAL partitions; Kafka cannot take any away. From then on a key may land in another partition than before, so the order of its records is only kept within each of the two.",
			"토픽의 파티션을 TOTAL개로 늘립니다. Kafka에서 파티션은 줄일 수 없습니다. 늘린 뒤에는 같은 키가 전과 다른 파티션으로 갈 수 있어서, 순서는 각 파티션 안에서만 지켜집니다."),
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic", "partitions"); err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				if err := cluster.AddPartitions(cmd.Context(), topic, partitions); err != nil {
					return nearestTopic(cmd.Context(), cluster, topic, err)
				}
				a.printf("%s\n", i18n.Text{EN: "Topic %s has %d partitions now.", KO: "%s 토픽의 파티션이 이제 %d개입니다."}.With(topic, partitions).In(a.lang))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	cmd.Flags().Int32Var(&partitions, "partitions", 0, a.t("number of partitions afterwards", "늘린 뒤의 파티션 수"))
	return cmd
}

func (a *app) topicDescribeCommand() *cobra.Command {
	var topic string
	cmd := &cobra.Command{
		Use:   "describe --topic NAME",
		Short: a.t("Show a topic's partitions, leaders, replicas and offsets", "토픽의 파티션, 리더, 복제본, 오프셋을 봅니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic"); err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				t, err := cluster.DescribeTopic(cmd.Context(), topic)
				if err != nil {
					return nearestTopic(cmd.Context(), cluster, topic, err)
				}
				var rows []table.Row
				for _, p := range t.Partitions {
					rows = append(rows, table.Row{t.Name, p.ID, p.Leader, brokerList(p.Replicas), brokerList(p.ISR), p.Start, p.End, p.End - p.Start})
				}
				a.table(table.Row{"topic", "partition", "leader", "replicas", "isr", "start", "end", "records"}, rows)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	return cmd
}

func brokerList(ids []int32) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(ids), "[]")), ",")
}

func (a *app) topicDeleteCommand() *cobra.Command {
	var topic string
	cmd := &cobra.Command{
		Use:   "delete --topic NAME",
		Short: a.t("Delete a topic and its records", "토픽과 그 안의 레코드를 지웁니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "topic"); err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				if err := cluster.DeleteTopic(cmd.Context(), topic); err != nil {
					return nearestTopic(cmd.Context(), cluster, topic, err)
				}
				a.printf("%s\n", i18n.Text{EN: "Deleted topic %s.", KO: "%s 토픽을 지웠습니다."}.With(topic).In(a.lang))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&topic, "topic", "", a.t("name of the topic", "토픽 이름"))
	return cmd
}

func (a *app) topicListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t("List the topics", "토픽 목록을 봅니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				topics, err := cluster.ListTopics(cmd.Context())
				for _, t := range topics {
					a.printf("%s\n", t)
				}
				return err
			})
		},
	}
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

// nearestTopicOn is [nearestTopic] for a command that has no cluster connection.
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
