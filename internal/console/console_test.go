package console_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/console"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

const topic = "my-json-topic"

// patience is how long a test waits for a record that does not come.
const patience = 10 * time.Second

// startKafka starts a Kafka with a topic of three partitions that holds the greetings of the course.
func startKafka(t *testing.T) (kafka.Config, *admin.Client) {
	t.Helper()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	cfg := kafka.Config{Brokers: server.Brokers()}
	cluster, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := (console.CreateTopic{Topic: topic, Partitions: 3}).Run(t.Context(), cluster, streams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if err := (console.Produce{Topic: topic, Samples: true}).Run(t.Context(), cfg, streams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	return cfg, cluster
}

func streams(out io.Writer) console.Streams { return console.Streams{Out: out, Err: io.Discard} }

// lineWriter takes so many lines, each in one Write, then fails once, and would take more.
type lineWriter struct {
	left int
	got  []string
}

var errFull = errors.New("full")

func (w *lineWriter) Write(p []byte) (int, error) {
	w.left--
	if w.left == -1 {
		return len(p) / 2, errFull // torn, as on a full disk
	}
	w.got = append(w.got, string(p))
	return len(p), nil
}

// A group has committed what was written, and nothing else: the next member prints the rest.
func TestConsumeCommitsOnlyWhatWasWritten(t *testing.T) {
	cfg, cluster := startKafka(t)
	samples := strings.Count(greeting.SampleLines(), "\n")
	consume := console.Consume{Topic: topic, Group: "readers", FromBeginning: true, Timeout: patience, Properties: []string{"print.partition=true", "print.offset=true", "print.value=false"}}
	seen := map[string]bool{}
	for _, lines := range []int{0, 7, 1} {
		out := &lineWriter{left: lines}
		if err := consume.Run(t.Context(), cfg, streams(out)); !errors.Is(err, errFull) {
			t.Fatalf("after %d lines it ends with %v", lines, err)
		}
		if len(out.got) != lines {
			t.Errorf("after an error it wrote %q", out.got[lines:])
		}
		for _, line := range out.got {
			if seen[line] {
				t.Errorf("printed twice: %q", line)
			}
			seen[line] = true
		}
		if got := committed(t, cluster, "readers"); got != int64(len(seen)) {
			t.Fatalf("%d records are committed, %d were printed", got, len(seen))
		}
	}
	rest := &lineWriter{left: samples}
	consume.MaxMessages = samples - len(seen)
	if err := consume.Run(t.Context(), cfg, streams(rest)); err != nil {
		t.Fatal(err)
	}
	for _, line := range rest.got {
		seen[line] = true
	}
	if got := committed(t, cluster, "readers"); len(seen) != samples || got != int64(samples) {
		t.Errorf("%d records were printed, and %d are committed, of %d", len(seen), got, samples)
	}
}

func committed(t *testing.T, cluster *admin.Client, group string) (sum int64) {
	t.Helper()
	offsets, err := cluster.Committed(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	for offset := range maps.Values(offsets) {
		sum += max(offset, 0)
	}
	return sum
}

func TestConsumePartitions(t *testing.T) {
	cfg, cluster := startKafka(t)
	described, err := cluster.DescribeTopic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	end := int(described.Partitions[1].End)
	for name, test := range map[string]struct {
		tool console.Consume
		want int
	}{
		"all":                {console.Consume{FromBeginning: true, MaxMessages: 30}, 30},
		"the first":          {console.Consume{FromBeginning: true, MaxMessages: 4}, 4},
		"one":                {console.Consume{FromBeginning: true, Partitions: []int32{1}, MaxMessages: end}, end},
		"one, from earliest": {console.Consume{Offset: "earliest", Partitions: []int32{1}, MaxMessages: end}, end},
		"one, from 1":        {console.Consume{Offset: "1", Partitions: []int32{1}, MaxMessages: end - 1}, end - 1},
		"committed":          {console.Consume{FromBeginning: true, Isolation: "read_committed", MaxMessages: 30}, 30},
	} {
		var out bytes.Buffer
		test.tool.Topic, test.tool.Timeout = topic, patience
		if err := test.tool.Run(t.Context(), cfg, streams(&out)); err != nil || strings.Count(out.String(), "\n") != test.want {
			t.Errorf("%s: %v, and\n%s", name, err, &out)
		}
	}
	for name, tool := range map[string]console.Consume{
		"no such partition": {Partitions: []int32{0, 7}},
		"no such offset":    {Partitions: []int32{0, 1}, Offset: "999"},
	} {
		tool.Topic = topic
		if err := tool.Run(t.Context(), cfg, streams(io.Discard)); problem.ExitCode(err) != problem.ExitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (console.Consume{Topic: topic, FromBeginning: true}).Run(t.Context(), cfg, streams(&lineWriter{left: 3})); !errors.Is(err, errFull) {
		t.Errorf("what cannot be written: %v", err)
	}
}

func TestToolsReturnTheErrorOfTheirOutput(t *testing.T) {
	cfg, cluster := startKafka(t)
	if err := (console.Consume{Topic: topic, Group: "readers", FromBeginning: true, MaxMessages: 30, Timeout: patience}).Run(t.Context(), cfg, streams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []interface {
		Validate() error
		Run(context.Context, *admin.Client, console.Streams) error
	}{
		console.ListTopics{},
		console.DescribeTopic{Topic: topic},
		console.CreateTopic{Topic: "another", Partitions: 1},
		console.CreateTopic{Topic: "another", Partitions: 1, IfNotExists: true},
		console.AddPartitions{Topic: "another", Partitions: 2},
		console.DeleteTopic{Topic: "another"},
		console.ListGroups{},
		console.DescribeGroup{Group: "readers"},
		console.ResetOffsets{Group: "readers", AllTopics: true, ToEarliest: true},
		console.ResetOffsets{Group: "readers", AllTopics: true, ToCurrent: true, Export: true},
		console.DeleteGroup{Group: "readers"},
		console.DeleteGroup{Group: "readers", Execute: true},
	} {
		if err := tool.Validate(); err != nil {
			t.Errorf("%T: %v", tool, err)
		}
		if err := tool.Run(t.Context(), cluster, streams(&lineWriter{})); !errors.Is(err, errFull) {
			t.Errorf("%T: %v", tool, err)
		}
	}
}

// An export is a backup: it brings back what it was made of.
func TestExportedOffsetsComeBack(t *testing.T) {
	cfg, cluster := startKafka(t)
	if err := (console.Consume{Topic: topic, Group: "readers", FromBeginning: true, MaxMessages: 30, Timeout: patience}).Run(t.Context(), cfg, streams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	for _, step := range []struct {
		tool console.ResetOffsets
		in   io.Reader
		out  io.Writer
		want int64
	}{
		{console.ResetOffsets{AllTopics: true, ToCurrent: true, Export: true}, nil, &backup, 30},
		{console.ResetOffsets{Topics: []string{topic}, ToEarliest: true}, nil, io.Discard, 30}, // a dry run
		{console.ResetOffsets{Topics: []string{topic}, ToEarliest: true, Execute: true}, nil, io.Discard, 0},
		{console.ResetOffsets{Topics: []string{topic}, ShiftBy: pointer(2), Execute: true}, nil, io.Discard, 6},
		{console.ResetOffsets{Topics: []string{topic + ":0,2"}, ToOffset: pointer(1), Execute: true}, nil, io.Discard, 4},
		{console.ResetOffsets{FromFile: "-", Execute: true}, &backup, io.Discard, 30},
	} {
		step.tool.Group = "readers"
		if err := errors.Join(step.tool.Validate(), step.tool.Run(t.Context(), cluster, console.Streams{In: step.in, Out: step.out, Err: io.Discard})); err != nil {
			t.Fatalf("%+v: %v", step.tool, err)
		}
		if got := committed(t, cluster, "readers"); got != step.want {
			t.Errorf("%+v: %d are committed, want %d", step.tool, got, step.want)
		}
	}
}

// idler is a member of a group that takes its partitions, and no record.
type idler struct {
	kafka.HandlerDefaults
	joined chan struct{}
}

func (m idler) Setup(s sarama.ConsumerGroupSession) error {
	s.MarkOffset(topic, 1, 2, "")
	s.Commit()
	close(m.joined)
	return nil
}

func (idler) ConsumeClaim(s sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	<-s.Context().Done()
	return nil
}

// The members of a group keep their partitions of a topic that is deleted. They are shown as far as they are known, and the
// other topics as ever.
func TestDescribeGroupWithADeletedTopic(t *testing.T) {
	cfg, cluster := startKafka(t)
	if err := cluster.EnsureTopic(t.Context(), "deleted", 2); err != nil {
		t.Fatal(err)
	}
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Metadata.RefreshFrequency = time.Hour // the member does not notice
	group, err := sarama.NewConsumerGroup(cfg.Brokers, "readers", sc)
	if err != nil {
		t.Fatal(err)
	}
	member, ctx := idler{joined: make(chan struct{})}, t.Context()
	ended := make(chan error, 1)
	go func() { ended <- group.Consume(ctx, []string{topic, "deleted"}, member) }()
	defer func() {
		if err := errors.Join(group.Close(), <-ended); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-member.joined:
	case <-time.After(patience):
		t.Fatal("the member does not join")
	}
	if err := cluster.DeleteTopic(t.Context(), "deleted"); err != nil {
		t.Fatal(err)
	}
	described, err := cluster.DescribeTopic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (console.DescribeGroup{Group: "readers"}).Run(t.Context(), cluster, streams(&out)); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for line := range strings.Lines(out.String()) {
		if cells := strings.Fields(line); cells[0] == topic || cells[0] == "deleted" {
			rows = append(rows, strings.Join(cells[:5], " ")) // the last is the member
		}
	}
	ends := described.Partitions
	if want := []string{
		"deleted 0 - - -",
		"deleted 1 - - -",
		fmt.Sprintf("%s 0 - %d -", topic, ends[0].End),
		fmt.Sprintf("%s 1 2 %d %d", topic, ends[1].End, ends[1].End-2),
		fmt.Sprintf("%s 2 - %d -", topic, ends[2].End),
	}; !slices.Equal(rows, want) {
		t.Errorf("got\n%s\nwant\n%s", &out, strings.Join(want, "\n"))
	}
}

func pointer(n int64) *int64 { return &n }

func TestValidate(t *testing.T) {
	type options interface{ Validate() error }
	for _, wrong := range []options{
		console.CreateTopic{},
		console.CreateTopic{Topic: "t", Configs: []string{"retention.ms"}},
		console.AddPartitions{Topic: "t"},
		console.AddPartitions{Partitions: 3},
		console.DescribeTopic{},
		console.DeleteTopic{},
		console.DescribeGroup{},
		console.DeleteGroup{},
		console.Produce{},
		console.Produce{Topic: "t", Samples: true, File: "lines.txt"},
		console.Produce{Topic: "t", Properties: []string{"parse.key"}},
		console.Produce{Topic: "t", Properties: []string{"print.key=true"}},
		console.Consume{},
		console.Consume{Topic: "t", Offset: "3"},
		console.Consume{Topic: "t", Offset: "soon", Partitions: []int32{0}},
		console.Consume{Topic: "t", Offset: "-1", Partitions: []int32{0}},
		console.Consume{Topic: "t", Offset: "3rd", Partitions: []int32{0}},
		console.Consume{Topic: "t", Group: "g", Partitions: []int32{0}},
		console.Consume{Topic: "t", Offset: "3", Partitions: []int32{0}, FromBeginning: true},
		console.Consume{Topic: "t", Timeout: -time.Millisecond},
		console.Consume{Topic: "t", MaxMessages: -1},
		console.Consume{Topic: "t", Properties: []string{"print.key=maybe"}},
		console.Consume{Topic: "t", Properties: []string{"print.value="}},
		console.Produce{Topic: "t", Properties: []string{"parse.key=yes"}},
		console.Consume{Topic: "t", Isolation: "serializable"},
		console.Consume{Topic: "t", Properties: []string{"parse.key=true"}},
		console.ResetOffsets{Topics: []string{"t"}, ToEarliest: true},
		console.ResetOffsets{Group: "g", ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, AllTopics: true, ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, ToEarliest: true, ToLatest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, ToEarliest: true, ShiftBy: pointer(0)},
		console.ResetOffsets{Group: "g", Topics: []string{"t:zero"}, ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t", "u", "t:1"}, ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t:0,1", "t:2,1"}, ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t:1,1"}, ToEarliest: true},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, ToDatetime: "yesterday"},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, ByDuration: "soon"},
		console.ResetOffsets{Group: "g", Topics: []string{"t"}, FromFile: "offsets.csv"},
		console.ResetOffsets{Group: "g", AllTopics: true, FromFile: "offsets.csv"},
	} {
		if err := wrong.Validate(); problem.ExitCode(err) != problem.ExitUsage {
			t.Errorf("%T%+[1]v: %v", wrong, err)
		}
	}
	for _, right := range []options{
		console.CreateTopic{Topic: "t", Configs: []string{"retention.ms=1000"}},
		console.ListTopics{},
		console.ListGroups{},
		console.Produce{Topic: "t", Properties: []string{"parse.key=true", "key.separator=:"}},
		console.Consume{Topic: "t"},
		console.Consume{Topic: "t", Offset: "3", Partitions: []int32{0}},
		console.Consume{Topic: "t", Properties: []string{"print.key=True", "print.value=false", "key.separator=maybe"}},
		console.ResetOffsets{Group: "g", Topics: []string{"t:0,2", "u"}, ToOffset: pointer(0)},
		console.ResetOffsets{Group: "g", Topics: []string{"t:0", "t:1"}, ToOffset: pointer(0)},
		console.ResetOffsets{Group: "g", AllTopics: true, ByDuration: "PT1H"},
		console.ResetOffsets{Group: "g", FromFile: "offsets.csv"},
	} {
		if err := right.Validate(); err != nil {
			t.Errorf("%T%+[1]v: %v", right, err)
		}
	}
}
