package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// flagError says in both languages what pflag, which speaks English, did not like about a flag.
func (a *app) flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
		syntax  *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown):
		typed := "--" + unknown.GetSpecifiedName()
		meant := typed
		if letters := unknown.GetSpecifiedShortnames(); letters != "" { // -step is -s -t -e -p, and --step may be meant
			typed, meant = "-"+letters, "--"+letters
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		return a.usage(cmd, i18n.Text{EN: "unknown flag %s", KO: "알 수 없는 플래그 %s입니다"}.With(typed), problem.Nearest(meant, names)...)
	case errors.As(err, &missing):
		return a.usage(cmd, i18n.Text{EN: "--%s needs a value", KO: "--%s 플래그에 값이 필요합니다"}.With(missing.GetFlag().Name))
	case errors.As(err, &invalid):
		return a.invalidValue(cmd, invalid)
	case errors.As(err, &syntax):
		return a.usage(cmd, i18n.Text{EN: "%s is not how a flag is written", KO: "%s은(는) 플래그 형식이 아닙니다"}.With(syntax.GetSpecifiedFlag()),
			i18n.Text{EN: "write --name value or --name=value", KO: "--name value 또는 --name=value처럼 쓰세요"})
	}
	return a.usage(cmd, i18n.Verbatim(err.Error()))
}

// invalidValue says which values a flag takes.
func (a *app) invalidValue(cmd *cobra.Command, invalid *pflag.InvalidValueError) error {
	what := i18n.Text{EN: "--%s cannot be %q", KO: "--%s 값으로 %q을(를) 쓸 수 없습니다"}
	var solve []i18n.Text
	switch invalid.GetFlag().Value.Type() {
	case "bool":
		solve = []i18n.Text{{EN: "write true or false, or nothing for true", KO: "true 또는 false를 쓰거나, true라면 값을 빼세요"}}
	case "duration":
		solve = []i18n.Text{{EN: "write it as 90s or 2m", KO: "90s 또는 2m처럼 쓰세요"}}
	case "int", "int16", "int32", "int64":
		solve = []i18n.Text{{EN: "write a whole number", KO: "정수를 쓰세요"}}
		if errors.Is(invalid, strconv.ErrRange) {
			what = i18n.Text{EN: "--%s cannot be as large as %q", KO: "--%s 값이 너무 큽니다: %q"}
			solve = nil
		}
	}
	return a.usage(cmd, what.With(invalid.GetFlag().Name, invalid.GetValue()), solve...)
}
