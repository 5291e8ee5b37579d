package stack_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/localport/localporttest"
	"kafkahandson/internal/pidfile"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// newLocator looks on ports and in a directory of the test's own.
func newLocator(t *testing.T) stack.Locator {
	t.Helper()
	return stack.Locator{KeptDir: t.TempDir(), Ports: localporttest.Free(t, 3)}
}

func addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func addrs(ports []int) []string {
	var all []string
	for _, port := range ports {
		all = append(all, addr(port))
	}
	return all
}

// startCompose starts what the compose stack is to a client: a Kafka on the published ports that is not one of ours.
func startCompose(t *testing.T, l stack.Locator) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.ClusterID("4L6g3nShT-eMCtK--X86sw"), kfake.Ports(l.Ports...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// startKept starts what `lab up --embedded` starts.
func startKept(t *testing.T, l stack.Locator) *embedded.Kafka {
	t.Helper()
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: l.KeptDir, Ports: l.Ports})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// open opens a Kafka as a lesson's run does, until the end of the test.
func open(t *testing.T, l stack.Locator, cfg kafka.Config, kind stack.Kind) stack.Kafka {
	t.Helper()
	k, err := l.OpenKafka(t.Context(), cfg, kind, "r7f3", filepath.Join(t.TempDir(), "kafka"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}

// find finds a Kafka as a program does.
func find(t *testing.T, l stack.Locator, cfg kafka.Config, kind stack.Kind) stack.Kafka {
	t.Helper()
	k, err := l.FindKafka(t.Context(), cfg, kind)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// requireKafka checks where a Kafka comes from, and that it is announced in both languages.
func requireKafka(t *testing.T, k stack.Kafka, kind stack.Kind, kept bool, brokers []string) {
	t.Helper()
	if k.Kind != kind || k.Kept != kept || !slices.Equal(k.Config.Brokers, brokers) {
		t.Fatalf("got %s (kept %v) at %v, want %s (kept %v) at %v", k.Kind, k.Kept, k.Config.Brokers, kind, kept, brokers)
	}
	said := k.Announce()
	for _, text := range []string{said.EN, said.KO} {
		if !strings.Contains(text, strings.Join(brokers, ",")) {
			t.Errorf("%q does not name %v", text, brokers)
		}
	}
	if said.EN == said.KO || strings.Contains(said.EN+said.KO, "%!") {
		t.Errorf("the announcement is %+v", said)
	}
}

func requireProblem(t *testing.T, err error, exit int, names ...string) {
	t.Helper()
	p := new(problem.Problem)
	if !errors.As(remedy.Of(err), &p) || p.Exit != exit || len(p.Solve) == 0 || p.What.EN == p.What.KO {
		t.Fatalf("got %v, want a problem with exit code %d and a remedy", err, exit)
	}
	text := p.Error()
	for _, s := range p.Solve {
		text += "\n" + s.EN
	}
	for _, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("%q does not name %s", text, name)
		}
	}
}

func TestEnvironmentComesFirst(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	startCompose(t, l)
	cfg := kafka.Config{
		Brokers: []string{"kafka.example:9092"}, // it is not dialled yet
		TLS:     kafka.TLS{Enabled: true}, SASL: kafka.SASL{Mechanism: "PLAIN", Username: "ann", Password: "secret"},
	}
	for _, kind := range []stack.Kind{stack.Auto, stack.Env} {
		for _, k := range []stack.Kafka{find(t, l, cfg, kind), open(t, l, cfg, kind)} {
			requireKafka(t, k, stack.Env, false, cfg.Brokers)
			if !reflect.DeepEqual(k.Config, cfg) {
				t.Errorf("got %+v, want %+v", k, cfg)
			}
		}
	}

	cfg.Brokers = []string{"kafka.example"}
	_, err := l.FindKafka(t.Context(), cfg, stack.Auto)
	requireProblem(t, err, problem.ExitUsage, "kafka.example", "host:port")
}

func TestComposeComesSecond(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	cluster := startCompose(t, l)
	kept := startKept(t, l)
	if kept.TakenPort == 0 {
		t.Fatal("both are on the same ports")
	}
	cfg := kafka.Config{ClientID: "me", Version: "3.9.0", TLS: kafka.TLS{CAFile: "left over"}, SASL: kafka.SASL{Username: "ann"}}
	check := func() {
		t.Helper()
		for _, k := range []stack.Kafka{find(t, l, cfg, stack.Auto), open(t, l, cfg, stack.Auto), find(t, l, cfg, stack.Compose), open(t, l, cfg, stack.Compose)} {
			requireKafka(t, k, stack.Compose, false, addrs(l.Ports))
			if want := (kafka.Config{Brokers: addrs(l.Ports), ClientID: "me", Version: "3.9.0"}); !reflect.DeepEqual(k.Config, want) {
				t.Errorf("got %+v, want %+v: the compose stack has neither TLS nor a login", k, want)
			}
		}
	}
	check()
	for _, broker := range []int32{0, 1} { // a lesson stops them
		if err := cluster.RemoveNode(broker); err != nil {
			t.Fatal(err)
		}
		check()
	}
	requireKafka(t, find(t, l, kafka.Config{}, stack.Embedded), stack.Embedded, true, kept.Brokers())
	cfg = kafka.Config{Brokers: []string{"kafka.example:9092"}}
	requireKafka(t, find(t, l, cfg, stack.Compose), stack.Compose, false, addrs(l.Ports))
}

func TestKeptEmbeddedComesThird(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, l stack.Locator){
		"on the preferred ports": func(*testing.T, stack.Locator) {},
		"on free ports": func(t *testing.T, l stack.Locator) {
			ln, err := net.Listen("tcp", addr(l.Ports[1]))
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
					_ = conn.Close()
				}
			})
			t.Cleanup(func() {
				_ = ln.Close()
				wg.Wait()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLocator(t)
			prepare(t, l)
			server := startKept(t, l)
			for _, k := range []stack.Kafka{
				find(t, l, kafka.Config{}, stack.Auto), open(t, l, kafka.Config{}, stack.Auto),
				find(t, l, kafka.Config{}, stack.Embedded), open(t, l, kafka.Config{}, stack.Embedded),
			} {
				requireKafka(t, k, stack.Embedded, true, server.Brokers())
				if err := k.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, ok := embedded.RunningKafka(l.KeptDir); !ok {
				t.Error("closing what was found has ended it")
			}
			_, err := l.FindKafka(t.Context(), kafka.Config{}, stack.Compose)
			requireProblem(t, err, problem.ExitEnvironment)
		})
	}
}

// One that is suspended, or whose addresses belong to another cluster by now, is passed over, and left alone.
func TestKeptEmbeddedThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	other := startCompose(t, newLocator(t))
	for name, addrs := range map[string][]string{"mute": {ln.Addr().String()}, "another cluster": other.ListenAddrs()} {
		l := newLocator(t)
		file, err := pidfile.Create(filepath.Join(l.KeptDir, "kafka.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Write(pidfile.State{Addresses: addrs, ClusterID: embedded.ClusterIDPrefix + "embedded"}); err != nil {
			t.Fatal(err)
		}
		pid := fmt.Sprintf("pid %d", os.Getpid())
		for _, kind := range []stack.Kind{stack.Auto, stack.Embedded} {
			_, err = l.FindKafka(t.Context(), kafka.Config{}, kind)
			requireProblem(t, err, problem.ExitEnvironment, pid, "`lab down --embedded`")
			if silent := new(stack.SilentError); !errors.As(err, &silent) || silent.PID != os.Getpid() || !strings.Contains(err.Error(), pid) {
				t.Errorf("%s: %v", name, err)
			}
			k := open(t, l, kafka.Config{}, kind)
			requireKafka(t, k, stack.Embedded, false, k.Config.Brokers)
			for _, text := range []string{k.Announce().EN, k.Announce().KO} {
				if !strings.Contains(text, pid) || !strings.Contains(text, "`lab down --embedded`") {
					t.Errorf("%s: %q does not tell of it", name, text)
				}
			}
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, ok := embedded.RunningKafka(l.KeptDir); !ok {
			t.Errorf("%s: it is taken for dead", name)
		}
		if err := file.Remove(); err != nil {
			t.Error(err)
		}
	}
}

func TestStartedForARun(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	k := open(t, l, kafka.Config{ClientID: "me"}, stack.Auto)
	requireKafka(t, k, stack.Embedded, false, addrs(l.Ports))
	if id, err := kafka.ClusterID(t.Context(), addr(l.Ports[0])); err != nil || id != embedded.ClusterIDPrefix+"run-r7f3" {
		t.Errorf("it is cluster %s (%v)", id, err)
	}

	// A program that is run by hand meanwhile may use it, another run may not: it starts its own.
	requireKafka(t, find(t, l, kafka.Config{}, stack.Auto), stack.Embedded, false, addrs(l.Ports))
	other := open(t, l, kafka.Config{}, stack.Auto)
	if other.Kind != stack.Embedded || slices.ContainsFunc(other.Config.Brokers, func(b string) bool { return slices.Contains(k.Config.Brokers, b) }) {
		t.Errorf("another run got %v, of the first run's %v", other.Config.Brokers, k.Config.Brokers)
	}
	requireKafka(t, other, stack.Embedded, false, other.Config.Brokers)
	for _, text := range []string{other.Announce().EN, other.Announce().KO} {
		for _, name := range []string{strconv.Itoa(l.Ports[0]), fmt.Sprintf("(pid %d)", os.Getpid())} {
			if !strings.Contains(text, name) {
				t.Errorf("%q does not say that %s has its port", text, name)
			}
		}
	}

	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := l.FindKafka(t.Context(), kafka.Config{}, stack.Auto)
	requireProblem(t, err, problem.ExitEnvironment)
	if err := k.Close(); err != nil {
		t.Errorf("closing it again: %v", err)
	}
}

// TestEmbeddedOnDemand asks for an embedded Kafka although others run.
func TestEmbeddedOnDemand(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	startCompose(t, l)
	cfg := kafka.Config{Brokers: []string{"kafka.example:9092"}}
	if k := open(t, l, cfg, stack.Embedded); k.Kind != stack.Embedded || k.Kept {
		t.Errorf("got %+v, want a Kafka for this run: none is kept up", k)
	}
	kept := startKept(t, l)
	requireKafka(t, open(t, l, cfg, stack.Embedded), stack.Embedded, true, kept.Brokers())
	if k := open(t, l, cfg, stack.Own); k.Kind != stack.Embedded || k.Kept || slices.Equal(k.Config.Brokers, kept.Brokers()) {
		t.Errorf("got %+v, want a Kafka for this run", k)
	}
}

func TestIsEmbedded(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	compose := startCompose(t, l)
	kept := startKept(t, l)
	named := func(brokers []string) stack.Kafka {
		return find(t, l, kafka.Config{Brokers: brokers}, stack.Env)
	}
	for name, test := range map[string]struct {
		k    stack.Kafka
		want bool
	}{
		"compose":          {find(t, l, kafka.Config{}, stack.Compose), false},
		"kept up":          {find(t, l, kafka.Config{}, stack.Embedded), true},
		"of a run":         {open(t, l, kafka.Config{}, stack.Own), true},
		"named, a cluster": {named(compose.ListenAddrs()), false},
		"named, embedded":  {named(kept.Brokers()), true},
	} {
		id, err := kafka.ClusterID(t.Context(), test.k.Config.Brokers[0])
		if got := stack.IsEmbedded(id); err != nil || got != test.want {
			t.Errorf("%s, cluster %s: %v (%v)", name, id, got, err)
		}
	}
}

func TestNoKafka(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	_, err := l.FindKafka(t.Context(), kafka.Config{}, stack.Auto)
	names := append(addrs(l.Ports), "KAFKA_BROKERS is not set", "lab up --embedded is not running", "make up", "refused")
	requireProblem(t, err, problem.ExitEnvironment, names...)
	var korean strings.Builder
	remedy.Render(&korean, i18n.Korean, err)
	for _, want := range []string{"KAFKA_BROKERS가 설정되지 않았습니다; 응답이 없습니다: " + addr(l.Ports[0]), "lab up --embedded가 실행 중이 아닙니다"} {
		if !strings.Contains(korean.String(), want) {
			t.Errorf("in Korean it does not say %q:\n%s", want, korean.String())
		}
	}
	for kind, want := range map[stack.Kind]string{stack.Env: "KAFKA_BROKERS", stack.Compose: addr(l.Ports[0]), stack.Embedded: "lab up --embedded"} {
		_, err := l.FindKafka(t.Context(), kafka.Config{}, kind)
		requireProblem(t, err, problem.ExitEnvironment, want)
	}
	_, err = l.OpenKafka(t.Context(), kafka.Config{}, stack.Env, "r", t.TempDir())
	requireProblem(t, err, problem.ExitUsage, "KAFKA_BROKERS")
	_, err = l.OpenKafka(t.Context(), kafka.Config{}, stack.Compose, "r", t.TempDir())
	requireProblem(t, err, problem.ExitEnvironment, "make up")
}

// TestSomethingElseOnThePorts has programs on the ports that never answer.
func TestSomethingElseOnThePorts(t *testing.T) {
	t.Parallel()
	l := stack.Locator{KeptDir: t.TempDir()}
	for range 3 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		l.Ports = append(l.Ports, ln.Addr().(*net.TCPAddr).Port)
	}
	start := time.Now()
	_, err := l.FindKafka(t.Context(), kafka.Config{}, stack.Auto)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	requireProblem(t, err, problem.ExitEnvironment, addrs(l.Ports)...)
	k := open(t, l, kafka.Config{}, stack.Auto)
	if k.Kind != stack.Embedded || !strings.Contains(k.Announce().EN, strconv.Itoa(l.Ports[0])) {
		t.Errorf("got %v: %s", k.Kind, k.Announce().EN)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newLocator(t).FindKafka(ctx, kafka.Config{}, stack.Auto); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDirInUse(t *testing.T) {
	t.Parallel()
	l := newLocator(t)
	dir := t.TempDir()
	k, err := l.OpenKafka(t.Context(), kafka.Config{}, stack.Own, "r1", dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.OpenKafka(t.Context(), kafka.Config{}, stack.Own, "r2", dir)
	requireProblem(t, err, problem.ExitEnvironment, dir)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestParseKind(t *testing.T) {
	t.Parallel()
	for _, kind := range []stack.Kind{stack.Auto, stack.Env, stack.Compose, stack.Embedded} {
		if got, err := stack.ParseKind(string(kind)); err != nil || got != kind {
			t.Errorf("%s is %s (%v)", kind, got, err)
		}
	}
	for _, unknown := range []string{"docker", "", string(stack.Own)} { // Own is no choice of a person
		_, err := stack.ParseKind(unknown)
		requireProblem(t, err, problem.ExitUsage, unknown, "compose")
	}
}

// TestDefaults is not parallel: it sets the environment.
func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(home.Env, dir)
	if got, err := stack.KeptKafkaDir(); err != nil || got != filepath.Join(dir, "embedded", "kafka") {
		t.Errorf("the kept Kafka is in %s (%v)", got, err)
	}
	for _, name := range []string{"KAFKA1_PORT", "KAFKA2_PORT", "KAFKA3_PORT"} {
		t.Setenv(name, "")
	}
	if ports, err := stack.Ports(); err != nil || !slices.Equal(ports.Kafka, []int{9092, 9093, 9094}) { // as in the Java course
		t.Errorf("the ports are %v (%v)", ports.Kafka, err)
	}
	// By default it looks there: nothing is kept up in a new home, whatever runs on the ports.
	if k, err := stack.FindKafka(t.Context(), kafka.Config{}, stack.Embedded); err == nil && k.Kept {
		t.Errorf("found %+v", k)
	}
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: filepath.Join(dir, "embedded", "kafka")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	k, err := stack.FindKafka(t.Context(), kafka.Config{}, stack.Embedded)
	if err != nil || k.Kind != stack.Embedded {
		t.Errorf("found %+v (%v)", k, err)
	}
	if k, err := stack.OpenKafka(t.Context(), kafka.Config{Brokers: []string{"a:1"}}, stack.Auto, "r", t.TempDir()); err != nil || k.Kind != stack.Env {
		t.Errorf("opened %+v (%v)", k, err)
	}
}
