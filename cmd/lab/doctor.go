package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/doctor"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: a.t("Look the computer and the stack over, and say how to cure what is wrong", "컴퓨터와 스택을 점검하고 문제의 해결 방법을 알려 줍니다"),
		Args:  a.noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, ports, err := a.composeStack()
			if err != nil {
				return err
			}
			findings := doctor.Machine(cmd.Context(), s, ports)
			services := a.composeServices(cmd.Context(), s)
			findings = append(findings, askStack(cmd.Context(), ports, services)...)
			findings = append(findings, a.askOtherKafka(cmd.Context(), services)...)
			findings = append(findings, a.askOtherMySQL(cmd.Context(), services)...)
			a.findings(findings)
			return cured(findings)
		},
	}
}

// composeServices are the services that should answer now: none if --stack means another stack, or none runs, otherwise
// all that have a container. What keeps Docker from telling is a finding about the machine.
func (a *app) composeServices(ctx context.Context, s compose.Stack) []string {
	if (a.stack != stack.Auto && a.stack != stack.Compose) || compose.Available(ctx) != nil {
		return nil
	}
	running, err := s.Running(ctx)
	if err != nil || len(running) == 0 {
		return nil
	}
	created, err := s.Created(ctx)
	if err != nil {
		return nil
	}
	return created
}

// askOtherKafka checks the Kafka that programs and lessons would use, unless it has been checked with these services.
func (a *app) askOtherKafka(ctx context.Context, services []string) []doctor.Finding {
	named := len(a.kafka.Brokers) > 0 && a.environmentCounts()
	if slices.ContainsFunc(services, isBroker) && !named {
		return nil
	}
	found, err := stack.FindKafka(ctx, a.kafka, a.stack)
	none := new(stack.NoKafkaError)
	switch {
	case err == nil:
		return doctor.Kafka(ctx, found.Config, 0)
	case errors.As(err, &none) && none.Silent == nil && (a.stack == stack.Auto || a.stack == stack.Embedded):
		return []doctor.Finding{doctor.NoKafka()}
	}
	return []doctor.Finding{doctor.Failed("kafka", doctor.Bad, err, i18n.Text{EN: "check --stack and KAFKA_BROKERS", KO: "--stack과 KAFKA_BROKERS를 확인하세요"})}
}

// askOtherMySQL does the same for the database. A private one need not run.
func (a *app) askOtherMySQL(ctx context.Context, services []string) []doctor.Finding {
	env := mysql.FromEnv(os.Getenv)
	switch {
	case env.DSN != "" && a.environmentCounts():
		return doctor.MySQL(ctx, env)
	case slices.Contains(services, "mysql"):
		return nil
	}
	dir, err := stack.PrivateMySQLDir()
	if err != nil {
		return []doctor.Finding{doctor.Failed("mysql", doctor.Warning, err, i18n.Text{EN: "choose another folder: KAFKAHANDSON_HOME", KO: "다른 폴더를 지정하세요: KAFKAHANDSON_HOME"})}
	}
	return []doctor.Finding{doctor.PrivateMySQL(dir)}
}

// environmentCounts tells whether servers that the environment names would be used.
func (a *app) environmentCounts() bool { return a.stack == stack.Auto || a.stack == stack.Env }

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
