package main

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

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
	running, err := s.Services(ctx)
	if err != nil {
		return err
	}
	findings := a.askStack(ctx, ports, running)
	a.findings(findings)
	a.endpoints(ports, running)
	return cured(findings)
}

// askStack looks at the running stack as its clients do.
func (a *app) askStack(ctx context.Context, ports compose.Ports, running []string) []doctor.Finding {
	findings := doctor.Kafka(ctx, stack.ComposeKafka(ports))
	findings = append(findings, doctor.MySQL(ctx, mysql.Config{Port: ports.MySQL})...)
	for _, ui := range doctor.UIs(ports) {
		if slices.Contains(running, ui.Service) {
			findings = append(findings, ui.Check(ctx))
		}
	}
	return findings
}

func (a *app) downCompose(ctx context.Context, volumes bool) (ran bool, err error) {
	if compose.Available(ctx) != nil { // without Docker nothing of it can be up
		return false, nil
	}
	s, _, err := a.composeStack()
	if err != nil {
		return false, nil // outside a clone: only the embedded Kafka was meant
	}
	services, err := s.Services(ctx)
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

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: a.t("Look the computer and the stack over, and say how to cure what is wrong", "컴퓨터와 스택을 점검하고 문제의 해결 방법을 알려 줍니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			s, ports, err := a.composeStack()
			if err != nil {
				return err
			}
			findings := doctor.Machine(ctx, ports)
			if compose.Available(ctx) == nil {
				services, err := s.Services(ctx)
				if err != nil {
					return err
				}
				if len(services) > 0 {
					findings = append(findings, a.askStack(ctx, ports, services)...)
					a.findings(findings)
					return cured(findings)
				}
			}
			found, err := stack.FindKafka(ctx, a.kafka, a.stack)
			if err == nil {
				findings = append(findings, doctor.Kafka(ctx, found.Config)...)
			} else {
				findings = append(findings, doctor.NoKafka())
			}
			a.findings(findings)
			return cured(findings)
		},
	}
}

// findings prints what a doctor found, and the cures.
func (a *app) findings(findings []doctor.Finding) {
	marks := map[doctor.Level]string{doctor.Good: "✓", doctor.Warning: "!", doctor.Bad: "✗"}
	colors := map[doctor.Level]text.Color{doctor.Good: text.FgGreen, doctor.Warning: text.FgYellow, doctor.Bad: text.FgRed}
	for _, f := range findings {
		mark := marks[f.Level]
		if a.color() {
			mark = "\x1b[" + strconv.Itoa(int(colors[f.Level])) + "m" + mark + "\x1b[0m"
		}
		a.printf("%s %s  %s\n", mark, text.Pad(f.What, 18, ' '), f.Detail.In(a.lang))
		for _, s := range f.Solve {
			a.printf("  %s  %s %s\n", text.Pad("", 18, ' '), a.t("how to solve it:", "해결 방법:"), s.In(a.lang))
		}
	}
}

// cured is an error if something does not work.
func cured(findings []doctor.Finding) error {
	for _, f := range findings {
		if f.Level == doctor.Bad {
			return problem.Environment(nil, i18n.Text{EN: "%s does not work", KO: "%s에 문제가 있습니다"}.With(f.What), f.Solve...)
		}
	}
	return nil
}

func (a *app) endpoints(ports compose.Ports, running []string) {
	rows := []table.Row{
		{"Kafka", strings.Join(stack.ComposeKafka(ports).Brokers, ","), a.t("three brokers", "브로커 세 개")},
		{"MySQL", "127.0.0.1:" + strconv.Itoa(ports.MySQL), mysql.DefaultDatabase + ", " + mysql.DefaultUser + " / " + mysql.DefaultPassword},
		{"ZooKeeper", "127.0.0.1:" + strconv.Itoa(ports.ZooKeeper), ""},
	}
	for _, ui := range doctor.UIs(ports) {
		if slices.Contains(running, ui.Service) {
			rows = append(rows, table.Row{ui.Name, ui.URL(), ""})
		}
	}
	a.printf("\n")
	a.table(table.Row{"", a.t("address", "주소"), ""}, rows)
}
