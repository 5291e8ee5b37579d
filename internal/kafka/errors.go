package kafka

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// RecordError is a record that a program cannot work with. It is not marked, so it comes again after a restart.
type RecordError struct {
	Group     string // that consumes it, "" where none is known
	Topic     string
	Partition int32
	Offset    int64
	Err       error
}

// BadRecord is the error that a record cannot be read.
func BadRecord(m *sarama.ConsumerMessage, cause error) error {
	return &RecordError{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Err: cause}
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("record at %s, partition %d, offset %d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}
func (e *RecordError) Unwrap() error { return e.Err }

// TopicNotFoundError is a topic that does not exist.
type TopicNotFoundError struct {
	Topic string
	Err   error // the broker's
}

func (e *TopicNotFoundError) Error() string {
	return fmt.Sprintf("there is no topic %s: %v", e.Topic, e.Err)
}
func (e *TopicNotFoundError) Unwrap() error { return e.Err }

// RecordTooLargeError is a record that is larger than the producer or the topic allows.
type RecordTooLargeError struct {
	Topic string
	Err   error // the broker's (max.message.bytes), or sarama's (Producer.MaxMessageBytes), which sent nothing
}

func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("the record for %s is too large: %v", e.Topic, e.Err)
}
func (e *RecordTooLargeError) Unwrap() error { return e.Err }

// MemberRefusedError is a coordinator's final answer to a member of a group: to ask again would not change it.
type MemberRefusedError struct {
	Group      string
	InstanceID string // group.instance.id of a static member (KIP-345), else ""
	Err        error  // the broker's: the sarama.KError in it tells why
}

func (e *MemberRefusedError) Error() string {
	return fmt.Sprintf("group %s refuses this member: %v", e.Group, e.Err)
}
func (e *MemberRefusedError) Unwrap() error { return e.Err }

// final are the errors of a group's coordinator, and of the brokers it reads from, that time does not cure.
var final = [...]sarama.KError{
	sarama.ErrFencedInstancedId,
	sarama.ErrInconsistentGroupProtocol,
	sarama.ErrInvalidSessionTimeout,
	sarama.ErrInvalidGroupId,
	sarama.ErrGroupMaxSizeReached,
	sarama.ErrGroupAuthorizationFailed,
	sarama.ErrTopicAuthorizationFailed,
	sarama.ErrClusterAuthorizationFailed,
	sarama.ErrSASLAuthenticationFailed,
	sarama.ErrUnsupportedVersion,
}

// isFinal tells whether a member that tries again will fail again.
func isFinal(err error) bool {
	for _, f := range final {
		if errors.Is(err, f) {
			return true
		}
	}
	return false
}

// ConnectReason is why no broker can be used, for machines.
type ConnectReason string

const (
	NoAnswer      ConnectReason = "no-answer"     // nobody is there
	NotKafka      ConnectReason = "not-kafka"     // somebody accepts connections, and does not answer as Kafka does
	HangsUp       ConnectReason = "hangs-up"      // a connection is closed before it can be used: it may want TLS or a login
	LoginRefused  ConnectReason = "login-refused" // wrong mechanism, user or password
	Misadvertised ConnectReason = "misadvertised" // the brokers call themselves what cannot be reached from here
)

// ConnectError tells why no broker of a cluster can be used.
type ConnectError struct {
	Reason     ConnectReason
	Brokers    []string  // the addresses that this is about
	Advertised []string  // with Misadvertised: what the brokers call themselves
	Attempts   []Attempt // with NoAnswer and Misadvertised: what was tried
	TLS, SASL  bool      // whether the client uses them
	Err        error     // nil with NoAnswer and Misadvertised
}

// Attempt is an address that was tried in vain.
type Attempt struct {
	Addr     string
	Err      error
	TimedOut bool          // there was no answer
	Waited   time.Duration // how long at most
}

func (a Attempt) Error() string {
	var op *net.OpError
	switch {
	case a.TimedOut:
		return fmt.Sprintf("%s: no answer within %s", a.Addr, a.Waited)
	case errors.As(a.Err, &op): // the rest is the address again, and the client's own
		return a.Addr + ": " + strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return a.Addr + ": " + a.Err.Error()
}

func (e *ConnectError) Error() string {
	said := "connect to " + strings.Join(e.Brokers, ", ") + ": " + string(e.Reason)
	if len(e.Advertised) > 0 {
		said += " as " + strings.Join(e.Advertised, ", ")
	}
	for i, a := range e.Attempts {
		said += map[bool]string{true: ": ", false: "; "}[i == 0] + a.Error()
	}
	if e.Err != nil {
		said += ": " + e.Err.Error()
	}
	return said
}

func (e *ConnectError) Unwrap() []error {
	var all []error
	for _, a := range e.Attempts {
		all = append(all, a.Err)
	}
	if e.Err != nil {
		all = append(all, e.Err)
	}
	return all
}

// ConfigFault is what is wrong with a setting, for machines.
type ConfigFault string

const (
	NoBrokers       ConfigFault = "no-brokers"
	BadAddress      ConfigFault = "bad-address"
	BadVersion      ConfigFault = "bad-version"
	BadBool         ConfigFault = "bad-bool"
	BadProxies      ConfigFault = "bad-proxies"
	BadMechanism    ConfigFault = "bad-mechanism"
	NoCredentials   ConfigFault = "no-credentials"   // a mechanism without a user or a password
	NoMechanism     ConfigFault = "no-mechanism"     // a user without a mechanism
	HalfCertificate ConfigFault = "half-certificate" // a certificate without its key, or the reverse
	TLSOff          ConfigFault = "tls-off"          // settings of TLS that nothing would use
	UnusableTLSFile ConfigFault = "unusable-tls-file"
)

// ConfigError is a setting that cannot work. Nothing was dialled.
type ConfigError struct {
	Fault   ConfigFault
	Setting string // the variable of the environment
	Value   string // "" where it is a password, or what is wrong is that there is none
	Err     error  // of a file
}

func (e *ConfigError) Error() string {
	said := string(e.Fault) + " in " + e.Setting
	if e.Value != "" {
		said += fmt.Sprintf(" (%q)", e.Value)
	}
	if e.Err != nil {
		said += ": " + e.Err.Error()
	}
	return said
}
func (e *ConfigError) Unwrap() error { return e.Err }
