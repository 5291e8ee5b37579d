// Package stack knows where Kafka and MySQL come from. One rule serves every program, test and lesson:
//
//  1. what the environment names (KAFKA_BROKERS …): any cluster
//  2. the compose stack, if it answers on its published ports
//  3. an embedded server: the one that `lab up --embedded` keeps up, or one started for this run
package stack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/localport"
	"kafkahandson/internal/pidfile"
)

// Kind is where a server comes from.
type Kind string

const (
	// Auto applies the rule.
	Auto     Kind = "auto"
	Env      Kind = "env"
	Compose  Kind = "compose"
	Embedded Kind = "embedded"
	// Own is for [OpenKafka] only: an embedded Kafka that is started for the run, whatever else is there. Tests of lessons
	// use it.
	Own Kind = "own"
)

// ParseKind reads what a person writes after --stack.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case Auto, Env, Compose, Embedded:
		return k, nil
	}
	return "", &KindError{Value: s}
}

// runCluster begins the cluster ids of Kafkas that end with one run of a lesson.
const runCluster = "run-"

// Kafka is a Kafka that was found or started.
type Kafka struct {
	Kind   Kind // Env, Compose or Embedded
	Config kafka.Config
	// Kept tells that an embedded Kafka outlives this process.
	Kept bool

	notes []i18n.Text
	close func() error
}

// Close ends a Kafka that was started for this run; any other goes on.
func (k Kafka) Close() error {
	if k.close == nil {
		return nil
	}
	return k.close()
}

// Announce says in one line which Kafka this is.
func (k Kafka) Announce() i18n.Text {
	brokers := strings.Join(k.Config.Brokers, ",")
	var t i18n.Text
	switch {
	case k.Kind == Env:
		t = i18n.Text{EN: "Kafka: %s, as KAFKA_BROKERS or -brokers says", KO: "Kafka: KAFKA_BROKERS 또는 -brokers가 가리키는 %s"}
	case k.Kind == Compose:
		t = i18n.Text{EN: "Kafka: the compose stack on %s", KO: "Kafka: compose 스택 (%s)"}
	case k.Kept:
		t = i18n.Text{EN: "Kafka: embedded, kept up by `lab up --embedded`, on %s", KO: "Kafka: `lab up --embedded`로 띄워 둔 내장 Kafka (%s)"}
	default:
		t = i18n.Text{EN: "Kafka: embedded, started for this run, on %s (no Docker needed)", KO: "Kafka: 이번 실행을 위해 시작한 내장 Kafka, %s (Docker가 필요 없습니다)"}
	}
	return i18n.Join(append([]i18n.Text{t.With(brokers)}, k.notes...), "\n       ")
}

// IsEmbedded tells whether a cluster is an embedded Kafka of the course, by its id, however it was found: KAFKA_BROKERS may
// name one.
func IsEmbedded(clusterID string) bool { return strings.HasPrefix(clusterID, embedded.ClusterIDPrefix) }

// KeptKafkaDir is the directory of the embedded Kafka that `lab up --embedded` keeps up.
func KeptKafkaDir() (string, error) { return home.Dir("embedded", "kafka") }

// KeptKafka returns the state of the Kafka that is kept up in a directory ([KeptKafkaDir]). The error is [ErrNotKept] if none
// is, and a [*SilentError] if one is and does not answer within 1 s.
func KeptKafka(ctx context.Context, dir string) (pidfile.State, error) {
	state, ok := embedded.RunningKafka(dir)
	if !ok {
		return pidfile.State{}, ErrNotKept
	}
	answers := slices.ContainsFunc(askAll(ctx, state.Addresses), func(a answer) bool { return a.err == nil && a.clusterID == state.ClusterID })
	switch {
	case answers:
		return state, nil
	case ctx.Err() != nil:
		return pidfile.State{}, ctx.Err()
	}
	return pidfile.State{}, &SilentError{PID: state.PID}
}

// FindKafka is [Locator.FindKafka] where the course has its servers.
func FindKafka(ctx context.Context, cfg kafka.Config, kind Kind) (Kafka, error) {
	ports, err := Ports()
	if err != nil {
		return Kafka{}, err
	}
	return Locator{Ports: ports.Kafka}.FindKafka(ctx, cfg, kind)
}

// OpenKafka is [Locator.OpenKafka] where the course has its servers.
func OpenKafka(ctx context.Context, cfg kafka.Config, kind Kind, run, dir string) (Kafka, error) {
	ports, err := Ports()
	if err != nil {
		return Kafka{}, err
	}
	return Locator{Ports: ports.Kafka}.OpenKafka(ctx, cfg, kind, run, dir)
}

// Locator knows where to look for a Kafka.
type Locator struct {
	// Ports are the published ports of the compose stack's brokers on 127.0.0.1, and the ports that an embedded Kafka
	// prefers. Required.
	Ports []int
	// KeptDir is the directory of the embedded Kafka that `lab up --embedded` keeps up. Default: [KeptKafkaDir].
	KeptDir string
}

// FindKafka finds a running Kafka by the rule, or only of one kind. cfg is what flags and environment say. When there
// is none it returns a [*NoKafkaError] that lists what was tried, within 3 s.
func (l Locator) FindKafka(ctx context.Context, cfg kafka.Config, kind Kind) (Kafka, error) {
	k, none, err := l.find(ctx, cfg, kind, true)
	if err != nil || none == nil {
		return k, err
	}
	return Kafka{}, none
}

// OpenKafka is FindKafka for a lesson's run: for the kinds Auto and Embedded, where there is no Kafka, it starts an
// embedded one with its data in dir, until Close. It leaves alone an embedded Kafka that another run started for itself.
func (l Locator) OpenKafka(ctx context.Context, cfg kafka.Config, kind Kind, run, dir string) (Kafka, error) {
	var notes []i18n.Text
	if kind != Own {
		k, none, err := l.find(ctx, cfg, kind, false)
		if err != nil || none == nil {
			return k, err
		}
		if kind == Env || kind == Compose {
			none.ForRun = true
			return Kafka{}, none
		}
		if none.Silent != nil {
			notes = append(notes, i18n.Text{EN: "(%s: `lab down --embedded` ends it)", KO: "(%s. `lab down --embedded`로 끝낼 수 있습니다)"}.With(none.Silent.Text()))
		}
	}
	return l.startKafka(ctx, cfg, run, dir, notes)
}

func (l Locator) startKafka(ctx context.Context, cfg kafka.Config, run, dir string, notes []i18n.Text) (Kafka, error) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir, ClusterID: runCluster + run, Ports: l.Ports})
	if err != nil {
		return Kafka{}, err
	}
	if note := TakenPortNote(ctx, server.TakenPort); !note.IsZero() {
		notes = append(notes, note)
	}
	return Kafka{
		Kind:   Embedded,
		Config: plain(cfg, server.Brokers()),
		notes:  notes,
		close:  server.Close,
	}, nil
}

// TakenPortNote says who holds a port that an embedded Kafka would have liked; no text for port 0.
func TakenPortNote(ctx context.Context, port int) i18n.Text {
	if port == 0 {
		return i18n.Text{}
	}
	holder := localport.Holder(ctx, port)
	if holder == "" {
		return i18n.Text{EN: "(free ports, because port %d is taken)", KO: "(%d번 포트가 사용 중이라 빈 포트를 씁니다)"}.With(port)
	}
	return i18n.Text{EN: "(free ports, because port %d is taken by %s)", KO: "(%[1]d번 포트를 %[2]s이(가) 사용 중이라 빈 포트를 씁니다)"}.With(port, holder)
}

// find returns the reason when there is no Kafka.
func (l Locator) find(ctx context.Context, cfg kafka.Config, kind Kind, acceptRuns bool) (k Kafka, none *NoKafkaError, err error) {
	none = &NoKafkaError{Kind: kind}
	if kind == Auto || kind == Env {
		if len(cfg.Brokers) > 0 {
			return Kafka{Kind: Env, Config: cfg}, nil, cfg.Validate()
		}
		none.Tried = append(none.Tried, i18n.Text{EN: "%s is not set", KO: "%s가 설정되지 않았습니다"}.With(kafka.EnvBrokers))
	}
	if kind != Env {
		published := addresses(l.Ports)
		for i, a := range askAll(ctx, published) {
			own := IsEmbedded(a.clusterID)
			ofRun := strings.HasPrefix(a.clusterID, embedded.ClusterIDPrefix+runCluster)
			switch {
			case ctx.Err() != nil:
				return Kafka{}, nil, ctx.Err()
			case a.err != nil: // a lesson may have stopped this broker: the others tell
				none.Tried = append(none.Tried, i18n.Text{EN: "no answer from %v", KO: "응답이 없습니다: %v"}.With(a.err))
			case !own && kind != Embedded:
				return Kafka{Kind: Compose, Config: plain(cfg, published)}, nil, nil
			case ofRun && acceptRuns && kind != Compose:
				return Kafka{Kind: Embedded, Config: plain(cfg, published)}, nil, nil
			default:
				none.Tried = append(none.Tried, i18n.Text{EN: "%s is cluster %s", KO: "%s은(는) %s 클러스터입니다"}.With(published[i], a.clusterID))
			}
		}
	}
	if kind == Auto || kind == Embedded {
		dir, err := l.keptDir()
		if err != nil {
			return Kafka{}, nil, err
		}
		switch state, err := KeptKafka(ctx, dir); {
		case err == nil:
			return Kafka{Kind: Embedded, Config: plain(cfg, state.Addresses), Kept: true}, nil, nil
		case errors.As(err, &none.Silent):
			none.Tried = append(none.Tried, none.Silent.Text())
		case errors.Is(err, ErrNotKept):
			none.Tried = append(none.Tried, i18n.Text{EN: "lab up --embedded is not running", KO: "lab up --embedded가 실행 중이 아닙니다"})
		default:
			return Kafka{}, nil, err
		}
	}
	return Kafka{}, none, nil
}

// answer is what an address says of its cluster.
type answer struct {
	clusterID string
	err       error
}

// askAll asks all addresses at once.
func askAll(ctx context.Context, addrs []string) []answer {
	answers := make([]answer, len(addrs))
	var wg sync.WaitGroup
	for i, addr := range addrs {
		wg.Go(func() { answers[i].clusterID, answers[i].err = kafka.ClusterID(ctx, addr) })
	}
	wg.Wait()
	return answers
}

func (l Locator) keptDir() (string, error) {
	if l.KeptDir == "" {
		return KeptKafkaDir()
	}
	return l.KeptDir, nil
}

// plain is a configuration without TLS and login: neither the compose stack nor an embedded Kafka has them.
func plain(cfg kafka.Config, brokers []string) kafka.Config {
	return kafka.Config{Brokers: brokers, ClientID: cfg.ClientID, Version: cfg.Version}
}
