package lesson

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/event"
	"kafkahandson/internal/lesson/runs"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/stack"
)

// Need is something that a lesson cannot run without. Make one with a function of this file. Where it is not met the
// lesson is skipped, and tells why.
type Need struct {
	id      string
	missing func(ctx context.Context, s *stage) (*Missing, error)
}

// Missing is a need that is not met.
type Missing struct {
	Need  string // its id, for machines
	Why   Text
	Solve []Text // ways out, the likeliest first
}

func startCompose() Text {
	return Text{EN: "start the compose stack: make up", KO: "compose 스택을 시작하세요: make up"}
}

// RealKafka needs another Kafka than the embedded one: the compose stack, or any cluster. why says what the embedded one
// does not have.
func RealKafka(why Text) Need {
	return Need{id: "real-kafka", missing: func(_ context.Context, s *stage) (*Missing, error) {
		if !s.embedded {
			return nil, nil
		}
		return &Missing{Why: why, Solve: []Text{startCompose()}}, nil
	}}
}

// Compose needs the compose stack itself, because the lesson reaches into its containers or stops them. why says what for.
func Compose(why Text) Need {
	return Need{id: "compose", missing: func(_ context.Context, s *stage) (*Missing, error) {
		switch s.kafka.Kind {
		case stack.Compose:
			return nil, nil
		case stack.Env:
			return &Missing{Why: why, Solve: []Text{{EN: "run it on the compose stack: --stack compose", KO: "compose 스택에서 실행하세요: --stack compose"}}}, nil
		}
		return &Missing{Why: why, Solve: []Text{startCompose()}}, nil
	}}
}

// ComposeProfile needs the services of a profile of the compose stack, all of them running.
func ComposeProfile(name string) Need {
	return Need{id: "profile-" + name, missing: func(ctx context.Context, s *stage) (*Missing, error) {
		missing := &Missing{
			Why: Text{EN: "it needs the compose stack with the profile %s", KO: "%s 프로필을 켠 compose 스택이 필요합니다"}.With(name),
			Solve: []Text{
				Text{EN: "start it: COMPOSE_PROFILES=%s make up", KO: "시작하세요: COMPOSE_PROFILES=%s make up"}.With(name),
			},
		}
		if s.kafka.Kind != stack.Compose {
			return missing, nil
		}
		st := compose.Stack{Dir: s.root}
		services, err := st.OfProfile(ctx, name)
		if err != nil {
			return nil, err
		}
		running, err := st.Running(ctx)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(services, func(service string) bool { return !slices.Contains(running, service) }) {
			return missing, nil
		}
		return nil, nil
	}}
}

// MySQL gives each variant a database of its own: programs find it in MYSQL_DSN, the lesson with [Run.Database].
func MySQL() Need {
	return Need{id: "mysql", missing: func(ctx context.Context, s *stage) (_ *Missing, err error) {
		s.database, err = s.openServer(ctx)
		var p *problem.Problem
		if errors.As(remedy.Of(err), &p) && p.Exit == problem.ExitEnvironment { // the machine has none, or it does not answer
			return &Missing{Why: Text{EN: "it needs a MySQL: %s", KO: "MySQL이 필요합니다: %s"}.With(p.Text()), Solve: p.Solve}, nil
		}
		return nil, err
	}}
}

// Binary needs a command on the PATH. solve says how to get it.
func Binary(name string, solve ...Text) Need {
	return Need{id: "binary-" + name, missing: func(context.Context, *stage) (*Missing, error) {
		if _, err := exec.LookPath(name); err == nil {
			return nil, nil
		}
		return &Missing{Why: Text{EN: "it needs the command %s, which is not on the PATH", KO: "%s 명령이 필요한데 PATH에 없습니다"}.With(name), Solve: solve}, nil
	}}
}

// BrokerAPI needs brokers that know a request of Kafka's protocol, by its key, in a version (KIP-35). why says what for.
func BrokerAPI(key, version int16, why Text) Need {
	return Need{id: fmt.Sprintf("api-%d-v%d", key, version), missing: func(ctx context.Context, s *stage) (*Missing, error) {
		newest, err := s.admin.APIVersion(ctx, key)
		if err != nil || newest >= version {
			return nil, err
		}
		return &Missing{Why: why, Solve: []Text{startCompose()}}, nil
	}}
}

// Exclusive needs a cluster on which no other lesson runs, because the lesson stops brokers; while it runs, no other
// lesson starts there.
func Exclusive() Need { return Need{id: needExclusive} }

const needExclusive = "exclusive"

// missing is the first need that is not met; nil if all are.
func (s *stage) missing(ctx context.Context) (*Missing, error) {
	if m, err := s.enterCluster(); m != nil || err != nil {
		return m, err
	}
	for _, need := range s.lesson.Needs {
		if need.missing == nil { // looked after by enterCluster
			continue
		}
		m, err := need.missing(ctx, s)
		if err != nil {
			return nil, err
		}
		if m != nil {
			m.Need = need.id
			return m, nil
		}
	}
	return nil, nil
}

// enterCluster takes a place on a cluster that others may use too: alone, if the lesson needs that. It keeps it until
// leaveCluster.
func (s *stage) enterCluster() (*Missing, error) {
	if s.folder.Cluster == "" { // the run's own
		return nil, nil
	}
	exclusive := slices.ContainsFunc(s.lesson.Needs, func(n Need) bool { return n.id == needExclusive })
	lock, others, err := runs.EnterCluster(s.folder.Cluster, exclusive)
	if lock != nil || err != nil {
		s.cluster = lock
		return nil, err
	}
	who := Text{EN: "another lesson", KO: "다른 레슨"}
	if others := slices.DeleteFunc(others, func(other string) bool { return strings.HasSuffix(other, s.id+")") }); len(others) > 0 {
		who = Text{EN: strings.Join(others, ", "), KO: strings.Join(others, ", ")}
	}
	m := &Missing{Need: needExclusive, Solve: []Text{{EN: "wait until it has ended, and repeat the command", KO: "끝날 때까지 기다렸다가 명령을 다시 실행하세요"}}}
	if exclusive {
		m.Why = Text{EN: "it stops brokers, so it must run alone, and %s runs on this cluster", KO: "브로커를 멈추는 레슨이라 혼자 실행해야 하는데, 이 클러스터에서 %s이(가) 실행 중입니다"}.With(who)
	} else {
		m.Why = Text{EN: "%s runs on this cluster and stops its brokers", KO: "이 클러스터에서 %s이(가) 브로커를 멈추고 있습니다"}.With(who)
	}
	return m, nil
}

// skip tells that the lesson is skipped.
func (s *stage) skip(m *Missing) {
	s.emit(event.Event{Type: event.Skipped, Text: &m.Why, Need: m.Need})
}
