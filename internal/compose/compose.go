// Package compose runs the course's docker-compose.yml, and knows its ports.
package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/joho/godotenv"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Ports are the ports on 127.0.0.1 that the stack publishes.
type Ports struct {
	Kafka                                        []int // one a broker
	ZooKeeper, MySQL, CMAK, Console, UI, Connect int
}

// ReadPorts reads the ports from the file .env in dir, if dir is not ""; as in Docker Compose, a variable of the environment wins. What
// neither says is the port of the Java course.
func ReadPorts(dir string, getenv func(string) string) (Ports, error) {
	var file map[string]string
	if dir != "" {
		var err error
		if file, err = godotenv.Read(filepath.Join(dir, ".env")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return Ports{}, fmt.Errorf("read the ports of the compose stack: %w", err)
		}
	}
	p := Ports{Kafka: make([]int, 3)}
	for name, to := range map[string]struct {
		port     *int
		fallback int
	}{
		"KAFKA1_PORT":    {&p.Kafka[0], 9092},
		"KAFKA2_PORT":    {&p.Kafka[1], 9093},
		"KAFKA3_PORT":    {&p.Kafka[2], 9094},
		"ZOOKEEPER_PORT": {&p.ZooKeeper, 2181},
		"MYSQL_PORT":     {&p.MySQL, 3306},
		"CMAK_PORT":      {&p.CMAK, 9000},
		"CONSOLE_PORT":   {&p.Console, 8989},
		"KAFKA_UI_PORT":  {&p.UI, 8081},
		"CONNECT_PORT":   {&p.Connect, 8083},
	} {
		value := getenv(name)
		if value == "" {
			value = file[name]
		}
		if value == "" {
			*to.port = to.fallback
			continue
		}
		port, err := strconv.Atoi(value)
		if err != nil || port < 1 || port > 65535 {
			return Ports{}, problem.Usage(i18n.Text{EN: "%s=%s is not a port", KO: "%s=%s은(는) 포트 번호가 아닙니다"}.With(name, value),
				i18n.Text{EN: "write a number from 1 to 65535, in .env or the environment", KO: ".env 또는 환경 변수에 1부터 65535 사이의 숫자를 쓰세요"})
		}
		*to.port = port
	}
	return p, nil
}

// Stack is the compose stack of a clone.
type Stack struct {
	// Dir is the folder of docker-compose.yml.
	Dir string
	// Out gets what Docker Compose says while it works.
	Out io.Writer
}

// Up starts the services, all of them if none is named, and returns when they are healthy.
func (s Stack) Up(ctx context.Context, services ...string) error {
	return s.run(ctx, append([]string{"up", "--detach", "--wait", "--wait-timeout", "600"}, services...)...)
}

// Down stops and removes the containers, and with volumes all topics, tables and offsets too.
func (s Stack) Down(ctx context.Context, volumes bool) error {
	args := []string{"--profile", "*", "down", "--remove-orphans"}
	if volumes {
		args = append(args, "--volumes")
	}
	return s.run(ctx, args...)
}

// Running returns the services that run now.
func (s Stack) Running(ctx context.Context) ([]string, error) {
	out, err := s.output(ctx, "--profile", "*", "ps", "--services", "--status", "running")
	return strings.Fields(out), err
}

// OfProfile returns the services that only a profile starts.
func (s Stack) OfProfile(ctx context.Context, profile string) ([]string, error) {
	with, err := s.output(ctx, "--profile", profile, "config", "--services")
	if err != nil {
		return nil, err
	}
	without, err := s.output(ctx, "config", "--services")
	if err != nil {
		return nil, err
	}
	always := strings.Fields(without)
	return slices.DeleteFunc(strings.Fields(with), func(service string) bool { return slices.Contains(always, service) }), nil
}

// Created returns the services that have a container, whether it runs or is stopped.
func (s Stack) Created(ctx context.Context) ([]string, error) {
	out, err := s.output(ctx, "--profile", "*", "ps", "--services", "--all")
	return strings.Fields(out), err
}

// Published returns the ports of this computer that lead to the stack's containers now.
func (s Stack) Published(ctx context.Context) ([]int, error) {
	out, err := s.output(ctx, "--profile", "*", "ps", "--format", "json")
	if err != nil {
		return nil, err
	}
	var ports []int
	for containers := json.NewDecoder(strings.NewReader(out)); ; {
		var c struct{ Publishers []struct{ PublishedPort int } }
		switch err := containers.Decode(&c); {
		case errors.Is(err, io.EOF):
			return ports, nil
		case err != nil:
			return nil, fmt.Errorf("read the ports that docker compose ps tells: %w", err)
		}
		for _, p := range c.Publishers {
			ports = append(ports, p.PublishedPort)
		}
	}
}

// Container returns the name of a service's container.
func (s Stack) Container(ctx context.Context, service string) (string, error) {
	out, err := s.output(ctx, "ps", "--all", "--format", "{{.Name}}", service)
	if err == nil && strings.TrimSpace(out) == "" {
		err = fmt.Errorf("service %s has no container", service)
	}
	return strings.TrimSpace(out), err
}

func (s Stack) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose"}, args...)...)
	cmd.Dir = s.Dir
	return cmd
}

func (s Stack) run(ctx context.Context, args ...string) error {
	if err := Available(ctx); err != nil {
		return err
	}
	cmd := s.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = s.Out, s.Out
	return failed(ctx, args, cmd.Run(), i18n.Text{EN: "read what it said above; `lab doctor` looks for the usual causes", KO: "위의 메시지를 읽어 보세요. `lab doctor`가 흔한 원인을 찾아 줍니다"})
}

func (s Stack) output(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := s.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), failed(ctx, args, err, i18n.Text{EN: "see whether .env or docker-compose.yml has been changed: git diff", KO: ".env나 docker-compose.yml이 바뀌지 않았는지 확인하세요: git diff"})
}

// failed makes a problem of the error of a Docker Compose command; nil stays nil.
func failed(ctx context.Context, args []string, err error, solve i18n.Text) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return problem.Environment(err, i18n.Text{EN: "docker compose %s failed", KO: "docker compose %s 명령이 실패했습니다"}.With(strings.Join(args, " ")), solve)
}

// Available tells whether a Docker engine with Compose answers; the error is a *[problem.Problem].
func Available(ctx context.Context) error {
	_, err := EngineVersion(ctx)
	if err != nil {
		return err
	}
	_, err = Version(ctx)
	return err
}

// EngineVersion is the version of the Docker engine.
func EngineVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", problem.Environment(err, i18n.Text{EN: "there is no docker command", KO: "docker 명령이 없습니다"},
			i18n.Text{EN: "install Docker Desktop or Docker Engine", KO: "Docker Desktop이나 Docker Engine을 설치하세요"},
			i18n.Text{EN: "go on without Docker: most lessons run on the embedded Kafka", KO: "Docker 없이 계속하세요: 대부분의 레슨은 내장 Kafka에서 실행됩니다"})
	case err != nil && bytes.Contains(out, []byte("permission denied")):
		return "", problem.Environment(fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)), i18n.Text{EN: "Docker does not let you in", KO: "Docker에 접근할 권한이 없습니다"},
			i18n.Text{EN: "join its group, then log in anew: sudo usermod -aG docker $USER", KO: "docker 그룹에 들어간 뒤 다시 로그인하세요: sudo usermod -aG docker $USER"})
	case err != nil:
		return "", problem.Environment(fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)), i18n.Text{EN: "Docker does not answer", KO: "Docker가 응답하지 않습니다"},
			i18n.Text{EN: "start Docker Desktop, or the service: sudo systemctl start docker", KO: "Docker Desktop이나 서비스를 시작하세요: sudo systemctl start docker"})
	}
	return strings.TrimSpace(string(out)), nil
}

// EngineResources tells what the Docker engine has to run containers with: bytes of memory, and the processor's name.
// With Docker Desktop they are those of its virtual machine, not of the computer.
func EngineResources(ctx context.Context) (memory int64, processor string, err error) {
	out, err := exec.CommandContext(ctx, "docker", "info", "--format", "{{.MemTotal}} {{.Architecture}}").Output()
	if err == nil {
		_, err = fmt.Sscan(string(out), &memory, &processor)
	}
	if err != nil {
		return 0, "", fmt.Errorf("docker info: %w", err)
	}
	return memory, processor, nil
}

// PublishedBy names the running containers, of any project, that a port of this computer leads to.
func PublishedBy(ctx context.Context, port int) ([]string, error) {
	out, err := exec.CommandContext(ctx, "docker", "ps", "--filter", "publish="+strconv.Itoa(port), "--format", "{{.Names}}").Output()
	if err != nil {
		return nil, fmt.Errorf("docker ps: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// Version is the version of Docker Compose.
func Version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "docker", "compose", "version", "--short").CombinedOutput()
	if err != nil {
		return "", problem.Environment(fmt.Errorf("%w: %s", err, bytes.TrimSpace(out)), i18n.Text{EN: "this Docker has no Compose", KO: "이 Docker에는 Compose가 없습니다"},
			i18n.Text{EN: "install the Compose plugin, 2.23.1 or newer (Docker Desktop has it)", KO: "Compose 플러그인 2.23.1 이상을 설치하세요 (Docker Desktop에는 들어 있습니다)"})
	}
	return strings.TrimSpace(string(out)), nil
}
