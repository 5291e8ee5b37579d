package kafka_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/localport/localporttest"
)

// soon is how long a program may take to say that there is no Kafka.
const soon = 3 * time.Second

// silentPort returns an address that accepts connections, reads, and never answers.
func silentPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { // until the client hangs up
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return ln.Addr().String()
}

func httpPort(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func connect(t *testing.T, cfg kafka.Config) error {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kafka.NewClient(t.Context(), cfg, sc)
	if err == nil {
		err = client.Close()
	}
	return err
}

func TestNoKafka(t *testing.T) {
	t.Parallel()
	closed, closed2 := localporttest.Closed(t), localporttest.Closed(t)
	silent, silent2, silent3 := silentPort(t), silentPort(t), silentPort(t)
	web := httpPort(t)
	for name, test := range map[string]struct {
		brokers, names []string
	}{
		"closed":               {[]string{closed}, []string{"no Kafka answers", closed, "refused", "make up", "KAFKA_BROKERS"}},
		"closed, and doubled":  {[]string{closed, closed2, closed}, []string{"no Kafka answers", closed, closed2}},
		"silent":               {[]string{silent}, []string{silent, "does not answer as Kafka"}},
		"all silent":           {[]string{silent, silent2, silent3}, []string{silent, silent2, silent3, "does not answer as Kafka"}},
		"HTTP":                 {[]string{web}, []string{web, "does not answer as Kafka"}},
		"closed, silent, HTTP": {[]string{closed, silent, web}, []string{silent, web, "does not answer as Kafka"}},
		"no such host":         {[]string{"kafka.invalid:9092"}, []string{"no Kafka answers", "kafka.invalid:9092"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			err := connect(t, kafka.Config{Brokers: test.brokers})
			if took := time.Since(start); took > soon {
				t.Errorf("it took %v", took)
			}
			requireProblem(t, err, test.names...)
		})
	}
}

func TestOneBrokerIsEnough(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	cfg.Brokers = []string{localporttest.Closed(t), silentPort(t), httpPort(t), server.Brokers()[1]}
	start := time.Now()
	if err := connect(t, cfg); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
}

func TestNewClientEndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, cfg := startPlain(t)
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := kafka.NewClient(ctx, cfg, sc); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// startMisadvertised starts a broker that tells its clients an address of somebody else, as a broker in Docker does when
// it advertises the name of its container. It returns the address at which the broker answers.
func startMisadvertised(t *testing.T, advertised string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(advertised)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := r.ResponseKind().(*kmsg.MetadataResponse)
		broker := kmsg.NewMetadataResponseBroker()
		broker.Host, broker.Port = host, int32(n)
		resp.Brokers = append(resp.Brokers, broker)
		return resp, nil, true
	})
	return cluster.ListenAddrs()[0]
}

// TestMisadvertised connects to brokers that tell their clients addresses which cannot be used.
func TestMisadvertised(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ advertised, why string }{
		"closed": {localporttest.Closed(t), "refused"},
		"silent": {silentPort(t), "no answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := startMisadvertised(t, test.advertised)
			start := time.Now()
			err := connect(t, kafka.Config{Brokers: []string{silentPort(t), seed}})
			if took := time.Since(start); took > soon {
				t.Errorf("it took %v", took)
			}
			requireProblem(t, err, seed, test.advertised+": ", test.why, "advertised.listeners")
		})
	}
}

// TestSilentSeed connects as fast as without the seed that does not answer: not after the 2 s that it is given alone.
func TestSilentSeed(t *testing.T) {
	t.Parallel()
	server, cfg := startPlain(t)
	cfg.Brokers = []string{silentPort(t), server.Brokers()[0], silentPort(t)}
	start := time.Now()
	if err := connect(t, cfg); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > soon/2 {
		t.Errorf("it took %v", took)
	}
}

func TestClusterID(t *testing.T) {
	t.Parallel()
	server, _ := startPlain(t)
	for _, addr := range server.Brokers() {
		if id, err := kafka.ClusterID(t.Context(), addr); err != nil || id != server.State().ClusterID {
			t.Errorf("%s is cluster %q (%v), want %q", addr, id, err, server.State().ClusterID)
		}
	}
	for _, addr := range []string{localporttest.Closed(t), silentPort(t), httpPort(t)} {
		start := time.Now()
		if id, err := kafka.ClusterID(t.Context(), addr); err == nil {
			t.Errorf("%s is cluster %q", addr, id)
		}
		if took := time.Since(start); took > soon/2 {
			t.Errorf("it took %v", took)
		}
	}
}

func TestAdminClusterID(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	user := embedded.User{Mechanism: "SCRAM-SHA-512", Name: "ann", Password: secret}
	for name, test := range map[string]struct {
		server embedded.KafkaOptions
		client kafka.Config
	}{
		"plain": {},
		"TLS and SASL": {
			embedded.KafkaOptions{TLS: ours.serverTLS(t), Users: []embedded.User{user}},
			kafka.Config{TLS: kafka.TLS{Enabled: true, CAFile: ours.file}, SASL: kafka.SASL{Mechanism: user.Mechanism, Username: user.Name, Password: user.Password}},
		},
		"an old protocol": {client: kafka.Config{Version: "1.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := embeddedtest.Start(t, test.server)
			cfg := test.client
			cfg.Brokers = server.Brokers()
			admin := newAdmin(t, cfg)
			if id, err := admin.ClusterID(t.Context()); err != nil || id != server.State().ClusterID {
				t.Errorf("it is cluster %q (%v), want %q", id, err, server.State().ClusterID)
			}
			if err := server.StopBroker(0); err != nil {
				t.Fatal(err)
			}
			for range 5 { // the order of brokers changes
				if id, err := admin.ClusterID(t.Context()); err != nil || id != server.State().ClusterID {
					t.Errorf("without broker 0 it is cluster %q (%v)", id, err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := admin.ClusterID(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			if id, err := admin.ClusterID(t.Context()); err == nil {
				t.Errorf("it is cluster %q after its end", id)
			}
		})
	}
}
