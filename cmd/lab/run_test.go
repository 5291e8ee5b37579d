package main

import (
	"context"
	"errors"
	"testing"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
)

func TestExitCodeOfSeveralLessons(t *testing.T) {
	pass := outcome{result: lesson.Result{Passed: true}}
	fail := outcome{result: lesson.Result{}}
	skipped := outcome{result: lesson.Result{Skipped: &lesson.Missing{Need: "more", Why: i18n.Verbatim("needs more")}}}
	noKafka := outcome{err: problem.Environment(nil, i18n.Verbatim("no Kafka"))}
	usage := outcome{err: problem.Usage(i18n.Verbatim("no such variant"))}
	broken := outcome{err: errors.New("broken")}
	stopped := outcome{err: context.Canceled}
	leftBehind := outcome{err: errors.Join(context.Canceled, errors.New("a folder that cannot be removed"))}
	for _, test := range []struct {
		outcomes []outcome
		want     int
	}{
		{[]outcome{pass}, problem.ExitOK},
		{[]outcome{pass, skipped}, problem.ExitOK},
		{[]outcome{fail}, problem.ExitFail},
		{[]outcome{noKafka, pass, fail, skipped}, problem.ExitFail},
		{[]outcome{pass, noKafka, usage}, problem.ExitEnvironment},
		{[]outcome{usage, noKafka}, problem.ExitUsage},
		{[]outcome{broken}, problem.ExitFail},
		{[]outcome{skipped}, problem.ExitEnvironment},
		{[]outcome{skipped, skipped}, problem.ExitEnvironment},
		{[]outcome{skipped, usage}, problem.ExitUsage},
		{[]outcome{pass, stopped}, interrupted},
		{[]outcome{fail, stopped}, problem.ExitFail},
		{[]outcome{stopped, leftBehind}, interrupted},
		{[]outcome{noKafka, leftBehind}, interrupted},
	} {
		err := new(app).exit(test.outcomes, 0)
		got := problem.ExitCode(err)
		if code := exitCode(0); errors.As(err, &code) {
			got = int(code)
		}
		if got != test.want {
			t.Errorf("%+v: exit code %d, want %d", test.outcomes, got, test.want)
		}
	}
	// Ctrl-C after a verdict, before the other lessons.
	for _, test := range []struct {
		outcomes []outcome
		want     int
	}{{[]outcome{pass}, interrupted}, {[]outcome{fail}, problem.ExitFail}} {
		if code := exitCode(0); !errors.As(new(app).exit(test.outcomes, 1), &code) || int(code) != test.want {
			t.Errorf("%+v: exit code %d, want %d", test.outcomes, code, test.want)
		}
	}
}
