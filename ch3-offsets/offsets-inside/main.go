// Command offsets-inside shows where Kafka keeps the offsets that groups commit: as records of the topic
// __consumer_offsets, which it reads like any other topic.
//
//	offsets-inside                        what is there about test-consumer-group
//	offsets-inside -group other-group     about another group
//
// The key says which group, topic and partition a record is about, the value how far the group has come. A later record
// replaces an earlier one with the same key, and a record without a value, a tombstone, deletes it.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

const offsetsTopic = "__consumer_offsets"

func run(ctx context.Context, p *program.Program) (err error) {
	p.Usage(i18n.Text{EN: "offsets-inside shows what __consumer_offsets says about a group.", KO: "offsets-inside는 __consumer_offsets에 있는 한 그룹의 내용을 보여 줍니다."})
	group := p.Group("test-consumer-group")
	config, err := p.Ready(ctx)
	if err != nil {
		return err
	}
	client, err := kafka.NewClient(ctx, p.Kafka, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	partitions, err := client.Partitions(offsetsTopic)
	if err != nil {
		return missing(err)
	}

	partition := partitionOf(*group, len(partitions))
	p.Print(i18n.Text{EN: "%s has %d partitions; |hashCode| %% %[2]d = %[3]d, so partition %[3]d has all about %[4]s", KO: "%s의 파티션은 %d개입니다. |hashCode| %% %[2]d = %[3]d이므로 %[4]s 그룹에 관한 것은 모두 %[3]d번 파티션에 있습니다"}.
		With(offsetsTopic, len(partitions), partition, *group))
	// A plain consumer, without a group: reading commits nothing, or it would write what it reads.
	found := false
	err = kafka.ReadPartition(ctx, client, offsetsTopic, partition, func(m *sarama.ConsumerMessage) error {
		e, err := decode(m.Key, m.Value)
		switch {
		case err != nil: // the next one may be readable
			p.Print(i18n.Text{EN: "unreadable @%d: %v", KO: "해독 불가 @%d: %v"}.With(m.Offset, err))
		case e.group == *group: // it shares the partition with others
			show(p, m.Offset, e)
			found = true
		}
		return nil
	})
	if err == nil && !found {
		p.Print(i18n.Text{EN: "nothing is there about this group: it has committed nothing, or was deleted long ago", KO: "이 그룹에 관한 것이 없습니다. 커밋한 적이 없거나 오래전에 삭제되었습니다"})
	}
	return err
}

// show prints what a record says about the group, and reports offsets.
func show(p *program.Program, at int64, e entry) {
	where := fmt.Sprintf("@%-4d %s p%d", at, e.topic, e.partition)
	switch {
	case e.kind == groupMetadata && e.tombstone:
		p.Print(i18n.Text{EN: "tombstone @%-4d the group itself", KO: "툼스톤 @%-4d 그룹 자체"}.With(at))
	case e.kind == groupMetadata:
		p.Print(i18n.Text{EN: "group     @%-4d its generation and members (key v%d)", KO: "그룹   @%-4d 그룹의 세대와 멤버 (키 v%d)"}.With(at, e.keyVersion))
	case e.tombstone:
		p.Observe(i18n.Text{EN: "tombstone %s → forgotten (key v%d, no value)", KO: "툼스톤 %s → 잊음 (키 v%d, 값 없음)"}.With(where, e.keyVersion),
			observation.OffsetFound{Group: e.group, Topic: e.topic, Partition: e.partition, Offset: observation.Forgotten})
	default:
		p.Observe(i18n.Text{
			EN: "commit    %s → offset %d, leader epoch %d, metadata %q, %s (key v%d, value v%d)",
			KO: "커밋   %s → 오프셋 %d, 리더 에포크 %d, 메타데이터 %q, %s (키 v%d, 값 v%d)",
		}.With(where, e.offset, e.leaderEpoch, e.metadata, e.committed.Format("15:04:05.000"), e.keyVersion, e.valueVersion), observation.OffsetFound{Group: e.group, Topic: e.topic, Partition: e.partition, Offset: e.offset})
	}
}

func missing(cause error) error {
	return problem.Environment(cause,
		i18n.Text{EN: "this Kafka has no topic %s", KO: "이 Kafka에는 %s 토픽이 없습니다"}.With(offsetsTopic),
		i18n.Text{EN: "the embedded Kafka keeps offsets elsewhere: start the compose stack (make up) and pass -stack compose", KO: "내장 Kafka는 오프셋을 다른 곳에 보관합니다. compose 스택을 시작하고(make up) -stack compose를 지정하세요"},
		i18n.Text{EN: "a new cluster creates it for its first group: consume something first", KO: "새 클러스터는 첫 그룹이 생길 때 이 토픽을 만듭니다. 먼저 무언가를 소비하세요"})
}
