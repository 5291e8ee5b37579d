package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

// ListGroups lists the consumer groups: kafka-consumer-groups --list.
type ListGroups struct{}

// Validate has nothing to check.
func (ListGroups) Validate() error { return nil }

// Run writes the names of the groups, one a line, sorted.
func (ListGroups) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	groups, err := cluster.ListGroups(ctx)
	if err != nil {
		return err
	}
	return s.write(lines(groups))
}

// DescribeGroup shows a group's members, committed offsets and lag: kafka-consumer-groups --describe.
type DescribeGroup struct {
	// Group is its name.
	Group string
}

// Validate checks the options.
func (g DescribeGroup) Validate() error { return required("group", g.Group) }

// Run writes the state of the group, and a table of its partitions if it has any.
func (g DescribeGroup) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	d, committed, err := existingGroup(ctx, cluster, g.Group)
	if err != nil {
		return err
	}
	owners := map[string]map[int32]string{}
	for _, m := range d.Members {
		for topic, partitions := range m.Claims {
			if owners[topic] == nil {
				owners[topic] = map[int32]string{}
			}
			for _, p := range partitions {
				owners[topic][p] = m.String()
			}
		}
	}
	if err := s.say(i18n.Text{EN: "group %s: %s, %d members", KO: "그룹 %s: %s, 멤버 %d개"}.With(g.Group, d.State, len(d.Members))); err != nil {
		return err
	}
	var rows []table.Row
	for _, name := range sortedUnion(maps.Keys(committed), maps.Keys(owners)) {
		topic, err := cluster.DescribeTopic(ctx, name)
		if err != nil && !errors.As(err, new(*kafka.TopicNotFoundError)) { // a deleted topic has no partitions
			return err
		}
		ends := map[int32]int64{}
		for _, p := range topic.Partitions {
			ends[p.ID] = p.End
		}
		for _, p := range sortedUnion(maps.Keys(ends), maps.Keys(committed[name]), maps.Keys(owners[name])) {
			at, isCommitted := committed[name][p]
			end, exists := ends[p]
			rows = append(rows, table.Row{name, p, orDash(fmt.Sprint(at), isCommitted), orDash(end, exists), orDash(fmt.Sprint(end-at), isCommitted && exists),
				orDash(owners[name][p], owners[name][p] != "")})
		}
	}
	if len(rows) > 0 {
		if err := s.write(Table(table.Row{"topic", "partition", "current-offset", "log-end-offset", "lag", "consumer"}, rows)); err != nil {
			return err
		}
	}
	for _, m := range d.Members {
		if len(m.Claims) == 0 {
			if err := s.say(i18n.Text{EN: "no partition: %s", KO: "할당된 파티션 없음: %s"}.With(m)); err != nil {
				return err
			}
		}
	}
	return nil
}

// existingGroup returns a group and what it has committed, by topic and partition. Kafka describes a group that nobody
// ever used as well, as Dead; here it is a problem.
func existingGroup(ctx context.Context, cluster *admin.Client, group string) (admin.GroupDescription, map[string]map[int32]int64, error) {
	d, err := cluster.DescribeGroup(ctx, group)
	if err != nil {
		return d, nil, err
	}
	committed, err := cluster.AllCommitted(ctx, group)
	if err == nil && d.State == "Dead" && len(committed) == 0 {
		err = problem.Usage(i18n.Text{EN: "there is no group %s", KO: "%s 그룹이 없습니다"}.With(group),
			append(nearestGroup(ctx, cluster, group), i18n.Text{EN: "see which there are: lab group list", KO: "어떤 그룹이 있는지 보세요: lab group list"})...)
	}
	return d, committed, err
}

// nearestGroup suggests the group that was probably meant.
func nearestGroup(ctx context.Context, cluster *admin.Client, group string) []i18n.Text {
	groups, err := cluster.ListGroups(ctx)
	if err != nil { // without a list there is no suggestion
		return nil
	}
	return problem.Nearest(group, groups)
}

// orDash is the cell of a table for a value that may be unknown, as in kafka-consumer-groups: without a commit there is no lag.
func orDash(value any, known bool) any {
	if !known {
		return "-"
	}
	return value
}

// sortedUnion returns each of the keys once, sorted.
func sortedUnion[K cmp.Ordered](keys ...iter.Seq[K]) []K {
	var all []K
	for _, k := range keys {
		all = slices.AppendSeq(all, k)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// DeleteGroup deletes a group and its committed offsets: kafka-consumer-groups --delete, but a dry run unless Execute.
type DeleteGroup struct {
	// Group is its name.
	Group string
	// Execute does it. Defaults to a dry run, which shows the group.
	Execute bool
}

// Validate checks the options.
func (g DeleteGroup) Validate() error { return required("group", g.Group) }

// Run deletes the group. One that has members is an [*admin.GroupActiveError], in a dry run too.
func (g DeleteGroup) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	if !g.Execute {
		if err := cluster.RequireInactive(ctx, g.Group); err != nil { // as it will be then
			return err
		}
		if err := (DescribeGroup{Group: g.Group}).Run(ctx, cluster, s); err != nil {
			return err
		}
		return s.say(i18n.Text{EN: "Nothing was deleted: this is a dry run. Add --execute to do it.", KO: "아무것도 지우지 않았습니다. 미리 보기입니다. 실제로 지우려면 --execute를 붙이세요."})
	}
	if _, _, err := existingGroup(ctx, cluster, g.Group); err != nil {
		return err
	}
	if err := cluster.DeleteGroup(ctx, g.Group); err != nil {
		return err
	}
	return s.say(i18n.Text{EN: "Deleted group %s.", KO: "%s 그룹을 지웠습니다."}.With(g.Group))
}
