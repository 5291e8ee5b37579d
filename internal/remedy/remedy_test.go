package remedy_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

// TestEveryErrorHasARemedy goes through the errors with a type that libraries return.
func TestEveryErrorHasARemedy(t *testing.T) {
	type known struct {
		err   error
		exit  int
		names string // in both languages
	}
	all := []known{
		{&kafka.RecordError{Topic: "orders", Partition: 2, Offset: 15, Err: io.EOF}, problem.ExitFail, "--topic orders:2 --to-offset 16"},
		{&kafka.RecordError{Group: "shop", Topic: "orders", Err: io.EOF}, problem.ExitFail, "--group shop"},
		{sarama.ConfigurationError("Net.DialTimeout must be > 0"), problem.ExitUsage, "Net.DialTimeout"},
		{&kafka.TopicNotFoundError{Topic: "orders", Err: sarama.ErrUnknownTopicOrPartition}, problem.ExitEnvironment, "--topic orders"},
		{&admin.TopicExistsError{Topic: "orders", Err: sarama.ErrTopicAlreadyExists}, problem.ExitFail, "--topic orders"},
		{&admin.TopicNameError{Topic: "my orders", Err: sarama.ErrInvalidTopic}, problem.ExitUsage, `"my orders"`},
		{&admin.PartitionCountError{Topic: "orders", Have: 3, Want: 2}, problem.ExitUsage, "orders"},
		{&admin.PartitionCountError{Topic: "orders"}, problem.ExitUsage, "0"},
		{&admin.ReplicationFactorError{Topic: "orders", Want: 9, Brokers: 3, Err: sarama.ErrInvalidReplicationFactor}, problem.ExitUsage, "9"},
		{&admin.TopicConfigError{Topic: "orders", Err: sarama.ErrInvalidConfig}, problem.ExitUsage, "--config"},
		{&kafka.RecordTooLargeError{Topic: "orders", Err: sarama.ErrMessageSizeTooLarge}, problem.ExitFail, "max.message.bytes"},
		{&kafka.RecordTooLargeError{Topic: "orders", Err: sarama.ConfigurationError("larger")}, problem.ExitFail, "Producer.MaxMessageBytes"},
		{&admin.PartitionNotFoundError{Topic: "orders", Partition: 7, Partitions: 3}, problem.ExitUsage, "2"},
		{&admin.NoCommittedOffsetError{Topic: "orders", Partition: 7}, problem.ExitUsage, "--to-earliest"},
		{&admin.GroupNotFoundError{Group: "shop", Err: sarama.ErrGroupIDNotFound}, problem.ExitUsage, "shop"},
		{&admin.GroupActiveError{Group: "shop", Members: []admin.Member{{ID: "one"}, {ID: "two"}}}, problem.ExitFail, "two"},
		{&mysql.DSNError{}, problem.ExitUsage, mysql.EnvDSN},
		{&mysql.PortError{Port: 70000}, problem.ExitUsage, "70000"},
	}
	for _, code := range []sarama.KError{
		sarama.ErrFencedInstancedId, sarama.ErrInconsistentGroupProtocol, sarama.ErrInvalidSessionTimeout, sarama.ErrInvalidGroupId,
		sarama.ErrGroupMaxSizeReached, sarama.ErrGroupAuthorizationFailed, sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedVersion,
	} {
		all = append(all, known{&kafka.MemberRefusedError{Group: "shop", Err: code}, problem.ExitFail, "shop"})
	}
	for _, reason := range []kafka.ConnectReason{kafka.NoAnswer, kafka.NotKafka, kafka.HangsUp, kafka.LoginRefused, kafka.Misadvertised} {
		for _, secure := range []bool{false, true} {
			all = append(all, known{&kafka.ConnectError{Reason: reason, Brokers: []string{"broker:9092"}, TLS: secure, SASL: secure, Err: io.EOF}, problem.ExitEnvironment, "broker:9092"})
		}
	}
	for _, fault := range []kafka.ConfigFault{
		kafka.NoBrokers, kafka.BadAddress, kafka.BadVersion, kafka.BadBool, kafka.BadProxies, kafka.BadMechanism, kafka.NoCredentials, kafka.NoMechanism,
		kafka.HalfCertificate, kafka.TLSOff,
	} {
		all = append(all, known{&kafka.ConfigError{Fault: fault, Setting: "KAFKA_X", Value: "x"}, problem.ExitUsage, ""})
	}
	all = append(all, known{&kafka.ConfigError{Fault: kafka.UnusableTLSFile, Value: "ca.pem", Err: io.EOF}, problem.ExitEnvironment, "ca.pem"})
	for _, reason := range []mysql.ConnectReason{mysql.NoAnswer, mysql.NoDatabase, mysql.Refused} {
		all = append(all, known{&mysql.ConnectError{Reason: reason, Addr: "db:3306", User: "ann", Database: "shop", Err: io.EOF}, problem.ExitEnvironment, "db:3306"})
	}
	for _, reason := range []mysql.ValueReason{mysql.TooLong, mysql.OutOfRange, mysql.Null, mysql.Invalid} {
		all = append(all, known{&mysql.ValueError{Column: "name", Reason: reason, Err: io.EOF}, problem.ExitFail, "name"})
	}
	all = append(all,
		known{&embedded.InUseError{Dir: "/home/ann/kafka", PID: 812}, problem.ExitEnvironment, "`lab down --embedded`"},
		known{&embedded.InUseError{Dir: "/home/ann/kafka", Err: io.EOF}, problem.ExitEnvironment, "lsof '/home/ann/kafka/lock'"})
	for reason, names := range map[mysqld.Reason]string{mysqld.Busy: "a/lock", mysqld.Missing: "MYSQL_DSN", mysqld.Unfit: "MYSQL_DSN", mysqld.Broken: "rm -r 'a/data'", mysqld.Silent: "127.0.0.1:4000"} {
		all = append(all, known{&mysqld.Error{Reason: reason, Lock: "a/lock", Data: "a/data", Log: "a/log", Port: 4000, Err: io.EOF}, problem.ExitEnvironment, names})
	}

	for _, reason := range []compose.Reason{compose.NoDocker, compose.NoPermission, compose.EngineDown, compose.NoCompose, compose.CommandFailed} {
		for _, shown := range []bool{false, true} {
			all = append(all, known{&compose.Error{Reason: reason, Command: []string{"up"}, Shown: shown, Err: io.EOF}, problem.ExitEnvironment, "ocker"})
		}
	}
	tried := []i18n.Text{{EN: "looked", KO: "looked"}}
	all = append(all,
		known{&compose.PortError{Setting: "MYSQL_PORT", Value: "x"}, problem.ExitUsage, "MYSQL_PORT=x"},
		known{&stack.KindError{Value: "docker"}, problem.ExitUsage, `"docker"`},
		known{&stack.NoKafkaError{Kind: stack.Auto, Tried: tried}, problem.ExitEnvironment, "looked"},
		known{&stack.NoKafkaError{Kind: stack.Auto, Tried: tried, Silent: &stack.SilentError{PID: 812}}, problem.ExitEnvironment, "`lab down --embedded`"},
		known{&stack.SilentError{PID: 812}, problem.ExitEnvironment, "(pid 812)"},
		known{&stack.NoKafkaError{Kind: stack.Compose, Tried: tried, ForRun: true}, problem.ExitEnvironment, "looked"},
		known{&stack.NoKafkaError{Kind: stack.Env, Tried: tried, ForRun: true}, problem.ExitUsage, "KAFKA_BROKERS"},
		known{&checkout.NotFoundError{Dir: "/somewhere"}, problem.ExitEnvironment, "/somewhere"},
	)

	for _, k := range all {
		wrapped := errors.Join(fmt.Errorf("lesson x: %w", k.err), errors.New("and the folder stays"))
		told := remedy.Of(wrapped)
		var p *problem.Problem
		if !errors.As(told, &p) || p.What.EN == "" || p.What.KO == "" || p.What.EN == p.What.KO || len(p.Solve) == 0 {
			t.Errorf("%T %v: told as %+v", k.err, k.err, p)
			continue
		}
		for _, s := range p.Solve {
			if s.EN == "" || s.KO == "" || s.EN == s.KO || strings.Contains(s.EN+s.KO, "%!") {
				t.Errorf("%T %v: solved by %+v", k.err, k.err, s)
			}
		}
		if exit := remedy.ExitCode(wrapped); exit != k.exit {
			t.Errorf("%T %v: exit code %d, want %d", k.err, k.err, exit, k.exit)
		}
		if !errors.Is(told, k.err) || told.Error() != wrapped.Error() {
			t.Errorf("%T is no longer what it was: %v", k.err, told)
		}
		for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
			var out strings.Builder
			remedy.Render(&out, lang, wrapped)
			for _, want := range []string{"lesson x: ", "and the folder stays", k.names} {
				if strings.Count(out.String(), want) < 1 {
					t.Errorf("%T does not say %q: %s", k.err, want, out.String())
				}
			}
			if strings.Contains(out.String(), "%!") {
				t.Errorf("%T: %s", k.err, out.String())
			}
		}
	}
}

// TestOthersStayAsTheyAre checks errors that have no remedy, or have one.
func TestOthersStayAsTheyAre(t *testing.T) {
	solved := problem.Usage(i18n.Verbatim("what"), i18n.Verbatim("solve"))
	solved.Cause = &kafka.TopicNotFoundError{Topic: "orders"}
	for _, err := range []error{nil, io.EOF, solved} {
		if told := remedy.Of(err); told != err {
			t.Errorf("%v became %v", err, told)
		}
	}
}
