package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/doctor"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// composeStack is the stack of the clone that the command runs in, with its ports.
func (a *app) composeStack() (compose.Stack, compose.Ports, error) {
	root, err := checkout.Root()
	if err != nil {
		return compose.Stack{}, compose.Ports{}, err
	}
	ports, err := compose.ReadPorts(root, os.Getenv)
	return compose.Stack{Dir: root, Out: a.stderr}, ports, err
}

func (a *app) upCompose(ctx context.Context, services []string) error {
	s, ports, err := a.composeStack()
	if err != nil {
		return err
	}
	if err := s.Up(ctx, services...); err != nil {
		return err
	}
	expected, err := expectedServices(ctx, s, services)
	if err != nil {
		return err
	}
	findings := askStack(ctx, ports, expected)
	a.findings(findings)
	a.endpoints(ports, expected)
	return cured(findings)
}

// expectedServices are those that should answer after `up` with these arguments: what was asked for, and what else runs.
func expectedServices(ctx context.Context, s compose.Stack, asked []string) ([]string, error) {
	if len(asked) == 0 { // all; one that has ended since is among them
		return s.Created(ctx)
	}
	running, err := s.Running(ctx)
	return append(running, asked...), err
}

// askStack asks services of the compose stack what their clients would. The brokers are one service here: Kafka's
// internal topics have a copy on each.
func askStack(ctx context.Context, ports compose.Ports, services []string) []doctor.Finding {
	var findings []doctor.Finding
	if slices.ContainsFunc(services, isBroker) {
		findings = append(findings, doctor.Kafka(ctx, stack.ComposeKafka(ports), len(ports.Kafka))...)
	}
	if slices.Contains(services, "mysql") {
		findings = append(findings, doctor.MySQL(ctx, mysql.Config{Port: ports.MySQL})...)
	}
	for _, page := range doctor.Pages(ports) {
		if slices.Contains(services, page.Service) {
			findings = append(findings, page.Check(ctx))
		}
	}
	return findings
}

func isBroker(service string) bool {
	return slices.Contains([]string{"kafka1", "kafka2", "kafka3"}, service)
}

// downCompose removes the stack's containers, the stopped ones too. told is false if there was nothing to tell: no stack.
func (a *app) downCompose(ctx context.Context, volumes bool) (told bool, err error) {
	root, err := checkout.Root()
	if err != nil { // outside a clone: only the embedded Kafka was meant
		return false, nil
	}
	switch err := compose.Available(ctx); {
	case errors.Is(err, exec.ErrNotFound): // there has never been a stack
		return false, nil
	case err != nil && volumes:
		return false, problem.Environment(err, i18n.Text{EN: "Docker was not reached, so the data of the compose stack is still there, if there is any", KO: "Docker에 연결하지 못해 compose 스택의 데이터가 있다면 그대로 남아 있습니다"},
			i18n.Text{EN: "start Docker and repeat the command", KO: "Docker를 시작하고 다시 실행하세요"},
			i18n.Text{EN: "delete the embedded servers' data only: lab down --embedded --volumes", KO: "내장 서버의 데이터만 지우려면: lab down --embedded --volumes"})
	case err != nil:
		a.printf("%s\n", a.t("Docker was not reached, so nothing is known of the compose stack.", "Docker에 연결하지 못해 compose 스택의 상태는 알 수 없습니다."))
		return true, nil
	}
	s := compose.Stack{Dir: root, Out: a.stderr}
	services, err := s.Created(ctx)
	if err != nil || (len(services) == 0 && !volumes) {
		return false, err
	}
	if err := s.Down(ctx, volumes); err != nil {
		return true, err
	}
	a.printf("%s\n", a.t("The compose stack is down.", "compose 스택을 내렸습니다."))
	if volumes {
		a.printf("%s\n", a.t("Its topics, offsets and tables are deleted.", "compose 스택의 토픽, 오프셋, 테이블을 삭제했습니다."))
	}
	return true, nil
}

func (a *app) endpoints(ports compose.Ports, services []string) {
	var rows []table.Row
	if slices.ContainsFunc(services, isBroker) {
		rows = append(rows, table.Row{"Kafka", strings.Join(stack.ComposeKafka(ports).Brokers, ","), a.t("three brokers", "브로커 세 개")})
	}
	if slices.Contains(services, "mysql") {
		rows = append(rows, table.Row{"MySQL", "127.0.0.1:" + strconv.Itoa(ports.MySQL), mysql.DefaultDatabase + ", " + mysql.DefaultUser + " / " + mysql.DefaultPassword})
	}
	if slices.Contains(services, "zookeeper") {
		rows = append(rows, table.Row{"ZooKeeper", "127.0.0.1:" + strconv.Itoa(ports.ZooKeeper), ""})
	}
	for _, page := range doctor.Pages(ports) {
		if slices.Contains(services, page.Service) {
			rows = append(rows, table.Row{page.Name, page.URL(), ""})
		}
	}
	a.printf("\n")
	a.table(table.Row{"", a.t("address", "주소"), ""}, rows)
}
