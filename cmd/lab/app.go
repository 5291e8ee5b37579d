package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"kafkahandson/internal/console"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// app is what all commands share.
type app struct {
	args   []string
	lang   i18n.Lang
	stdin  *os.File
	stdout *output
	stderr io.Writer
	kafka  kafka.Config // from environment and flags
	stack  stack.Kind
}

func newApp(args []string) *app {
	lang := i18n.FromArgs(args, i18n.Detect(os.Getenv)) // needed before cobra parses, for the texts of the commands and flags
	return &app{args: args, lang: lang, stdin: os.Stdin, stdout: newOutput(os.Stdout), stderr: os.Stderr}
}

// t is a text in the user's language.
func (a *app) t(en, ko string) string { return i18n.Text{EN: en, KO: ko}.In(a.lang) }

// printf writes to standard output; see [output] for its errors.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "lab",
		Short:         a.t("Kafka by hand, in Go: lessons that end in a verdict", "손으로 익히는 Kafka, Go: 판정으로 끝나는 레슨"),
		Args:          a.unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(a.args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	if a.lang == i18n.Korean {
		root.SetUsageTemplate(strings.NewReplacer(
			"Usage:", "사용법:", "Aliases:", "다른 이름:", "Examples:", "예:", "Available Commands:", "명령:",
			"Additional Commands:", "그 밖의 명령:", "Global Flags:", "공통 플래그:", "Flags:", "플래그:",
			`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
			`명령에 대해 더 알아보려면 "{{.CommandPath}} [command] --help"를 실행하세요.`).Replace(root.UsageTemplate()))
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 { // the flag may be that of the command meant
			return a.unknownCommand(cmd, args)
		}
		return a.flagError(cmd, err)
	})

	flags := root.PersistentFlags()
	flags.BoolP("help", "h", false, a.t("help about the command", "명령 도움말"))
	flags.String("lang", string(a.lang), a.t("language: en or ko", "언어: en 또는 ko"))
	kind := flags.String("stack", string(stack.Default(os.Getenv)), a.t("where Kafka comes from: auto, env, compose, embedded", "Kafka를 어디에서 가져올지: auto, env, compose, embedded"))
	env, envErr := kafka.FromEnv(os.Getenv)
	a.kafka = env
	if a.kafka.ClientID == "" {
		a.kafka.ClientID = root.Name()
	}
	connection := flag.NewFlagSet("kafka", flag.ContinueOnError)
	a.kafka.RegisterFlags(connection, a.lang)
	flags.AddGoFlagSet(connection)
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "bootstrap-server" { // kafka-cli's name for it
			name = "brokers"
		}
		return pflag.NormalizedName(name)
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if envErr != nil {
			return envErr
		}
		if a.stack, err = stack.ParseKind(*kind); err != nil {
			return err
		}
		if lang := cmd.Flags().Lookup("lang").Value.String(); lang != "" {
			if _, err := i18n.Parse(lang); err != nil {
				return problem.Usage(i18n.Text{EN: "unknown language %q", KO: "알 수 없는 언어 %q입니다"}.With(lang),
					i18n.Text{EN: "choose en or ko", KO: "en 또는 ko를 고르세요"})
			}
		}
		return nil
	}

	root.AddCommand(a.runCommand(), a.benchCommand(), a.listCommand(), a.hintCommand(), a.explainCommand(), a.upCommand(), a.downCommand(), a.statusCommand(), a.doctorCommand(), a.resetCommand(),
		a.topicCommand(), a.produceCommand(), a.consumeCommand(), a.groupCommand(), a.versionCommand())
	root.CompletionOptions.DisableNoDescFlag = true
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			a.completionCommand(cmd)
		case "help":
			cmd.Short, cmd.Long = a.t("Help about a command", "명령 도움말"), ""
			cmd.Args = a.helpTopic
		}
	}
	return root
}

// completionCommand gives cobra's command our texts and our errors.
func (a *app) completionCommand(cmd *cobra.Command) {
	cmd.Short, cmd.Long = a.t("Print a completion script for your shell", "셸 자동 완성 스크립트를 출력합니다"), ""
	cmd.Args = a.unknownCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, shell := range cmd.Commands() {
		load := "source <(lab completion " + shell.Name() + ")"
		switch shell.Name() {
		case "fish":
			load = "lab completion fish | source"
		case "powershell":
			load = "lab completion powershell | Out-String | Invoke-Expression"
		}
		shell.Short = i18n.Text{EN: "For %s: %s", KO: "%s: %s"}.With(shell.Name(), load).In(a.lang)
		shell.Long, shell.Args = "", a.noArgs
	}
}

// helpTopic is the Args of lab help: a command, and its subcommand.
func (a *app) helpTopic(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err == nil && about.HasSubCommands() {
		err = a.unknownCommand(about, rest)
	}
	return err
}

// usage is a mistake on the command line of a command.
func (a *app) usage(cmd *cobra.Command, what i18n.Text, solve ...i18n.Text) error {
	return seeHelp(cmd, problem.Usage(what, solve...))
}

// seeHelp adds to a mistake on the command line where its command is explained.
func seeHelp(cmd *cobra.Command, err error) error {
	var p *problem.Problem
	if errors.As(err, &p) && p.Exit == problem.ExitUsage {
		p.Solve = append(p.Solve, i18n.Text{EN: "see: %s --help", KO: "도움말: %s --help"}.With(cmd.CommandPath()))
	}
	return err
}

// unknownCommand is the Args of commands that only have subcommands.
func (a *app) unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return a.usage(cmd, i18n.Text{EN: "unknown command %q", KO: "알 수 없는 명령 %q입니다"}.With(args[0]), problem.Nearest(args[0], names)...)
}

func (a *app) noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return a.usage(cmd, i18n.Text{EN: "unexpected argument %q", KO: "예상하지 못한 인자 %q입니다"}.With(args[0]))
	}
	return nil
}

// findKafka finds a Kafka and says on standard error which: standard output is for what the command was asked.
func (a *app) findKafka(ctx context.Context) (stack.Kafka, error) {
	found, err := stack.FindKafka(ctx, a.kafka, a.stack)
	if err != nil {
		return stack.Kafka{}, err
	}
	fmt.Fprintln(a.stderr, found.Announce().In(a.lang))
	return found, nil
}

func (a *app) table(head table.Row, rows []table.Row) { a.printf("%s", console.Table(head, rows)) }

// room is how many columns standard output has; 0 if it is no terminal, and any number will do.
func (a *app) room() int {
	if !isTerminal(a.stdout.file) {
		return 0
	}
	columns, _, err := term.GetSize(int(a.stdout.file.Fd()))
	if err != nil || columns == 0 { // a terminal that does not say
		columns = 80
	}
	return max(columns, 40)
}

// proseColumns is how wide texts are: longer lines are hard to read.
func (a *app) proseColumns() int {
	const most = 100
	if room := a.room(); room > 0 {
		return min(room, most)
	}
	return most
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// color tells whether to colour standard output: on a terminal, unless NO_COLOR (no-color.org) is set.
func (a *app) color() bool {
	return isTerminal(a.stdout.file) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
