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

// connectTimeout is how long a program waits for a first answer before it says that there is none.
const connectTimeout = 2 * time.Second

// NewClient connects to the cluster. When no broker can be used it returns within 3 s, with a *[problem.Problem]
// that tells what was tried and how to solve it. The caller closes the client.
func NewClient(ctx context.Context, cfg Config, sc *sarama.Config) (sarama.Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := sc.Validate(); err != nil { // a mistake of the program, not of the cluster
		return nil, err
	}
	brokers, err := answering(ctx, cfg, sc)
	if err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(brokers, sc)
	if err != nil {
		return nil, refused(cfg, brokers, err)
	}
	var advertised []string
	for _, b := range client.Brokers() {
		advertised = append(advertised, b.Addr())
	}
	if errs := dial(ctx, advertised); len(errs) > 0 && !slices.Contains(errs, nil) {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), client.Close())
		}
		return nil, errors.Join(misadvertised(brokers, advertised, errs), client.Close())
	}
	return client, nil
}

// answering returns those of the brokers that answer as Kafka within connectTimeout. It asks all at once.
func answering(ctx context.Context, cfg Config, sc *sarama.Config) ([]string, error) {
	errs := make([]error, len(cfg.Brokers))
	var wg sync.WaitGroup
	for i, addr := range cfg.Brokers {
		wg.Go(func() { errs[i] = ask(ctx, addr, sc) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var answer, accept []string
	var accepted []error
	for i, addr := range cfg.Brokers {
		var op *net.OpError
		switch {
		case errs[i] == nil:
			answer = append(answer, addr)
		case !errors.As(errs[i], &op) || op.Op != "dial":
			accept = append(accept, addr)
			accepted = append(accepted, errs[i])
		}
	}
	switch {
	case len(answer) > 0:
		return answer, nil
	case len(accept) > 0:
		return nil, refused(cfg, accept, errors.Join(distinct(accepted)...))
	default:
		return nil, unreachable(cfg.Brokers, errs)
	}
}

// ask asks one broker for the cluster's metadata. Connecting, TLS, the login and the answer have connectTimeout
// together.
func ask(ctx context.Context, addr string, sc *sarama.Config) error {
	first := *sc
	first.Metadata.Retry.Max = 0 // later requests may be retried as sarama is configured
	first.Net.Proxy.Enable, first.Net.Proxy.Dialer = true, &deadlineDialer{ctx: ctx, timeout: connectTimeout}
	client, err := sarama.NewClient([]string{addr}, &first)
	if err != nil {
		return err
	}
	return client.Close()
}

// dial opens and closes a TCP connection to each address at once and returns what failed, by address.
func dial(ctx context.Context, addrs []string) []error {
	errs := make([]error, len(addrs))
	dialer := &net.Dialer{Timeout: connectTimeout}
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() {
			conn, err := dialer.DialContext(ctx, "tcp", addr)
			if err == nil {
				err = conn.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

func unreachable(brokers []string, errs []error) error {
	return problem.Environment(reasons(errs),
		i18n.Text{EN: "no Kafka answers at %s", KO: "%s에서 응답하는 Kafka가 없습니다"}.With(strings.Join(brokers, ", ")),
		i18n.Text{EN: "start one in another terminal: `make up-embedded` (no Docker) or `make up` (Docker)", KO: "다른 터미널에서 Kafka를 시작하세요: `make up-embedded` (Docker 없이) 또는 `make up` (Docker)"},
		i18n.Text{EN: "name your own cluster: KAFKA_BROKERS=host:9092", KO: "사용 중인 클러스터를 지정하세요: KAFKA_BROKERS=host:9092"})
}

// reasons is what was tried, in one line.
func reasons(errs []error) error {
	var tried []string
	for _, err := range errs {
		tried = append(tried, reason(err))
	}
	return errors.New(strings.Join(tried, "; "))
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

// reason shortens a dial error to what a person needs: the address and why.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		why := op.Err.Error()
		if op.Timeout() {
			why = "no answer within " + connectTimeout.String()
		}
		return fmt.Sprintf("%s: %s", op.Addr, strings.TrimPrefix(why, "connect: "))
	}
	return err.Error()
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

func misadvertised(brokers, advertised []string, errs []error) error {
	return problem.Environment(reasons(errs),
		i18n.Text{EN: "Kafka answers at %s, but calls itself %s, and none of these can be reached from here",
			KO: "Kafka가 %s에서 응답하지만 자기 주소를 %s(으)로 알려 주는데, 여기서는 그 주소에 연결할 수 없습니다"}.With(strings.Join(brokers, ", "), strings.Join(advertised, ", ")),
		i18n.Text{EN: "set the broker's advertised.listeners to an address that this computer can dial", KO: "브로커의 advertised.listeners를 이 컴퓨터가 연결할 수 있는 주소로 설정하세요"})
}

// ClusterID asks one address for the id of its cluster: the quickest way to learn whether Kafka is there. It waits for
// 1 s at most.
func ClusterID(ctx context.Context, addr string) (id string, err error) {
	sc := sarama.NewConfig()
	sc.ClientID = "kafkahandson"
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, &deadlineDialer{ctx: ctx, timeout: time.Second}
	b := sarama.NewBroker(addr)
	if err := b.Open(sc); err != nil {
		return "", fmt.Errorf("connect to %s: %w", addr, err)
	}
	defer func() { // Close reports a connection that never came up: that is the error below already
		if closeErr := b.Close(); err == nil {
			err = closeErr
		}
	}()
	resp, err := b.GetMetadata(&sarama.MetadataRequest{Version: 5, Topics: []string{}})
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return "", fmt.Errorf("%s: %w", addr, op.Err)
	}
	if err != nil {
		return "", fmt.Errorf("ask %s for its cluster: %w", addr, err)
	}
	if resp.ClusterID != nil {
		id = *resp.ClusterID
	}
	return id, ctx.Err()
}
