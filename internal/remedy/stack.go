package remedy

import (
	"strings"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

func ofStack(err error) (*problem.Problem, error) {
	if e, ok := as[*stack.KindError](err); ok {
		return problem.Usage(i18n.Text{EN: "unknown stack %q", KO: "알 수 없는 스택 %q입니다"}.With(e.Value),
			i18n.Text{EN: "choose auto, env, compose or embedded", KO: "auto, env, compose, embedded 중에서 고르세요"}), e
	}
	if e, ok := as[*stack.NoKafkaError](err); ok {
		cause := &problem.Problem{What: i18n.Join(e.Tried, "; ")}
		switch {
		case e.ForRun && e.Kind == stack.Env:
			return problem.Usage(
				i18n.Text{EN: "--stack=env, but KAFKA_BROKERS is not set", KO: "--stack=env인데 KAFKA_BROKERS가 설정되지 않았습니다"},
				i18n.Text{EN: "set KAFKA_BROKERS=host:9092", KO: "KAFKA_BROKERS=host:9092를 설정하세요"}), e
		case e.ForRun:
			return problem.Environment(cause,
				i18n.Text{EN: "the compose stack does not answer", KO: "compose 스택이 응답하지 않습니다"},
				i18n.Text{EN: "start it: make up", KO: "시작하세요: make up"}), e
		case e.Silent != nil:
			return ofSilent(e.Silent), e
		}
		return problem.Environment(cause,
			i18n.Text{EN: "no Kafka is running here", KO: "실행 중인 Kafka가 없습니다"}, waysToKafka()...), e
	}
	if e, ok := as[*stack.SilentError](err); ok {
		return ofSilent(e), e
	}
	if e, ok := as[*checkout.NotFoundError](err); ok {
		return problem.Environment(nil,
			i18n.Text{EN: "%s is not inside a clone of the course, so there are no programs to build", KO: "%s은(는) 강의 저장소 안이 아니라서 빌드할 프로그램이 없습니다"}.With(e.Dir),
			i18n.Text{EN: "change into the folder that you cloned", KO: "복제한 저장소 폴더로 이동하세요"}), e
	}
	return nil, nil
}

func ofSilent(e *stack.SilentError) *problem.Problem {
	return problem.Environment(nil, e.Text(), i18n.Text{EN: "`lab down --embedded` ends it; then start it again: `make up-embedded`", KO: "`lab down --embedded`로 끝낸 뒤 다시 시작하세요: `make up-embedded`"})
}

// waysToKafka are what to do where no Kafka is.
func waysToKafka() []i18n.Text {
	return []i18n.Text{
		{EN: "start one in another terminal: `make up-embedded` (no Docker) or `make up` (Docker)", KO: "다른 터미널에서 Kafka를 시작하세요: `make up-embedded` (Docker 없이) 또는 `make up` (Docker)"},
		{EN: "name your own cluster: KAFKA_BROKERS=host:9092", KO: "사용 중인 클러스터를 지정하세요: KAFKA_BROKERS=host:9092"},
	}
}

func ofCompose(err error) (*problem.Problem, error) {
	if e, ok := as[*compose.PortError](err); ok {
		return problem.Usage(i18n.Text{EN: "%s=%s is not a port", KO: "%s=%s은(는) 포트 번호가 아닙니다"}.With(e.Setting, e.Value),
			i18n.Text{EN: "write a number from 1 to 65535, in .env or the environment", KO: ".env 또는 환경 변수에 1부터 65535 사이의 숫자를 쓰세요"}), e
	}
	e, ok := as[*compose.Error](err)
	if !ok {
		return nil, nil
	}
	switch e.Reason {
	case compose.NoDocker:
		return problem.Environment(e.Err, i18n.Text{EN: "there is no docker command", KO: "docker 명령이 없습니다"},
			i18n.Text{EN: "install Docker Desktop or Docker Engine", KO: "Docker Desktop이나 Docker Engine을 설치하세요"},
			i18n.Text{EN: "go on without Docker: most lessons run on the embedded Kafka", KO: "Docker 없이 계속하세요: 대부분의 레슨은 내장 Kafka에서 실행됩니다"}), e
	case compose.NoPermission:
		return problem.Environment(e.Err, i18n.Text{EN: "Docker does not let you in", KO: "Docker에 접근할 권한이 없습니다"},
			i18n.Text{EN: "join its group, then log in anew: sudo usermod -aG docker $USER", KO: "docker 그룹에 들어간 뒤 다시 로그인하세요: sudo usermod -aG docker $USER"}), e
	case compose.EngineDown:
		return problem.Environment(e.Err, i18n.Text{EN: "Docker does not answer", KO: "Docker가 응답하지 않습니다"},
			i18n.Text{EN: "start Docker Desktop, or the service: sudo systemctl start docker", KO: "Docker Desktop이나 서비스를 시작하세요: sudo systemctl start docker"}), e
	case compose.NoCompose:
		return problem.Environment(e.Err, i18n.Text{EN: "this Docker has no Compose", KO: "이 Docker에는 Compose가 없습니다"},
			i18n.Text{EN: "install the Compose plugin, 2.23.1 or newer (Docker Desktop has it)", KO: "Compose 플러그인 2.23.1 이상을 설치하세요 (Docker Desktop에는 들어 있습니다)"}), e
	}
	solve := i18n.Text{EN: "see whether .env or docker-compose.yml has been changed: git diff", KO: ".env나 docker-compose.yml이 바뀌지 않았는지 확인하세요: git diff"}
	if e.Shown {
		solve = i18n.Text{EN: "read what it said above; `lab doctor` looks for the usual causes", KO: "위의 메시지를 읽어 보세요. `lab doctor`가 흔한 원인을 찾아 줍니다"}
	}
	return problem.Environment(e.Err, i18n.Text{EN: "docker compose %s failed", KO: "docker compose %s 명령이 실패했습니다"}.With(strings.Join(e.Command, " ")), solve), e
}
