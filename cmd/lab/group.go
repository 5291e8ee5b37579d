package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
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
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				groups, err := cluster.ListGroups(cmd.Context())
				for _, g := range groups {
					a.printf("%s\n", g)
				}
				return err
			})
		},
	}
}

func (a *app) groupDescribeCommand() *cobra.Command {
	var group string
	cmd := &cobra.Command{
		Use:   "describe --group NAME",
		Short: a.t("Show a group's members, committed offsets and lag", "그룹의 멤버, 커밋된 오프셋, 지연(lag)을 봅니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "group"); err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error { return a.describeGroup(cmd.Context(), cluster, group) })
		},
	}
	cmd.Flags().StringVar(&group, "group", "", a.t("name of the group", "그룹 이름"))
	return cmd
}

// existingGroup returns a group and the topics in which it has committed offsets. Kafka describes a group that nobody
// ever used as well, as Dead; here it is a problem.
func existingGroup(ctx context.Context, cluster *admin.Client, group string) (admin.GroupDescription, []string, error) {
	d, err := cluster.DescribeGroup(ctx, group)
	if err != nil {
		return d, nil, err
	}
	topics, err := cluster.CommittedTopics(ctx, group)
	if err == nil && d.State == "Dead" && len(topics) == 0 {
		err = problem.Usage(i18n.Text{EN: "there is no group %s", KO: "%s 그룹이 없습니다"}.With(group),
			append(nearestGroup(ctx, cluster, group), i18n.Text{EN: "see which there are: lab group list", KO: "어떤 그룹이 있는지 보세요: lab group list"})...)
	}
	return d, topics, err
}

func (a *app) describeGroup(ctx context.Context, cluster *admin.Client, group string) error {
	d, topics, err := existingGroup(ctx, cluster, group)
	if err != nil {
		return err
	}
	type claim struct {
		topic     string
		partition int32
	}
	owners := map[claim]string{}
	for _, m := range d.Members {
		for topic, partitions := range m.Claims {
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
			for _, p := range partitions {
				owners[claim{topic, p}] = m.String()
			}
		}
	}
	slices.Sort(topics)
	a.printf("%s\n", i18n.Text{EN: "group %s: %s, %d members", KO: "그룹 %s: %s, 멤버 %d개"}.With(group, d.State, len(d.Members)).In(a.lang))
	var rows []table.Row
	for _, name := range topics {
		topic, err := cluster.DescribeTopic(ctx, name)
		if err != nil {
			return err
		}
		committed, err := cluster.Committed(ctx, group, name)
		if err != nil {
			return err
		}
		for _, p := range topic.Partitions {
			at, lag := "-", "-" // as kafka-consumer-groups: no commit, no lag
			if committed[p.ID] >= 0 {
				at, lag = fmt.Sprint(committed[p.ID]), fmt.Sprint(p.End-committed[p.ID])
			}
			rows = append(rows, table.Row{name, p.ID, at, p.End, lag, orDash(owners[claim{name, p.ID}])})
		}
	}
	if len(rows) > 0 {
		a.table(table.Row{"topic", "partition", "current-offset", "log-end-offset", "lag", "consumer"}, rows)
	}
	for _, m := range d.Members {
		if len(m.Claims) == 0 {
			a.printf("%s\n", i18n.Text{EN: "no partition: %s", KO: "할당된 파티션 없음: %s"}.With(m).In(a.lang))
		}
	}
	return nil
}

// nearestGroup suggests the group that was probably meant.
func nearestGroup(ctx context.Context, cluster *admin.Client, group string) []i18n.Text {
	groups, err := cluster.ListGroups(ctx)
	if err != nil { // without a list there is no suggestion
		return nil
	}
	return problem.Nearest(group, groups)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (a *app) groupDeleteCommand() *cobra.Command {
	var (
		group   string
		execute bool
	)
	cmd := &cobra.Command{
		Use:   "delete --group NAME",
		Short: a.t("Delete a group and its committed offsets; a dry run unless --execute", "그룹과 커밋된 오프셋을 지웁니다; --execute가 없으면 미리 보기만 합니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "group"); err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				if !execute {
					if err := cluster.RequireInactive(cmd.Context(), group); err != nil { // as it will be then
						return err
					}
					if err := a.describeGroup(cmd.Context(), cluster, group); err != nil {
						return err
					}
					a.printf("%s\n", a.t("Nothing was deleted: this is a dry run. Add --execute to do it.", "아무것도 지우지 않았습니다. 미리 보기입니다. 실제로 지우려면 --execute를 붙이세요."))
					return nil
				}
				if _, _, err := existingGroup(cmd.Context(), cluster, group); err != nil {
					return err
				}
				if err := cluster.DeleteGroup(cmd.Context(), group); err != nil {
					return err
				}
				a.printf("%s\n", i18n.Text{EN: "Deleted group %s.", KO: "%s 그룹을 지웠습니다."}.With(group).In(a.lang))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&group, "group", "", a.t("name of the group", "그룹 이름"))
	cmd.Flags().BoolVar(&execute, "execute", false, a.t("do it", "실제로 지웁니다"))
	return cmd
}
