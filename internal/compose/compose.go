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
			return Ports{}, &PortError{Setting: name, Value: value}
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
	return failed(ctx, Error{Reason: CommandFailed, Command: args, Shown: true}, cmd.Run())
}

func (s Stack) output(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := s.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), failed(ctx, Error{Reason: CommandFailed, Command: args}, err)
}

// failed is the error of a Docker Compose command; nil stays nil.
func failed(ctx context.Context, e Error, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	e.Err = err
	return &e
}

// Available tells whether a Docker engine with Compose answers; the error is an [*Error].
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
		return "", &Error{Reason: NoDocker, Err: err}
	case err != nil && bytes.Contains(out, []byte("permission denied")):
		return "", &Error{Reason: NoPermission, Err: fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))}
	case err != nil:
		return "", &Error{Reason: EngineDown, Err: fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))}
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
		return "", &Error{Reason: NoCompose, Err: fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))}
	}
	return strings.TrimSpace(string(out)), nil
}
