package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

type resetFlags struct {
	group                  string
	topics                 []string
	allTopics              bool
	execute, dryRun        bool
	export                 bool
	toOffset, shiftBy      int64
	toDatetime, byDuration string
	fromFile               string
}

func (a *app) groupResetCommand() *cobra.Command {
	var f resetFlags
	cmd := &cobra.Command{
		Use:   "reset-offsets --group NAME --topic TOPIC[:PARTITION,…]",
		Short: a.t("Move a group's committed offsets; a dry run unless --execute", "그룹의 커밋된 오프셋을 옮깁니다; --execute가 없으면 미리 보기만 합니다"),
		Example: `  lab group reset-offsets --group test-consumer-group --topic my-json-topic --to-earliest
  lab group reset-offsets --group test-consumer-group --topic my-json-topic:0 --shift-by -5 --execute
  lab group reset-offsets --group test-consumer-group --all-topics --to-current --export > offsets.csv
  lab group reset-offsets --group test-consumer-group --from-file offsets.csv --execute`,
		Args: a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.require(cmd, "group"); err != nil {
				return err
			}
			if f.execute && f.dryRun {
				return a.usage(cmd, i18n.Text{EN: "--execute and --dry-run contradict each other", KO: "--execute와 --dry-run은 함께 쓸 수 없습니다"})
			}
			scenario, err := a.oneOf(cmd, i18n.Text{EN: "say once where to reset to", KO: "재설정할 위치를 하나만 지정하세요"}, resetScenarios())
			if err != nil {
				return err
			}
			targets, rule, err := a.resetRequest(cmd, f, scenario)
			if err != nil {
				return err
			}
			return a.withAdmin(cmd.Context(), func(cluster *admin.Client) error {
				return a.resetOffsets(cmd.Context(), cluster, f, targets, rule)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.group, "group", "", a.t("name of the group", "그룹 이름"))
	flags.StringArrayVar(&f.topics, "topic", nil, a.t("topic, or topic:0,2 for some partitions; may be repeated", "토픽, 일부 파티션만이면 topic:0,2처럼; 여러 번 쓸 수 있습니다"))
	flags.BoolVar(&f.allTopics, "all-topics", false, a.t("all topics in which the group has committed offsets", "그룹이 오프셋을 커밋한 모든 토픽"))
	flags.BoolVar(&f.execute, "execute", false, a.t("do it", "실제로 바꿉니다"))
	flags.BoolVar(&f.dryRun, "dry-run", false, a.t("only show what would change (the default)", "무엇이 바뀔지 보여 주기만 합니다 (기본값)"))
	flags.BoolVar(&f.export, "export", false, a.t("print topic,partition,offset lines (CSV) instead of a table", "표 대신 topic,partition,offset 줄(CSV)을 출력합니다"))
	flags.Bool("to-earliest", false, a.t("to the first record that is still there", "남아 있는 첫 레코드로"))
	flags.Bool("to-current", false, a.t("to where it is: with --export, a backup", "지금 위치 그대로: --export와 함께 쓰면 백업"))
	flags.Bool("to-latest", false, a.t("to the end", "끝으로"))
	flags.Int64Var(&f.toOffset, "to-offset", 0, a.t("to this offset", "이 오프셋으로"))
	flags.Int64Var(&f.shiftBy, "shift-by", 0, a.t("by so many records, backwards if negative", "이만큼 이동, 음수면 뒤로"))
	flags.StringVar(&f.toDatetime, "to-datetime", "", a.t("to the first record at or after a time: 2026-11-22T09:00:00.000, UTC unless it says otherwise", "이 시각 이후의 첫 레코드로: 2026-11-22T09:00:00.000, 시간대를 쓰지 않으면 UTC"))
	flags.StringVar(&f.byDuration, "by-duration", "", a.t("to the first record of the last so long: PT1H30M or 1h30m", "지금부터 이만큼 거슬러 올라간 시각 이후의 첫 레코드로: PT1H30M 또는 1h30m"))
	flags.StringVar(&f.fromFile, "from-file", "", a.t("to the offsets of a file that --export has written; - is standard input", "--export가 만든 파일의 오프셋으로; -는 표준 입력"))
	return cmd
}

// resetScenarios are the flags that say where to; exactly one must be given.
func resetScenarios() []string {
	return []string{"to-earliest", "to-current", "to-latest", "to-offset", "shift-by", "to-datetime", "by-duration", "from-file"}
}

// oneOf returns the one of the flags that was given.
func (a *app) oneOf(cmd *cobra.Command, otherwise i18n.Text, flags []string) (string, error) {
	var given []string
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		return "", a.usage(cmd, otherwise, i18n.Text{EN: "one of --%s", KO: "다음 중 하나: --%s"}.With(strings.Join(flags, ", --")))
	}
	return given[0], nil
}

func (a *app) resetOffsets(ctx context.Context, cluster *admin.Client, f resetFlags, targets []resetTarget, rule ruleOf) error {
	// Before anything else that may be wrong, and in a dry run too, as kafka-consumer-groups does.
	if err := cluster.RequireInactive(ctx, f.group); err != nil {
		return err
	}
	if f.allTopics {
		var err error
		if targets, err = a.committedTopics(ctx, cluster, f.group); err != nil {
			return err
		}
	}
	var plan []admin.OffsetReset
	for _, t := range targets {
		changes, err := cluster.PlanReset(ctx, f.group, t.topic, t.partitions, rule(cluster))
		if err != nil {
			return nearestTopic(ctx, cluster, t.topic, err)
		}
		plan = append(plan, changes...)
	}
	if f.execute {
		if err := cluster.ExecuteReset(ctx, f.group, plan); err != nil {
			return err
		}
	}
	if f.export {
		return writeOffsets(a.stdout, plan)
	}
	a.printPlan(f.group, plan)
	if !f.execute {
		a.printf("%s\n", a.t("Nothing was changed: this is a dry run. Add --execute to do it.", "아무것도 바뀌지 않았습니다. 미리 보기입니다. 실제로 바꾸려면 --execute를 붙이세요."))
	}
	return nil
}

func (a *app) printPlan(group string, plan []admin.OffsetReset) {
	var rows []table.Row
	for _, r := range plan {
		from := "-"
		if r.From >= 0 {
			from = fmt.Sprint(r.From)
		}
		rows = append(rows, table.Row{group, r.Topic, r.Partition, from, r.To})
	}
	a.table(table.Row{"group", "topic", "partition", "current-offset", "new-offset"}, rows)
}

// resetTarget is a topic whose offsets are to move; no partitions means all of them.
type resetTarget struct {
	topic      string
	partitions []int32
}

// ruleOf is a rule, once there is a cluster to ask.
type ruleOf func(*admin.Client) admin.OffsetRule

func fixed(rule admin.OffsetRule) ruleOf { return func(*admin.Client) admin.OffsetRule { return rule } }

// resetRequest reads the command line. With --all-topics the targets are not known yet.
func (a *app) resetRequest(cmd *cobra.Command, f resetFlags, scenario string) ([]resetTarget, ruleOf, error) {
	if scenario == "from-file" {
		if len(f.topics) > 0 || f.allTopics {
			return nil, nil, a.usage(cmd, i18n.Text{EN: "--from-file says which topics it is about: leave --topic and --all-topics out", KO: "--from-file에 어떤 토픽인지 들어 있으니 --topic과 --all-topics를 빼세요"})
		}
		return a.readOffsetsFile(cmd, f.fromFile)
	}
	rule, err := a.resetRule(cmd, f, scenario)
	if err != nil {
		return nil, nil, err
	}
	if _, err := a.oneOf(cmd, i18n.Text{EN: "say of which topics", KO: "어떤 토픽인지 지정하세요"}, []string{"topic", "all-topics"}); err != nil {
		return nil, nil, err
	}
	var targets []resetTarget
	for _, s := range f.topics {
		topic, partitions, err := a.topicPartitions(cmd, s)
		if err != nil {
			return nil, nil, err
		}
		targets = append(targets, resetTarget{topic, partitions})
	}
	return targets, rule, nil
}

func (a *app) committedTopics(ctx context.Context, cluster *admin.Client, group string) ([]resetTarget, error) {
	topics, err := cluster.CommittedTopics(ctx, group)
	if err != nil {
		return nil, err
	}
	if len(topics) == 0 {
		return nil, problem.Usage(i18n.Text{EN: "group %s has no committed offsets", KO: "%s 그룹에는 커밋된 오프셋이 없습니다"}.With(group),
			append(nearestGroup(ctx, cluster, group), i18n.Text{EN: "name the topic: --topic my-json-topic", KO: "토픽을 지정하세요: --topic my-json-topic"},
				i18n.Text{EN: "look for a typing mistake: lab group list", KO: "이름이 맞는지 확인하세요: lab group list"})...)
	}
	var targets []resetTarget
	for _, topic := range topics {
		targets = append(targets, resetTarget{topic: topic})
	}
	return targets, nil
}

func (a *app) resetRule(cmd *cobra.Command, f resetFlags, scenario string) (ruleOf, error) {
	switch scenario {
	case "to-earliest":
		return fixed(admin.ToEarliest), nil
	case "to-current":
		return fixed(admin.ToCurrent), nil
	case "to-latest":
		return fixed(admin.ToLatest), nil
	case "to-offset":
		return fixed(admin.ToOffset(f.toOffset)), nil
	case "shift-by":
		return fixed(admin.ShiftBy(f.shiftBy)), nil
	}
	var at time.Time
	if scenario == "to-datetime" {
		var err error
		if at, err = parseDatetime(f.toDatetime); err != nil {
			return nil, a.usage(cmd, i18n.Text{EN: "%q is not a time", KO: "%q은(는) 시각이 아닙니다"}.With(f.toDatetime),
				i18n.Text{EN: "write it as 2026-11-22T09:00:00.000 (UTC) or 2026-11-22T18:00:00+09:00", KO: "2026-11-22T09:00:00.000 (UTC) 또는 2026-11-22T18:00:00+09:00처럼 쓰세요"})
		}
	} else {
		ago, err := parseDuration(f.byDuration)
		if err != nil {
			return nil, a.usage(cmd, i18n.Text{EN: "%q is not a duration", KO: "%q은(는) 기간이 아닙니다"}.With(f.byDuration),
				i18n.Text{EN: "write it as PT1H30M (ISO-8601) or 1h30m; PT72H and P3D are three days", KO: "PT1H30M (ISO-8601) 또는 1h30m처럼 쓰세요. 사흘은 PT72H 또는 P3D입니다"})
		}
		at = time.Now().Add(-ago)
	}
	return func(cluster *admin.Client) admin.OffsetRule { return cluster.ToDatetime(at) }, nil
}

// writeOffsets writes a plan as kafka-consumer-groups exports it.
func writeOffsets(w io.Writer, plan []admin.OffsetReset) error {
	lines := csv.NewWriter(w)
	for _, r := range plan {
		if err := lines.Write([]string{r.Topic, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.To, 10)}); err != nil {
			return err
		}
	}
	lines.Flush()
	return lines.Error()
}

// readOffsetsFile reads what writeOffsets or kafka-consumer-groups has written.
func (a *app) readOffsetsFile(cmd *cobra.Command, name string) ([]resetTarget, ruleOf, error) {
	file := a.stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, nil, a.usage(cmd, i18n.Text{EN: "the file cannot be read: %v", KO: "파일을 읽을 수 없습니다: %v"}.With(err))
		}
		defer func() { _ = file.Close() }() // it was only read
	}
	offsets, err := readOffsets(file)
	if err != nil {
		return nil, nil, a.usage(cmd, i18n.Text{EN: "%s holds no offsets: %v", KO: "%s에서 오프셋을 읽을 수 없습니다: %v"}.With(name, err),
			i18n.Text{EN: "write a line topic,partition,offset for each partition, as in my-json-topic,0,12", KO: "파티션마다 topic,partition,offset 형식으로 한 줄씩 쓰세요. 예: my-json-topic,0,12"})
	}
	var targets []resetTarget
	to := map[string]map[int32]int64{}
	for _, o := range offsets {
		if to[o.Topic] == nil {
			to[o.Topic] = map[int32]int64{}
			targets = append(targets, resetTarget{topic: o.Topic})
		}
		to[o.Topic][o.Partition] = o.To
		of := slices.IndexFunc(targets, func(t resetTarget) bool { return t.topic == o.Topic })
		targets[of].partitions = append(targets[of].partitions, o.Partition)
	}
	return targets, fixed(func(_ context.Context, topic string, p admin.Partition, _ int64) (int64, error) {
		return to[topic][p.ID], nil
	}), nil
}

func readOffsets(r io.Reader) ([]admin.OffsetReset, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = 3
	lines.TrimLeadingSpace = true
	var offsets []admin.OffsetReset
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			if len(offsets) == 0 {
				return nil, errors.New("it is empty")
			}
			return offsets, nil
		}
		if err != nil {
			return nil, err
		}
		at, _ := lines.FieldPos(0)
		partition, err := strconv.ParseInt(fields[1], 10, 32)
		if err != nil || partition < 0 {
			return nil, fmt.Errorf("line %d: %q is not a partition", at, fields[1])
		}
		offset, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || offset < 0 {
			return nil, fmt.Errorf("line %d: %q is not an offset", at, fields[2])
		}
		offsets = append(offsets, admin.OffsetReset{Topic: fields[0], Partition: int32(partition), To: offset})
	}
}

// topicPartitions reads "topic" or "topic:0,2".
func (a *app) topicPartitions(cmd *cobra.Command, s string) (string, []int32, error) {
	topic, list, some := strings.Cut(s, ":")
	if !some {
		return topic, nil, nil
	}
	var partitions []int32
	for _, item := range strings.Split(list, ",") {
		p, err := strconv.ParseInt(strings.TrimSpace(item), 10, 32)
		if err != nil || p < 0 {
			return "", nil, a.usage(cmd, i18n.Text{EN: "%q is not a partition", KO: "%q은(는) 파티션 번호가 아닙니다"}.With(item),
				i18n.Text{EN: "write --topic my-json-topic:0,2", KO: "--topic my-json-topic:0,2처럼 쓰세요"})
		}
		partitions = append(partitions, int32(p))
	}
	return topic, partitions, nil
}
