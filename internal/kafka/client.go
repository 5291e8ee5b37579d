package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

const (
	// connectTimeout is how long a program waits for a first answer before it says that there is none.
	connectTimeout = 2 * time.Second
	// reachTimeout is how long it takes at most to find out that no broker can be used, although an address answers.
	reachTimeout = 2500 * time.Millisecond
	// afterFirst is how long others may take to answer once one has.
	afterFirst = 100 * time.Millisecond
)

// NewClient connects to the cluster. When no broker can be used it returns within 3 s, with a *[problem.Problem]
// that tells what was tried and how to solve it. The caller closes the client.
func NewClient(ctx context.Context, cfg Config, sc *sarama.Config) (sarama.Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := sc.Validate(); err != nil { // a mistake of the program, not of the cluster
		return nil, err
	}
	ask := func(ctx context.Context, addr string) error { return ask(ctx, addr, sc) }
	start := time.Now()
	seeds, errs := answering(ctx, connectTimeout, cfg.Brokers, ask)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(seeds) == 0 {
		return nil, unanswered(cfg, errs)
	}
	client, err := sarama.NewClient(seeds, sc)
	if err != nil {
		return nil, refused(cfg, seeds, err)
	}
	var advertised []string
	for _, b := range client.Brokers() {
		if slices.Contains(seeds, b.Addr()) { // it has answered just now
			return client, nil
		}
		advertised = append(advertised, b.Addr())
	}
	probe, took := ask, time.Since(start)
	left := max(reachTimeout-took, reachTimeout-connectTimeout)
	if 2*took > left { // on a slow line there is no time to ask again: a connection has to do
		probe = dial
	}
	reached, errs := answering(ctx, left, advertised, probe)
	switch {
	case ctx.Err() != nil:
		return nil, errors.Join(ctx.Err(), client.Close())
	case len(reached) == 0 && len(advertised) > 0:
		return nil, errors.Join(misadvertised(seeds, advertised, reasons(advertised, errs, left)), client.Close())
	}
	return client, nil
}

// answering probes all addresses at once. It returns those that answer, and all errors by the index of the address. Once
// one has answered the others have afterFirst: a silent one must not hold up a program that does not need it.
func answering(ctx context.Context, timeout time.Duration, addrs []string, probe func(context.Context, string) error) ([]string, []error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	errs := make([]error, len(addrs))
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() {
			if errs[i] = probe(ctx, addr); errs[i] == nil {
				time.AfterFunc(afterFirst, cancel)
			}
		})
	}
	wg.Wait()
	var answer []string
	for i, addr := range addrs {
		if errs[i] == nil {
			answer = append(answer, addr)
		}
	}
	return answer, errs
}

// ask asks one broker for the cluster's metadata. Connecting, TLS, the login and the answer end with ctx.
func ask(ctx context.Context, addr string, sc *sarama.Config) error {
	first := *sc
	first.Metadata.Retry.Max = 0 // later requests may be retried as sarama is configured
	first.Net.Proxy.Enable, first.Net.Proxy.Dialer = true, contextDialer{ctx}
	client, err := sarama.NewClient([]string{addr}, &first)
	if err != nil {
		return err
	}
	return client.Close()
}

// dial opens and closes a TCP connection.
func dial(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// unanswered is the problem that no address answers: nobody is there, or somebody who does not speak Kafka.
func unanswered(cfg Config, errs []error) error {
	var accepting []string
	var accepted []error
	for i, addr := range cfg.Brokers {
		if op := (*net.OpError)(nil); !errors.As(errs[i], &op) || op.Op != "dial" {
			accepting = append(accepting, addr)
			accepted = append(accepted, errs[i])
		}
	}
	if len(accepting) > 0 {
		return refused(cfg, accepting, errors.Join(distinct(accepted)...))
	}
	return unreachable(cfg.Brokers, reasons(cfg.Brokers, errs, connectTimeout))
}

func unreachable(brokers []string, tried *problem.Problem) error {
	return problem.Environment(tried,
		i18n.Text{EN: "no Kafka answers at %s", KO: "%s에서 응답하는 Kafka가 없습니다"}.With(strings.Join(brokers, ", ")),
		i18n.Text{EN: "start one in another terminal: `make up-embedded` (no Docker) or `make up` (Docker)", KO: "다른 터미널에서 Kafka를 시작하세요: `make up-embedded` (Docker 없이) 또는 `make up` (Docker)"},
		i18n.Text{EN: "name your own cluster: KAFKA_BROKERS=host:9092", KO: "사용 중인 클러스터를 지정하세요: KAFKA_BROKERS=host:9092"})
}

// distinct leaves out errors that say the same as an earlier one: the brokers of a cluster fail alike.
func distinct(errs []error) []error {
	var kept []error
	for _, err := range errs {
		if !slices.ContainsFunc(kept, func(k error) bool { return k.Error() == err.Error() }) {
			kept = append(kept, err)
		}
	}
	return kept
}

// reasons is what was tried, in one line: each address and why it failed.
func reasons(addrs []string, errs []error, waited time.Duration) *problem.Problem {
	var tried []i18n.Text
	for i, err := range errs {
		tried = append(tried, i18n.Text{EN: "%s: %s", KO: "%s: %s"}.With(addrs[i], reason(err, waited)))
	}
	return &problem.Problem{What: i18n.Join(tried, "; ")}
}

// reason shortens an error to what a person needs. What the system says is in English.
func reason(err error, waited time.Duration) i18n.Text {
	op := (*net.OpError)(nil)
	switch {
	case !errors.As(err, &op):
		return i18n.Verbatim(err.Error())
	case op.Timeout():
		return i18n.Text{EN: "no answer within %s", KO: "%s 안에 응답이 없습니다"}.With(waited.Round(100 * time.Millisecond))
	}
	return i18n.Verbatim(strings.TrimPrefix(op.Err.Error(), "connect: "))
}

func refused(cfg Config, accepting []string, err error) error {
	brokers := strings.Join(accepting, ", ")
	if errors.Is(err, sarama.ErrSASLAuthenticationFailed) || strings.Contains(err.Error(), "SASL") {
		return problem.Environment(err,
			i18n.Text{EN: "Kafka at %s refuses the login", KO: "%s의 Kafka가 로그인을 거부했습니다"}.With(brokers),
			i18n.Text{EN: "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD", KO: "KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD를 확인하세요"})
	}
	hangsUp := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
	if hangsUp && cfg.SASL.Mechanism != "" {
		return problem.Environment(err,
			i18n.Text{EN: "%s closes the connection during the login", KO: "%s에 로그인하는 중에 연결이 끊겼습니다"}.With(brokers),
			i18n.Text{EN: "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD", KO: "KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD를 확인하세요"},
			i18n.Text{EN: "check KAFKA_TLS_ENABLED: does this port want TLS?", KO: "이 포트가 TLS를 요구하는지, KAFKA_TLS_ENABLED가 맞는지 확인하세요"})
	}
	solve := i18n.Text{EN: "check that it is a Kafka broker and not another program on this port", KO: "이 포트에 다른 프로그램이 아니라 Kafka 브로커가 있는지 확인하세요"}
	switch {
	case cfg.TLS.Enabled:
		solve = i18n.Text{EN: "check that this port speaks TLS, and the files in KAFKA_TLS_CA_FILE and KAFKA_TLS_CERT_FILE", KO: "이 포트가 TLS를 사용하는지, KAFKA_TLS_CA_FILE과 KAFKA_TLS_CERT_FILE이 맞는지 확인하세요"}
	case hangsUp:
		solve = i18n.Text{EN: "if this port wants TLS or a login, set KAFKA_TLS_ENABLED=true or KAFKA_SASL_MECHANISM", KO: "이 포트가 TLS나 로그인을 요구한다면 KAFKA_TLS_ENABLED=true 또는 KAFKA_SASL_MECHANISM을 설정하세요"}
	}
	return problem.Environment(err,
		i18n.Text{EN: "%s accepts a connection, but does not answer as Kafka", KO: "%s에 연결은 되지만 Kafka로 응답하지 않습니다"}.With(brokers), solve)
}

func misadvertised(seeds, advertised []string, tried *problem.Problem) error {
	return problem.Environment(tried,
		i18n.Text{EN: "Kafka answers at %s, but calls itself %s, and none of these can be reached from here",
			KO: "Kafka가 %s에서 응답하지만 자기 주소를 %s(으)로 알려 주는데, 여기서는 그 주소에 연결할 수 없습니다"}.With(strings.Join(seeds, ", "), strings.Join(advertised, ", ")),
		i18n.Text{EN: "set the broker's advertised.listeners to an address that this computer can dial", KO: "브로커의 advertised.listeners를 이 컴퓨터가 연결할 수 있는 주소로 설정하세요"})
}

// ClusterID asks one address for the id of its cluster: the quickest way to learn whether Kafka is there. It waits for
// 1 s at most.
func ClusterID(ctx context.Context, addr string) (id string, err error) {
	timed, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	sc := sarama.NewConfig()
	sc.ClientID = "kafkahandson"
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, contextDialer{timed}
	b := sarama.NewBroker(addr)
	if err := b.Open(sc); err != nil {
		return "", fmt.Errorf("%s: %w", addr, err)
	}
	defer func() { // Close reports a connection that never came up: that is the error below already
		if closeErr := b.Close(); err == nil {
			err = closeErr
		}
	}()
	resp, err := b.GetMetadata(&sarama.MetadataRequest{Version: 5, Topics: []string{}})
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // the rest is the address again, and the client's own
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", addr, err)
	}
	if resp.ClusterID != nil {
		id = *resp.ClusterID
	}
	return id, ctx.Err()
}
