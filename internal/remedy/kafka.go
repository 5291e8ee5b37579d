package remedy

import (
	"cmp"
	"errors"
	"strings"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

func ofKafka(err error) (*problem.Problem, error) {
	if e, ok := as[*kafka.RecordError](err); ok {
		group := cmp.Or(e.Group, "GROUP")
		return &problem.Problem{Cause: e.Err,
			What: i18n.Text{EN: "the record at %s, partition %d, offset %d cannot be read", KO: "%s 토픽 %d번 파티션 오프셋 %d의 레코드를 읽을 수 없습니다"}.With(e.Topic, e.Partition, e.Offset),
			Solve: []i18n.Text{
				i18n.Text{EN: "look at it: lab consume --topic %s --partition %d --offset %d --max-messages 1", KO: "내용을 확인하세요: lab consume --topic %s --partition %d --offset %d --max-messages 1"}.With(e.Topic, e.Partition, e.Offset),
				i18n.Text{EN: "skip it on purpose: lab group reset-offsets --group %s --topic %s:%d --to-offset %d --execute", KO: "의도적으로 건너뛰려면: lab group reset-offsets --group %s --topic %s:%d --to-offset %d --execute"}.With(group, e.Topic, e.Partition, e.Offset+1),
			}}, e
	}
	if e, ok := as[*kafka.TopicNotFoundError](err); ok {
		return problem.Environment(e.Err,
			i18n.Text{EN: "there is no topic %s", KO: "%s 토픽이 없습니다"}.With(e.Topic),
			i18n.Text{EN: "create it: lab topic create --topic %s --partitions 3", KO: "토픽을 만드세요: lab topic create --topic %s --partitions 3"}.With(e.Topic),
			i18n.Text{EN: "look for a typing mistake: lab topic list", KO: "이름이 맞는지 확인하세요: lab topic list"}), e
	}
	if e, ok := as[*kafka.RecordTooLargeError](err); ok {
		solve := i18n.Text{EN: "raise what the topic allows, max.message.bytes: kafka-configs --alter --entity-type topics --entity-name %s --add-config max.message.bytes=…",
			KO: "토픽의 한도인 max.message.bytes를 늘리세요: kafka-configs --alter --entity-type topics --entity-name %s --add-config max.message.bytes=…"}.With(e.Topic)
		if !errors.Is(e.Err, sarama.ErrMessageSizeTooLarge) {
			solve = i18n.Text{EN: "raise what the producer allows, sarama's Producer.MaxMessageBytes; the topic %s has a limit of its own, max.message.bytes",
				KO: "프로듀서의 한도인 sarama의 Producer.MaxMessageBytes를 늘리세요. %s 토픽에도 max.message.bytes라는 한도가 따로 있습니다"}.With(e.Topic)
		}
		return &problem.Problem{Cause: e.Err,
			What: i18n.Text{EN: "the record for topic %s is too large", KO: "%s 토픽에 보낼 레코드가 너무 큽니다"}.With(e.Topic),
			Solve: []i18n.Text{
				{EN: "send less: several small records, or the place where the large thing is kept", KO: "더 작게 보내세요. 작은 레코드 여러 개로 나누거나, 큰 데이터는 다른 곳에 두고 그 위치만 보내면 됩니다"},
				solve,
			}}, e
	}
	if e, ok := as[*kafka.MemberRefusedError](err); ok {
		return refused(e), e
	}
	if e, ok := as[*kafka.ConnectError](err); ok {
		return connect(e), e
	}
	if e, ok := as[sarama.ConfigurationError](err); ok {
		return problem.Usage(i18n.Text{EN: "sarama cannot work with a setting: %s", KO: "sarama가 쓸 수 없는 설정입니다: %s"}.With(string(e)),
			i18n.Text{EN: "change the flag, or the line of the program, that sets it", KO: "그 값을 정하는 플래그나 프로그램의 줄을 고치세요"}), e
	}
	if e, ok := as[*kafka.ConfigError](err); ok {
		return config(e), e
	}
	return nil, nil
}

// refused tells a member of a group why it cannot stay or come in.
func refused(e *kafka.MemberRefusedError) *problem.Problem {
	p := &problem.Problem{Cause: e.Err, What: i18n.Text{EN: "group %s does not take this consumer in", KO: "%s 그룹이 이 컨슈머를 받아들이지 않습니다"}.With(e.Group)}
	see := i18n.Text{EN: "see who is in the group: lab group describe --group %s", KO: "그룹에 누가 있는지 확인하세요: lab group describe --group %s"}.With(e.Group)
	switch {
	case errors.Is(e.Err, sarama.ErrFencedInstancedId):
		p.What = i18n.Text{EN: "another consumer has taken this one's place in group %s: both have the group.instance.id %q", KO: "%s 그룹에서 다른 컨슈머가 이 컨슈머의 자리를 차지했습니다. 둘의 group.instance.id가 %q(으)로 같습니다"}.With(e.Group, e.InstanceID)
		p.Solve = []i18n.Text{{EN: "give each consumer a group.instance.id of its own, or stop the other one", KO: "컨슈머마다 서로 다른 group.instance.id를 주거나, 다른 컨슈머를 멈추세요"}, see}
	case errors.Is(e.Err, sarama.ErrInconsistentGroupProtocol):
		p.What = i18n.Text{EN: "this consumer and the members of group %s have no assignment strategy in common", KO: "이 컨슈머와 %s 그룹의 멤버들에게 공통된 파티션 할당 전략이 없습니다"}.With(e.Group)
		p.Solve = []i18n.Text{
			{EN: "start it with the strategy of the others, or stop them first; to change it while they run, restart each of them with both strategies", KO: "다른 멤버와 같은 전략으로 시작하거나, 먼저 그들을 멈추세요. 실행 중에 바꾸려면 두 전략을 모두 넣어 하나씩 다시 시작하세요"}, see}
	case errors.Is(e.Err, sarama.ErrInvalidSessionTimeout):
		p.Solve = []i18n.Text{{EN: "choose a session timeout that the brokers allow: group.min.session.timeout.ms (6 s) to group.max.session.timeout.ms (30 min)", KO: "브로커가 허용하는 세션 타임아웃을 고르세요: group.min.session.timeout.ms(6초)부터 group.max.session.timeout.ms(30분)까지"}}
	case errors.Is(e.Err, sarama.ErrGroupMaxSizeReached):
		p.Solve = []i18n.Text{{EN: "stop a member, or raise group.max.size of the brokers", KO: "멤버를 하나 멈추거나 브로커의 group.max.size를 늘리세요"}, see}
	case errors.Is(e.Err, sarama.ErrGroupAuthorizationFailed), errors.Is(e.Err, sarama.ErrTopicAuthorizationFailed), errors.Is(e.Err, sarama.ErrClusterAuthorizationFailed):
		p.What = i18n.Text{EN: "this user may not read as group %s", KO: "이 사용자는 %s 그룹으로 읽을 권한이 없습니다"}.With(e.Group)
		p.Solve = []i18n.Text{{EN: "ask whoever runs the cluster for READ on the group and on the topic (kafka-acls --add --allow-principal User:… --operation Read)", KO: "클러스터 관리자에게 그룹과 토픽의 READ 권한을 요청하세요 (kafka-acls --add --allow-principal User:… --operation Read)"}}
	case errors.Is(e.Err, sarama.ErrSASLAuthenticationFailed):
		p.Solve = []i18n.Text{login()}
	case errors.Is(e.Err, sarama.ErrInvalidGroupId):
		p.Solve = []i18n.Text{{EN: "give the group a name", KO: "그룹 이름을 정하세요"}}
	default:
		p.Solve = []i18n.Text{see}
	}
	return p
}

func login() i18n.Text {
	return i18n.Text{EN: "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD", KO: "KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD를 확인하세요"}
}

func connect(e *kafka.ConnectError) *problem.Problem {
	brokers := strings.Join(e.Brokers, ", ")
	switch e.Reason {
	case kafka.NoAnswer:
		return problem.Environment(tried(e),
			i18n.Text{EN: "no Kafka answers at %s", KO: "%s에서 응답하는 Kafka가 없습니다"}.With(brokers), waysToKafka()...)
	case kafka.Misadvertised:
		return problem.Environment(tried(e),
			i18n.Text{EN: "Kafka answers at %s, but calls itself %s, and none of these can be reached from here",
				KO: "Kafka가 %s에서 응답하지만 자기 주소를 %s(으)로 알려 주는데, 여기서는 그 주소에 연결할 수 없습니다"}.With(brokers, strings.Join(e.Advertised, ", ")),
			i18n.Text{EN: "set the broker's advertised.listeners to an address that this computer can dial", KO: "브로커의 advertised.listeners를 이 컴퓨터가 연결할 수 있는 주소로 설정하세요"})
	case kafka.LoginRefused:
		return problem.Environment(e.Err, i18n.Text{EN: "Kafka at %s refuses the login", KO: "%s의 Kafka가 로그인을 거부했습니다"}.With(brokers), login())
	}
	if e.Reason == kafka.HangsUp && e.SASL {
		return problem.Environment(e.Err,
			i18n.Text{EN: "%s closes the connection during the login", KO: "%s에 로그인하는 중에 연결이 끊겼습니다"}.With(brokers), login(),
			i18n.Text{EN: "check KAFKA_TLS_ENABLED: does this port want TLS?", KO: "이 포트가 TLS를 요구하는지, KAFKA_TLS_ENABLED가 맞는지 확인하세요"})
	}
	solve := i18n.Text{EN: "check that it is a Kafka broker and not another program on this port", KO: "이 포트에 다른 프로그램이 아니라 Kafka 브로커가 있는지 확인하세요"}
	switch {
	case e.TLS:
		solve = i18n.Text{EN: "check that this port speaks TLS, and the files in KAFKA_TLS_CA_FILE and KAFKA_TLS_CERT_FILE", KO: "이 포트가 TLS를 사용하는지, KAFKA_TLS_CA_FILE과 KAFKA_TLS_CERT_FILE이 맞는지 확인하세요"}
	case e.Reason == kafka.HangsUp:
		solve = i18n.Text{EN: "if this port wants TLS or a login, set KAFKA_TLS_ENABLED=true or KAFKA_SASL_MECHANISM", KO: "이 포트가 TLS나 로그인을 요구한다면 KAFKA_TLS_ENABLED=true 또는 KAFKA_SASL_MECHANISM을 설정하세요"}
	}
	return problem.Environment(e.Err,
		i18n.Text{EN: "%s accepts a connection, but does not answer as Kafka", KO: "%s에 연결은 되지만 Kafka로 응답하지 않습니다"}.With(brokers), solve)
}

// tried is what was tried in vain, in one line. What the system says is in English.
func tried(e *kafka.ConnectError) error {
	var all []i18n.Text
	for _, a := range e.Attempts {
		if a.TimedOut {
			all = append(all, i18n.Text{EN: "%s: no answer within %s", KO: "%s: %s 안에 응답이 없습니다"}.With(a.Addr, a.Waited))
		} else {
			all = append(all, i18n.Verbatim(a.Error()))
		}
	}
	return &problem.Problem{What: i18n.Join(all, "; ")}
}

func config(e *kafka.ConfigError) *problem.Problem {
	switch e.Fault {
	case kafka.NoBrokers:
		return problem.Usage(i18n.Text{EN: "no broker addresses", KO: "브로커 주소가 없습니다"},
			i18n.Text{EN: "set KAFKA_BROKERS=localhost:9092 or pass -brokers", KO: "KAFKA_BROKERS=localhost:9092를 설정하거나 -brokers를 지정하세요"})
	case kafka.BadAddress:
		return problem.Usage(i18n.Text{EN: "%q is not a broker address", KO: "%q은(는) 브로커 주소가 아닙니다"}.With(e.Value),
			i18n.Text{EN: "write host:port, as in localhost:9092; several are separated by commas", KO: "localhost:9092처럼 host:port로 쓰고, 여러 개는 쉼표로 나누세요"})
	case kafka.BadVersion:
		return problem.Usage(i18n.Text{EN: "%q is not a Kafka version", KO: "%q은(는) Kafka 버전이 아닙니다"}.With(e.Value),
			i18n.Text{EN: "write it as in 3.9.0, or leave it out", KO: "3.9.0처럼 쓰거나 비워 두세요"})
	case kafka.BadBool:
		return problem.Usage(i18n.Text{EN: "%s is %q", KO: "%s 값이 %q입니다"}.With(e.Setting, e.Value),
			i18n.Text{EN: "set it to true or false", KO: "true 또는 false로 설정하세요"})
	case kafka.BadProxies:
		return problem.Usage(i18n.Text{EN: "%s is %q", KO: "%s 값이 %q입니다"}.With(e.Setting, e.Value),
			i18n.Text{EN: "unset it, or write broker=proxy pairs, as in localhost:9092=127.0.0.1:19092",
				KO: "설정을 지우거나, localhost:9092=127.0.0.1:19092처럼 브로커=프록시 쌍으로 쓰세요"})
	case kafka.BadMechanism:
		return problem.Usage(i18n.Text{EN: "unknown SASL mechanism %q", KO: "알 수 없는 SASL 방식 %q입니다"}.With(e.Value),
			i18n.Text{EN: "choose PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", KO: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 중에서 고르세요"})
	case kafka.NoCredentials:
		return problem.Usage(i18n.Text{EN: "SASL %s needs a user and a password", KO: "SASL %s에는 사용자와 비밀번호가 필요합니다"}.With(e.Value),
			i18n.Text{EN: "set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD", KO: "KAFKA_SASL_USERNAME과 KAFKA_SASL_PASSWORD를 설정하세요"})
	case kafka.NoMechanism:
		return problem.Usage(i18n.Text{EN: "a SASL user is given, but no mechanism", KO: "SASL 사용자는 있는데 방식이 없습니다"},
			i18n.Text{EN: "set KAFKA_SASL_MECHANISM to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", KO: "KAFKA_SASL_MECHANISM을 PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 중 하나로 설정하세요"})
	case kafka.HalfCertificate:
		return problem.Usage(i18n.Text{EN: "a client certificate needs both its certificate and its key", KO: "클라이언트 인증서에는 인증서와 키가 모두 필요합니다"},
			i18n.Text{EN: "set KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE, or neither", KO: "KAFKA_TLS_CERT_FILE과 KAFKA_TLS_KEY_FILE을 둘 다 설정하거나 둘 다 비우세요"})
	case kafka.TLSOff:
		return problem.Usage(i18n.Text{EN: "TLS settings are given, but TLS is off", KO: "TLS 설정은 있는데 TLS가 꺼져 있습니다"},
			i18n.Text{EN: "set KAFKA_TLS_ENABLED=true", KO: "KAFKA_TLS_ENABLED=true로 설정하세요"})
	case kafka.UnusableTLSFile:
		return problem.Environment(e.Err,
			i18n.Text{EN: "the TLS file %s cannot be used", KO: "TLS 파일 %s을(를) 사용할 수 없습니다"}.With(e.Value),
			i18n.Text{EN: "check that it exists, is readable and holds PEM blocks (-----BEGIN …)", KO: "파일이 있고 읽을 수 있으며 PEM 블록(-----BEGIN …)을 담고 있는지 확인하세요"})
	}
	return problem.Usage(i18n.Text{EN: "%s cannot be used", KO: "%s 값을 사용할 수 없습니다"}.With(e.Setting))
}
