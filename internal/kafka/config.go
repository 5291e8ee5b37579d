// Package kafka takes the wiring out of the course's programs: where the brokers are, how to log in, how long to
// wait. What the course teaches stays in sarama's own words in the programs.
package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
)

// The environment variables that [FromEnv] reads.
const (
	EnvBrokers       = "KAFKA_BROKERS"
	EnvClientID      = "KAFKA_CLIENT_ID"
	EnvVersion       = "KAFKA_VERSION"
	EnvTLS           = "KAFKA_TLS_ENABLED"
	EnvTLSCAFile     = "KAFKA_TLS_CA_FILE"
	EnvTLSCertFile   = "KAFKA_TLS_CERT_FILE"
	EnvTLSKeyFile    = "KAFKA_TLS_KEY_FILE"
	EnvTLSSkipVerify = "KAFKA_TLS_INSECURE_SKIP_VERIFY"
	EnvSASLMechanism = "KAFKA_SASL_MECHANISM"
	EnvSASLUsername  = "KAFKA_SASL_USERNAME"
	EnvSASLPassword  = "KAFKA_SASL_PASSWORD" // the environment only: a flag would show it in the process list
	EnvProxies       = "KAFKAHANDSON_PROXIES"
)

// Config says how to reach a Kafka cluster. The zero value plus Brokers is a cluster without TLS and without login.
type Config struct {
	// Brokers are bootstrap addresses, host:port. No default here; [kafkahandson/internal/stack] finds a Kafka when
	// there are none.
	Brokers []string
	// ClientID names this program in the broker's logs and quotas. Default: the program's name.
	ClientID string
	// Version caps the protocol, as in "3.9.0". Default: sarama.DefaultVersion, the newest that sarama covers fully.
	// Within the cap sarama asks each broker what it knows (KIP-35) and takes the newest request version both have.
	Version string
	TLS     TLS
	SASL    SASL
	// Proxies are addresses to dial in place of brokers', by the address that the broker goes by: for lessons in which
	// the network fails. Default: none.
	Proxies map[string]string
}

// TLS encrypts the connection. Default: off.
type TLS struct {
	Enabled bool
	// CAFile is a PEM file with the authorities to trust. Default: the system's.
	CAFile string
	// CertFile and KeyFile are PEM files of a client certificate, for clusters that ask for one. Default: none.
	CertFile, KeyFile string
	// InsecureSkipVerify accepts any server certificate. For a laptop, never for production. Default: false.
	InsecureSkipVerify bool
}

// SASL logs in. Default: no login.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Default: none.
	Mechanism string
	Username  string
	Password  string
}

// String leaves out the password, so that it cannot slip into a log or an error.
func (s SASL) String() string { return fmt.Sprintf("{%s %s}", s.Mechanism, s.Username) }

// GoString is String, for %#v.
func (s SASL) GoString() string { return s.String() }

// FromEnv reads the configuration from the environment.
func FromEnv(getenv func(string) string) (Config, error) {
	c := Config{
		Brokers:  SplitBrokers(getenv(EnvBrokers)),
		ClientID: getenv(EnvClientID),
		Version:  getenv(EnvVersion),
		TLS:      TLS{CAFile: getenv(EnvTLSCAFile), CertFile: getenv(EnvTLSCertFile), KeyFile: getenv(EnvTLSKeyFile)},
		SASL: SASL{
			Mechanism: strings.ToUpper(getenv(EnvSASLMechanism)),
			Username:  getenv(EnvSASLUsername),
			Password:  getenv(EnvSASLPassword),
		},
	}
	for name, to := range map[string]*bool{EnvTLS: &c.TLS.Enabled, EnvTLSSkipVerify: &c.TLS.InsecureSkipVerify} {
		if v := getenv(name); v != "" {
			on, err := strconv.ParseBool(v)
			if err != nil {
				return Config{}, &ConfigError{Fault: BadBool, Setting: name, Value: v}
			}
			*to = on
		}
	}
	var err error
	c.Proxies, err = parseProxies(getenv(EnvProxies))
	return c, err
}

// Environ is the configuration as environment variables, for a child process: what [FromEnv] reads back.
func (c Config) Environ() []string {
	return []string{
		EnvBrokers + "=" + strings.Join(c.Brokers, ","),
		EnvVersion + "=" + c.Version,
		EnvTLS + "=" + strconv.FormatBool(c.TLS.Enabled),
		EnvTLSCAFile + "=" + c.TLS.CAFile,
		EnvTLSCertFile + "=" + c.TLS.CertFile,
		EnvTLSKeyFile + "=" + c.TLS.KeyFile,
		EnvTLSSkipVerify + "=" + strconv.FormatBool(c.TLS.InsecureSkipVerify),
		EnvSASLMechanism + "=" + c.SASL.Mechanism,
		EnvSASLUsername + "=" + c.SASL.Username,
		EnvSASLPassword + "=" + c.SASL.Password,
		EnvProxies + "=" + formatProxies(c.Proxies),
	}
}

// RegisterFlags adds a flag for each setting but the password; what the environment set becomes the default.
func (c *Config) RegisterFlags(fs *flag.FlagSet, lang i18n.Lang) {
	usage := func(en, ko string) string { return i18n.Text{EN: en, KO: ko}.In(lang) }
	fs.Func("brokers", usage("`host:port` of each broker, separated by commas (default: the Kafka that runs here)",
		"브로커 주소 `host:port`, 쉼표로 구분 (기본값: 이 컴퓨터에서 실행 중인 Kafka)"),
		func(s string) error { c.Brokers = SplitBrokers(s); return nil })
	fs.StringVar(&c.ClientID, "client-id", c.ClientID, usage("`name` of this client in the broker's logs", "브로커 로그에 남는 클라이언트 이름 (`name`)"))
	fs.StringVar(&c.Version, "kafka-version", c.Version, usage("cap the protocol `version`, as in 3.9.0", "프로토콜 버전 상한 (`version`), 예: 3.9.0"))
	fs.BoolVar(&c.TLS.Enabled, "tls", c.TLS.Enabled, usage("encrypt the connection", "연결을 암호화합니다"))
	fs.StringVar(&c.TLS.CAFile, "tls-ca", c.TLS.CAFile, usage("PEM `file` of the authorities to trust", "신뢰할 인증 기관의 PEM 파일 (`file`)"))
	fs.StringVar(&c.TLS.CertFile, "tls-cert", c.TLS.CertFile, usage("PEM `file` of a client certificate", "클라이언트 인증서 PEM 파일 (`file`)"))
	fs.StringVar(&c.TLS.KeyFile, "tls-key", c.TLS.KeyFile, usage("PEM `file` of the certificate's key", "인증서 개인 키 PEM 파일 (`file`)"))
	fs.BoolVar(&c.TLS.InsecureSkipVerify, "tls-insecure-skip-verify", c.TLS.InsecureSkipVerify, usage("accept any server certificate", "모든 서버 인증서를 받아들입니다"))
	fs.Func("sasl-mechanism", "`PLAIN`, SCRAM-SHA-256, SCRAM-SHA-512",
		func(s string) error { c.SASL.Mechanism = strings.ToUpper(s); return nil })
	fs.StringVar(&c.SASL.Username, "sasl-username", c.SASL.Username, usage("log in as this `user`; the password comes from KAFKA_SASL_PASSWORD", "로그인할 사용자 (`user`); 비밀번호는 KAFKA_SASL_PASSWORD에서 읽습니다"))
}

// SplitBrokers reads "a:9092, b:9092"; empty items are dropped.
func SplitBrokers(s string) []string {
	var brokers []string
	for _, b := range strings.Split(s, ",") {
		if b = strings.TrimSpace(b); b != "" {
			brokers = append(brokers, b)
		}
	}
	return brokers
}

// Validate says what is wrong with the configuration before anything is dialled: a [*ConfigError].
func (c Config) Validate() error {
	if len(c.Brokers) == 0 {
		return &ConfigError{Fault: NoBrokers, Setting: EnvBrokers}
	}
	for _, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			return &ConfigError{Fault: BadAddress, Setting: EnvBrokers, Value: b}
		}
	}
	if _, err := c.version(); err != nil {
		return &ConfigError{Fault: BadVersion, Setting: EnvVersion, Value: c.Version}
	}
	if !slices.Contains([]string{"", sarama.SASLTypePlaintext, sarama.SASLTypeSCRAMSHA256, sarama.SASLTypeSCRAMSHA512}, c.SASL.Mechanism) {
		return &ConfigError{Fault: BadMechanism, Setting: EnvSASLMechanism, Value: c.SASL.Mechanism}
	}
	if c.SASL.Mechanism != "" && (c.SASL.Username == "" || c.SASL.Password == "") {
		return &ConfigError{Fault: NoCredentials, Setting: EnvSASLUsername, Value: c.SASL.Mechanism}
	}
	if c.SASL.Mechanism == "" && c.SASL.Username != "" {
		return &ConfigError{Fault: NoMechanism, Setting: EnvSASLMechanism}
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		return &ConfigError{Fault: HalfCertificate, Setting: EnvTLSCertFile}
	}
	if !c.TLS.Enabled && (c.TLS.CAFile != "" || c.TLS.CertFile != "" || c.TLS.InsecureSkipVerify) {
		return &ConfigError{Fault: TLSOff, Setting: EnvTLS}
	}
	return nil
}

func (c Config) version() (sarama.KafkaVersion, error) {
	if c.Version == "" {
		return sarama.DefaultVersion, nil
	}
	return sarama.ParseKafkaVersion(c.Version)
}

// Sarama is a sarama configuration with this connection and the course's settings; a program changes it further.
//
//   - producers: acks=all, idempotent (KIP-98), keys placed by murmur2 as Java and kafka-cli place them
//   - consumers: errors of the background work come out of Errors(); fetches wait 25 ms at most; a range assignment
//   - topics are never created by accident
//
// A consumer program must still choose Consumer.Offsets.Initial: where a new group starts is never a default here.
func (c Config) Sarama() (*sarama.Config, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	sc := sarama.NewConfig()
	sc.ClientID = c.ClientID
	if sc.ClientID == "" {
		sc.ClientID = "kafkahandson"
	}
	version, err := c.version()
	if err != nil {
		return nil, fmt.Errorf("kafka version: %w", err)
	}
	sc.Version = version
	sc.Metadata.AllowAutoTopicCreation = false

	sc.Producer.RequiredAcks = sarama.WaitForAll
	sc.Producer.Idempotent = true
	sc.Net.MaxOpenRequests = 1 // sarama's idempotent producer keeps one request in flight
	sc.Producer.Partitioner = sarama.NewMurmur2Partitioner
	sc.Producer.Return.Successes = true
	sc.Producer.Return.Errors = true

	sc.Consumer.Return.Errors = true // session.Commit() returns nothing: a failed commit is told here
	// Commits share a connection with fetches where the group's coordinator also leads the partition. A fetch that finds
	// nothing holds the connection for MaxWaitTime, so a short wait keeps commits quick: at sarama's 500 ms, 100 commits
	// were measured at up to 24 s, at 100 ms still 30 at 5 s.
	sc.Consumer.MaxWaitTime = 25 * time.Millisecond
	sc.Consumer.Retry.Backoff = 250 * time.Millisecond
	sc.Consumer.Group.Rebalance.Retry.Backoff = 250 * time.Millisecond
	sc.Consumer.Group.Rebalance.Retry.Max = 20

	sc.Net.DialTimeout = connectTimeout
	if len(c.Proxies) > 0 {
		sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, proxyDialer(c.Proxies)
	}
	if c.TLS.Enabled {
		sc.Net.TLS.Enable = true
		if sc.Net.TLS.Config, err = c.TLS.config(); err != nil {
			return nil, err
		}
	}
	if c.SASL.Mechanism != "" {
		sc.Net.SASL.Enable = true
		sc.Net.SASL.Mechanism = sarama.SASLMechanism(c.SASL.Mechanism)
		sc.Net.SASL.User = c.SASL.Username
		sc.Net.SASL.Password = c.SASL.Password
		if c.SASL.Mechanism != sarama.SASLTypePlaintext {
			mechanism := c.SASL.Mechanism
			sc.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{mechanism: mechanism} }
		}
	}
	return sc, nil
}

func (t TLS) config() (*tls.Config, error) {
	tc := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.InsecureSkipVerify}
	unusable := func(err error, setting, file string) error {
		return &ConfigError{Fault: UnusableTLSFile, Setting: setting, Value: file, Err: err}
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, unusable(err, EnvTLSCAFile, t.CAFile)
		}
		tc.RootCAs = x509.NewCertPool()
		if !tc.RootCAs.AppendCertsFromPEM(pem) {
			return nil, unusable(errors.New("no certificate in it"), EnvTLSCAFile, t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, unusable(err, EnvTLSCertFile, t.CertFile)
		}
		tc.Certificates = []tls.Certificate{cert}
	}
	return tc, nil
}
