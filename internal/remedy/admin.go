package remedy

import (
	"strings"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

func ofAdmin(err error) (*problem.Problem, error) {
	if e, ok := as[*admin.TopicExistsError](err); ok {
		return &problem.Problem{Cause: e.Err,
			What:  i18n.Text{EN: "topic %s is already there", KO: "%s 토픽이 이미 있습니다"}.With(e.Topic),
			Solve: []i18n.Text{i18n.Text{EN: "look at it: lab topic describe --topic %s", KO: "확인해 보세요: lab topic describe --topic %s"}.With(e.Topic)}}, e
	}
	if e, ok := as[*admin.TopicNameError](err); ok {
		return problem.Usage(i18n.Text{EN: "%q cannot be the name of a topic", KO: "%q은(는) 토픽 이름으로 쓸 수 없습니다"}.With(e.Topic),
			i18n.Text{EN: "use up to 249 letters, digits, '.', '_' and '-'", KO: "영문자, 숫자, '.', '_', '-'를 249자까지 사용하세요"}), e
	}
	if e, ok := as[*admin.PartitionCountError](err); ok {
		if e.Have == 0 {
			return problem.Usage(i18n.Text{EN: "a topic of %d partitions is not possible", KO: "파티션이 %d개인 토픽은 만들 수 없습니다"}.With(e.Want),
				i18n.Text{EN: "ask for 1 or more", KO: "1개 이상을 지정하세요"}), e
		}
		return problem.Usage(i18n.Text{EN: "topic %s has %d partitions already, and Kafka cannot take any away", KO: "%s 토픽의 파티션은 이미 %d개이고, Kafka에서 파티션은 줄일 수 없습니다"}.With(e.Topic, e.Have),
			i18n.Text{EN: "ask for more than %d: the number is the total afterwards", KO: "%d보다 큰 수를 지정하세요. 늘린 뒤의 전체 파티션 수입니다"}.With(e.Have)), e
	}
	if e, ok := as[*admin.ReplicationFactorError](err); ok {
		return problem.Usage(i18n.Text{EN: "a replication factor of %d is not possible with %d brokers", KO: "브로커가 %[2]d개라서 복제 계수(replication factor) %[1]d은(는) 쓸 수 없습니다"}.With(e.Want, e.Brokers),
			i18n.Text{EN: "ask for 1 to %d: each replica of a partition is on another broker", KO: "1부터 %d까지 지정하세요. 한 파티션의 복제본은 서로 다른 브로커에 있어야 합니다"}.With(e.Brokers)), e
	}
	if e, ok := as[*admin.TopicConfigError](err); ok {
		p := problem.Usage(i18n.Text{EN: "topic %s cannot have these settings", KO: "%s 토픽에 이 설정을 쓸 수 없습니다"}.With(e.Topic),
			i18n.Text{EN: "check the name and the value, as in --config retention.ms=3600000", KO: "--config retention.ms=3600000처럼 이름과 값이 맞는지 확인하세요"})
		p.Cause = e.Err
		return p, e
	}
	if e, ok := as[*admin.PartitionNotFoundError](err); ok {
		return problem.Usage(i18n.Text{EN: "topic %s has no partition %d", KO: "%s 토픽에 %d번 파티션이 없습니다"}.With(e.Topic, e.Partition),
			i18n.Text{EN: "it has 0 to %d", KO: "0부터 %d까지 있습니다"}.With(e.Partitions-1)), e
	}
	if e, ok := as[*admin.NoCommittedOffsetError](err); ok {
		return problem.Usage(
			i18n.Text{EN: "partition %d of %s has no committed offset to shift", KO: "%[2]s의 %[1]d번 파티션에는 옮길 커밋 오프셋이 없습니다"}.With(e.Partition, e.Topic),
			i18n.Text{EN: "use --to-earliest, --to-latest or --to-offset", KO: "--to-earliest, --to-latest, --to-offset 중 하나를 사용하세요"}), e
	}
	if e, ok := as[*admin.GroupNotFoundError](err); ok {
		return problem.Usage(i18n.Text{EN: "there is no group %s", KO: "%s 그룹이 없습니다"}.With(e.Group),
			i18n.Text{EN: "see which there are: lab group list", KO: "어떤 그룹이 있는지 보세요: lab group list"}), e
	}
	if e, ok := as[*admin.GroupActiveError](err); ok {
		var members []string
		for _, m := range e.Members {
			members = append(members, "  "+m.String())
		}
		return &problem.Problem{
			What: i18n.Text{EN: "group %s is active, so its offsets belong to its members:\n%s", KO: "%s 그룹이 활성 상태이므로 오프셋은 이 멤버들만 바꿀 수 있습니다:\n%s"}.With(e.Group, strings.Join(members, "\n")),
			Solve: []i18n.Text{{
				EN: "stop them first; one that was killed disappears when its session timeout is over",
				KO: "먼저 멤버를 멈추세요. 강제로 종료된 멤버는 세션 타임아웃이 지나면 사라집니다"}},
		}, e
	}
	return nil, nil
}
