package console

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

// ResetOffsets moves a group's committed offsets: kafka-consumer-groups --reset-offsets.
type ResetOffsets struct {
	// Group is its name.
	Group string

	// Topics are the topics whose offsets move, or topic:0,2 for some partitions of one.
	Topics []string
	// AllTopics stands for all topics in which the group has committed offsets.
	AllTopics bool

	// Where to; exactly one of these must be given.

	// ToEarliest is the first record that is still there.
	ToEarliest bool
	// ToCurrent is where it is: with Export, a backup.
	ToCurrent bool
	// ToLatest is the end.
	ToLatest bool
	// ToOffset is an offset. One outside a partition becomes its first or its end offset.
	ToOffset *int64
	// ShiftBy is a number of records from where it is, backwards if negative.
	ShiftBy *int64
	// ToDatetime is the first record at or after a time, as 2026-11-22T09:00:00.000: UTC unless it names a zone.
	ToDatetime string
	// ByDuration is the first record of the last so long: PT1H30M (ISO-8601) or 1h30m.
	ByDuration string
	// FromFile names a file that Export has written, with the topics in it; "-" is [Streams.In].
	FromFile string

	// Execute does it. Defaults to a dry run, which only shows what would change.
	Execute bool
	// Export writes topic,partition,offset lines (CSV) in place of a table.
	Export bool
}

// Validate checks the options. It reads no file.
func (r ResetOffsets) Validate() error {
	if err := required("group", r.Group); err != nil {
		return err
	}
	if _, err := r.rule(); err != nil {
		return err
	}
	switch {
	case r.FromFile == "" && (len(r.Topics) > 0) == r.AllTopics:
		return problem.Usage(i18n.Text{EN: "say of which topics", KO: "어떤 토픽인지 지정하세요"}, oneOf("topic", "all-topics"))
	case r.FromFile != "" && (len(r.Topics) > 0 || r.AllTopics):
		return problem.Usage(i18n.Text{EN: "--from-file says which topics it is about: leave --topic and --all-topics out", KO: "--from-file에 어떤 토픽인지 들어 있으니 --topic과 --all-topics를 빼세요"})
	}
	_, err := r.targets()
	return err
}

// Run moves the offsets. A group that has members is an [*admin.GroupActiveError], in a dry run too.
func (r ResetOffsets) Run(ctx context.Context, cluster *admin.Client, s Streams) error {
	rule, err := r.rule()
	if err != nil {
		return err
	}
	targets, err := r.targets()
	if err != nil {
		return err
	}
	if r.FromFile != "" {
		if targets, rule, err = r.readFile(s.In); err != nil {
			return err
		}
	}
	// Before anything else that may be wrong on the cluster, and in a dry run too, as kafka-consumer-groups does.
	if err := cluster.RequireInactive(ctx, r.Group); err != nil {
		return err
	}
	if r.AllTopics {
		if targets, err = committedTopics(ctx, cluster, r.Group); err != nil {
			return err
		}
	}
	var plan []admin.OffsetReset
	for _, t := range targets {
		changes, err := cluster.PlanReset(ctx, r.Group, t.topic, t.partitions, rule(cluster))
		if err != nil {
			return namedTopic(ctx, cluster, err)
		}
		plan = append(plan, changes...)
	}
	if r.Execute {
		if err := cluster.ExecuteReset(ctx, r.Group, plan); err != nil {
			return err
		}
	}
	if r.Export {
		return writeOffsets(s.Out, plan)
	}
	if err := s.write(planTable(r.Group, plan)); err != nil || r.Execute {
		return err
	}
	return s.say(i18n.Text{EN: "Nothing was changed: this is a dry run. Add --execute to do it.", KO: "아무것도 바뀌지 않았습니다. 미리 보기입니다. 실제로 바꾸려면 --execute를 붙이세요."})
}

func planTable(group string, plan []admin.OffsetReset) string {
	var rows []table.Row
	for _, r := range plan {
		from := "-"
		if r.From >= 0 {
			from = fmt.Sprint(r.From)
		}
		rows = append(rows, table.Row{group, r.Topic, r.Partition, from, r.To})
	}
	return Table(table.Row{"group", "topic", "partition", "current-offset", "new-offset"}, rows)
}

// ruleOf is a rule, once there is a cluster to ask.
type ruleOf func(*admin.Client) admin.OffsetRule

func fixed(rule admin.OffsetRule) ruleOf { return func(*admin.Client) admin.OffsetRule { return rule } }

// rule is the one that was given; nil where it comes from a file.
func (r ResetOffsets) rule() (ruleOf, error) {
	scenarios := []struct {
		flag  string
		given bool
		rule  func() (ruleOf, error)
	}{
		{"to-earliest", r.ToEarliest, func() (ruleOf, error) { return fixed(admin.ToEarliest), nil }},
		{"to-current", r.ToCurrent, func() (ruleOf, error) { return fixed(admin.ToCurrent), nil }},
		{"to-latest", r.ToLatest, func() (ruleOf, error) { return fixed(admin.ToLatest), nil }},
		{"to-offset", r.ToOffset != nil, func() (ruleOf, error) { return fixed(admin.ToOffset(*r.ToOffset)), nil }},
		{"shift-by", r.ShiftBy != nil, func() (ruleOf, error) { return fixed(admin.ShiftBy(*r.ShiftBy)), nil }},
		{"to-datetime", r.ToDatetime != "", r.toDatetime},
		{"by-duration", r.ByDuration != "", r.byDuration},
		{"from-file", r.FromFile != "", func() (ruleOf, error) { return nil, nil }},
	}
	var flags []string
	var chosen []func() (ruleOf, error)
	for _, s := range scenarios {
		flags = append(flags, s.flag)
		if s.given {
			chosen = append(chosen, s.rule)
		}
	}
	if len(chosen) != 1 {
		return nil, problem.Usage(i18n.Text{EN: "say once where to reset to", KO: "재설정할 위치를 하나만 지정하세요"}, oneOf(flags...))
	}
	return chosen[0]()
}

// oneOf is the way out where exactly one of some flags must be given.
func oneOf(flags ...string) i18n.Text {
	return i18n.Text{EN: "one of --%s", KO: "다음 중 하나: --%s"}.With(strings.Join(flags, ", --"))
}

func (r ResetOffsets) toDatetime() (ruleOf, error) {
	at, err := parseDatetime(r.ToDatetime)
	if err != nil {
		return nil, problem.Usage(i18n.Text{EN: "%q is not a time", KO: "%q은(는) 시각이 아닙니다"}.With(r.ToDatetime),
			i18n.Text{EN: "write it as 2026-11-22T09:00:00.000 (UTC) or 2026-11-22T18:00:00+09:00", KO: "2026-11-22T09:00:00.000 (UTC) 또는 2026-11-22T18:00:00+09:00처럼 쓰세요"})
	}
	return func(cluster *admin.Client) admin.OffsetRule { return cluster.ToDatetime(at) }, nil
}

func (r ResetOffsets) byDuration() (ruleOf, error) {
	ago, err := parseDuration(r.ByDuration)
	if err != nil {
		return nil, problem.Usage(i18n.Text{EN: "%q is not a duration", KO: "%q은(는) 기간이 아닙니다"}.With(r.ByDuration),
			i18n.Text{EN: "write it as PT1H30M (ISO-8601) or 1h30m; PT72H and P3D are three days", KO: "PT1H30M (ISO-8601) 또는 1h30m처럼 쓰세요. 사흘은 PT72H 또는 P3D입니다"})
	}
	at := time.Now().Add(-ago)
	return func(cluster *admin.Client) admin.OffsetRule { return cluster.ToDatetime(at) }, nil
}

// resetTarget is a topic whose offsets are to move; no partitions means all of them.
type resetTarget struct {
	topic      string
	partitions []int32
}

// targets are those that Topics names.
func (r ResetOffsets) targets() ([]resetTarget, error) {
	var targets []resetTarget
	for _, s := range r.Topics {
		topic, partitions, err := topicPartitions(s)
		if err != nil {
			return nil, err
		}
		targets = append(targets, resetTarget{topic, partitions})
	}
	for i, t := range targets {
		for _, before := range targets[:i] {
			if t.overlaps(before) {
				return nil, twice(t.topic)
			}
		}
	}
	return targets, nil
}

// overlaps tells whether a partition may be in both.
func (t resetTarget) overlaps(o resetTarget) bool {
	return t.topic == o.topic && (len(t.partitions) == 0 || len(o.partitions) == 0 ||
		slices.ContainsFunc(t.partitions, func(p int32) bool { return slices.Contains(o.partitions, p) }))
}

func twice(topic string) error {
	return problem.Usage(i18n.Text{EN: "partitions of %s are named twice", KO: "%s 토픽의 파티션을 두 번 지정했습니다"}.With(topic),
		i18n.Text{EN: "name each once: --topic %[1]s for all of them, or --topic %[1]s:0,2", KO: "한 번씩만 지정하세요. 전부라면 --topic %[1]s, 일부라면 --topic %[1]s:0,2처럼 씁니다"}.With(topic))
}

// topicPartitions reads "topic" or "topic:0,2".
func topicPartitions(s string) (string, []int32, error) {
	topic, list, some := strings.Cut(s, ":")
	if !some {
		return topic, nil, nil
	}
	var partitions []int32
	for _, item := range strings.Split(list, ",") {
		p, err := strconv.ParseInt(strings.TrimSpace(item), 10, 32)
		if err != nil || p < 0 {
			return "", nil, problem.Usage(i18n.Text{EN: "%q is not a partition", KO: "%q은(는) 파티션 번호가 아닙니다"}.With(item),
				i18n.Text{EN: "write --topic my-json-topic:0,2", KO: "--topic my-json-topic:0,2처럼 쓰세요"})
		}
		if slices.Contains(partitions, int32(p)) {
			return "", nil, twice(topic)
		}
		partitions = append(partitions, int32(p))
	}
	return topic, partitions, nil
}

// committedTopics are the targets of AllTopics.
func committedTopics(ctx context.Context, cluster *admin.Client, group string) ([]resetTarget, error) {
	committed, err := cluster.AllCommitted(ctx, group)
	if err != nil {
		return nil, err
	}
	if len(committed) == 0 {
		return nil, problem.Usage(i18n.Text{EN: "group %s has no committed offsets", KO: "%s 그룹에는 커밋된 오프셋이 없습니다"}.With(group),
			append(nearestGroup(ctx, cluster, group), i18n.Text{EN: "name the topic: --topic my-json-topic", KO: "토픽을 지정하세요: --topic my-json-topic"},
				i18n.Text{EN: "look for a typing mistake: lab group list", KO: "이름이 맞는지 확인하세요: lab group list"})...)
	}
	var targets []resetTarget
	for _, topic := range slices.Sorted(maps.Keys(committed)) {
		targets = append(targets, resetTarget{topic: topic})
	}
	return targets, nil
}

// writeOffsets writes a plan as kafka-consumer-groups exports it.
func writeOffsets(w io.Writer, plan []admin.OffsetReset) error {
	out := csv.NewWriter(w)
	for _, r := range plan {
		if err := out.Write([]string{r.Topic, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.To, 10)}); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// readFile reads what writeOffsets or kafka-consumer-groups has written.
func (r ResetOffsets) readFile(in io.Reader) ([]resetTarget, ruleOf, error) {
	if r.FromFile != "-" {
		file, err := os.Open(r.FromFile)
		if err != nil {
			return nil, nil, problem.Usage(i18n.Text{EN: "the file cannot be read: %v", KO: "파일을 읽을 수 없습니다: %v"}.With(err))
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	offsets, err := readOffsets(in)
	if err != nil {
		return nil, nil, problem.Usage(i18n.Text{EN: "%s holds no offsets: %v", KO: "%s에서 오프셋을 읽을 수 없습니다: %v"}.With(r.FromFile, err),
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
	in := csv.NewReader(r)
	in.FieldsPerRecord = 3
	in.TrimLeadingSpace = true
	var offsets []admin.OffsetReset
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			if len(offsets) == 0 {
				return nil, errors.New("it is empty")
			}
			return offsets, nil
		}
		if err != nil {
			return nil, err
		}
		at, _ := in.FieldPos(0)
		partition, err := strconv.ParseInt(fields[1], 10, 32)
		if err != nil || partition < 0 {
			return nil, fmt.Errorf("line %d: %q is not a partition", at, fields[1])
		}
		offset, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || offset < 0 {
			return nil, fmt.Errorf("line %d: %q is not an offset", at, fields[2])
		}
		if slices.ContainsFunc(offsets, func(o admin.OffsetReset) bool { return o.Topic == fields[0] && o.Partition == int32(partition) }) {
			return nil, fmt.Errorf("line %d: partition %d of %s for the second time", at, partition, fields[0])
		}
		offsets = append(offsets, admin.OffsetReset{Topic: fields[0], Partition: int32(partition), To: offset})
	}
}
