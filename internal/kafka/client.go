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
)

const (
	// connectTimeout is how long a program waits for a first answer before it says that there is none.
	connectTimeout = 2 * time.Second
	// reachTimeout is how long it takes at most to find out that no broker can be used, although an address answers.
	reachTimeout = 2500 * time.Millisecond
	// afterFirst is how long others may take to answer once one has.
	afterFirst = 100 * time.Millisecond
)

// NewClient connects to the cluster. When no broker can be used it returns within 3 s, with a
// [*ConnectError] that tells what was tried. The caller closes the client.
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
		return nil, errors.Join(&ConnectError{Reason: Misadvertised, Brokers: seeds, Advertised: advertised, Attempts: attempts(advertised, errs, left)}, client.Close())
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

// unanswered is the error that no address answers: nobody is there, or somebody who does not speak Kafka.
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
	return &ConnectError{Reason: NoAnswer, Brokers: cfg.Brokers, Attempts: attempts(cfg.Brokers, errs, connectTimeout)}
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

// attempts are what was tried in vain.
func attempts(addrs []string, errs []error, waited time.Duration) []Attempt {
	var tried []Attempt
	for i, err := range errs {
		op := (*net.OpError)(nil)
		tried = append(tried, Attempt{Addr: addrs[i], Err: err, TimedOut: errors.As(err, &op) && op.Timeout(), Waited: waited.Round(100 * time.Millisecond)})
	}
	return tried
}

// refused tells why brokers that accept a connection cannot be used.
func refused(cfg Config, accepting []string, err error) error {
	e := &ConnectError{Reason: NotKafka, Brokers: accepting, TLS: cfg.TLS.Enabled, SASL: cfg.SASL.Mechanism != "", Err: err}
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed) || strings.Contains(err.Error(), "SASL"):
		e.Reason = LoginRefused
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		e.Reason = HangsUp
	}
	return e
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
