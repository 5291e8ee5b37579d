package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
	"kafkahandson/internal/report"
	"kafkahandson/internal/stack"
)

type runFlags struct {
	variants []string
	step     bool
	json     bool
	keep     bool
	full     bool
	yes      bool
	quiet    bool
	junit    string
	svg      string
	timeout  time.Duration
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run LESSON…",
		Short: a.t("Run lessons, to their verdicts", "레슨을 실행하고 판정을 봅니다"),
		Long: a.t(`Runs lessons: by name, by chapter (ch3), or all. A lesson starts real programs on a Kafka, kills them where it hurts,
counts what happened and checks what it claims. Exit code: 0 PASS, 1 FAIL, 2 usage, 3 the machine lacks something,
130 Ctrl-C before the verdict.`,
			`레슨을 실행합니다. 이름, 장(ch3) 또는 all로 고릅니다. 레슨은 Kafka 위에서 실제 프로그램을 시작하고, 가장 곤란한 순간에
강제로 종료하고, 무슨 일이 있었는지 세고, 주장을 확인합니다. 종료 코드: 0 PASS, 1 FAIL, 2 사용법 오류, 3 환경 문제,
130 판정 전에 Ctrl-C.`),
		Example: "  lab run ch3-manual-commit\n  lab run ch3-manual-commit --variant per-batch --step\n  lab run ch3 --lang ko",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.usage(cmd, i18n.Text{EN: "which lesson?", KO: "어떤 레슨을 실행할까요?"}, i18n.Text{EN: "see which there are: lab list", KO: "어떤 레슨이 있는지 보세요: lab list"})
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return lessonNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.runLessons(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.variants, "variant", []string{lesson.AllVariants}, a.t("the variants to run", "실행할 변형"))
	flags.BoolVar(&f.step, "step", false, a.t("wait for Enter before each step (only on a terminal)", "단계마다 Enter를 기다립니다 (터미널에서만)"))
	flags.BoolVar(&f.json, "json", false, a.t("print events as JSON, one a line (docs/events.md)", "이벤트를 한 줄에 하나씩 JSON으로 출력합니다 (docs/events.md)"))
	flags.BoolVar(&f.keep, "keep", false, a.t("leave the embedded Kafka up after the verdict, until Ctrl-C", "판정 뒤에도 Ctrl-C를 누를 때까지 내장 Kafka를 그대로 둡니다"))
	flags.BoolVar(&f.full, "full", false, a.t("show every line of the programs", "프로그램의 출력을 한 줄도 빼지 않고 보여 줍니다"))
	flags.BoolVarP(&f.yes, "yes", "y", false, a.t("do not ask for a prediction", "예측을 묻지 않습니다"))
	flags.BoolVarP(&f.quiet, "quiet", "q", false, a.t("a line for each lesson; the transcript only of those that fail", "레슨마다 한 줄만; 실패한 레슨만 전체 출력"))
	flags.StringVar(&f.junit, "junit", "", a.t("write the verdicts to this file, as JUnit XML", "판정을 이 파일에 JUnit XML로 씁니다"))
	flags.StringVar(&f.svg, "svg", "", a.t("write the timelines of a lesson that has some into this folder, as SVG pictures", "타임라인이 있는 레슨이면 이 폴더에 SVG 그림으로 씁니다"))
	flags.DurationVar(&f.timeout, "timeout", time.Minute, a.t("how long a step may wait for one thing", "한 단계가 기다릴 수 있는 최대 시간"))
	return cmd
}

func (a *app) runLessons(ctx context.Context, names []string, f runFlags) error {
	lessons, err := chooseLessons(names)
	if err != nil {
		return err
	}
	ctx, stop := a.stdout.untilLost(ctx)
	defer stop()
	input := newPrompt(a)
	interactive := input.interactive() && !f.json && !f.quiet

	var outcomes []outcome
	var junit report.JUnit
	var unwritten []error // no reason to give up the lessons
	for i, l := range lessons {
		opts := lesson.Options{Lang: a.lang, Variants: f.variants, Stack: a.stack, Kafka: a.kafka, Timeout: f.timeout}
		var transcript bytes.Buffer
		view := &report.View{W: a.stdout, Lang: a.lang, Color: a.color(), Full: f.full}
		show := view.Emit
		switch {
		case f.json:
			show = func(e event.Event) {
				view.Timelines.Emit(e)
				_ = event.Write(a.stdout, e) // a.stdout remembers its error
			}
		case f.quiet:
			view.W = &transcript
			a.printf("%-28s ", l.Name)
		case i > 0:
			a.printf("\n")
		}
		opts.Emit = func(e event.Event) {
			junit.Emit(e)
			show(e)
		}
		if f.step && interactive {
			opts.Pause = input.enter
		}
		if interactive && !f.yes {
			opts.Ask = input.predict
		}
		start, kept := time.Now(), false
		o := outcome{lesson: l}
		if f.keep && i == len(lessons)-1 {
			opts.Keep = func(ctx context.Context, k stack.Kafka) error {
				o.took, kept = time.Since(start), true
				if f.quiet {
					a.printf("\n") // ends the line that begins with the lesson's name
				}
				return a.keepUp(ctx, k)
			}
		}
		o.result, o.err = lesson.Play(ctx, l, opts)
		if !kept {
			o.took = time.Since(start)
		}
		if f.quiet {
			a.printf("%s (%.1f s)\n", o.verdict(a.lang), o.took.Seconds())
		}
		if f.quiet && o.failed() && !o.stopped() {
			a.printf("%s\n", transcript.String())
		}
		if f.svg != "" {
			pictures, err := view.Timelines.WriteSVG(f.svg, a.lang)
			if err != nil {
				unwritten = append(unwritten, cannotWrite(f.svg, err))
			}
			for _, name := range pictures {
				a.printPicture(name)
			}
		}
		if o.err != nil && !a.stdout.closed() {
			a.tell(o.err)
		}
		junit.End(l.Name, o.took, o.err)
		outcomes = append(outcomes, o)
		if ctx.Err() != nil {
			break
		}
	}
	if len(outcomes) > 1 && !f.json {
		a.outcomeTable(outcomes)
	}
	if f.junit != "" {
		if err := junit.Write(f.junit); err != nil {
			unwritten = append(unwritten, cannotWrite(f.junit, err))
		}
	}
	err = a.exit(outcomes, len(lessons)-len(outcomes))
	if err == nil && len(unwritten) > 0 {
		err, unwritten = unwritten[0], unwritten[1:]
	}
	for _, u := range unwritten { // the verdicts count before it
		remedy.Render(a.stderr, a.lang, u)
	}
	return err
}

// cannotWrite is the problem that a report or a picture cannot be written.
func cannotWrite(where string, err error) error {
	return problem.Environment(err, i18n.Text{EN: "%s cannot be written", KO: "%s에 쓸 수 없습니다"}.With(where),
		i18n.Text{EN: "check the path and its permissions and that the disk has room, or write elsewhere", KO: "경로와 권한, 디스크의 남은 공간을 확인하거나 다른 곳에 쓰세요"})
}

// tell tells why a lesson came to no verdict: after Ctrl-C, what that has left behind, mostly nothing.
func (a *app) tell(err error) {
	var s *lesson.Stopped
	if !errors.As(err, &s) {
		remedy.Render(a.stderr, a.lang, err)
		return
	}
	fmt.Fprintf(a.stderr, "\n%s\n", whatStays(s).In(a.lang))
}

// whatStays tells what Ctrl-C has left behind.
func whatStays(s *lesson.Stopped) i18n.Text {
	if s.Stays {
		return i18n.Text{
			EN: "Stopped. No process and no port is left behind. The topics and groups of this run stay on the cluster until the lesson runs again, or: make reset",
			KO: "멈췄습니다. 프로세스와 포트는 남지 않았습니다. 이번 실행의 토픽과 그룹은 레슨을 다시 실행하거나 make reset을 할 때까지 클러스터에 남아 있습니다.",
		}
	}
	return i18n.Text{EN: "Stopped. Nothing is left behind: no process, no port, no folder.", KO: "멈췄습니다. 프로세스, 포트, 폴더 어느 것도 남기지 않았습니다."}
}

// outcome is what came of one of several lessons.
type outcome struct {
	lesson lesson.Lesson
	result lesson.Result
	err    error // it came to no verdict
	took   time.Duration
}

func (o outcome) failed() bool {
	return o.err != nil || (!o.result.Passed && o.result.Skipped == nil)
}

// stopped tells whether Ctrl-C ended the lesson.
func (o outcome) stopped() bool { return errors.Is(o.err, context.Canceled) }

func (o outcome) verdict(lang i18n.Lang) string {
	switch {
	case o.stopped():
		return "STOPPED"
	case o.err != nil:
		return "ERROR"
	case o.result.Skipped != nil:
		return "SKIPPED: " + o.result.Skipped.Why.In(lang)
	case o.result.Passed:
		return "PASS"
	}
	return "FAIL"
}

// exit is the error that gives the exit code, also if Ctrl-C came before some lessons. A FAIL counts before that, and
// before a lesson that came to no verdict. Where every lesson was skipped nothing has been shown.
func (a *app) exit(outcomes []outcome, notRun int) error {
	for _, o := range outcomes {
		if o.err == nil && o.failed() {
			return exitCode(problem.ExitFail)
		}
	}
	if notRun > 0 || slices.ContainsFunc(outcomes, outcome.stopped) {
		return exitCode(interrupted)
	}
	var skipped []outcome
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			return exitCode(remedy.ExitCode(o.err))
		case o.result.Skipped != nil:
			skipped = append(skipped, o)
		}
	}
	if len(skipped) < len(outcomes) {
		return nil
	}
	return problem.Environment(nil, i18n.Text{EN: "%s was skipped: %s", KO: "%s 레슨을 건너뛰었습니다: %s"}.With(skipped[0].lesson.Name, skipped[0].result.Skipped.Why),
		skipped[0].result.Skipped.Solve...)
}

func (a *app) outcomeTable(outcomes []outcome) {
	var rows []table.Row
	count := map[string]int{}
	for _, o := range outcomes {
		claims := 0
		for _, v := range o.result.Variants {
			claims += len(v.Claims)
		}
		verdict := o.verdict(a.lang)
		count[strings.SplitN(verdict, ":", 2)[0]]++
		rows = append(rows, table.Row{o.lesson.Name, len(o.result.Variants), claims, fmt.Sprintf("%.1f s", o.took.Seconds()), verdict})
	}
	a.printf("\n")
	a.table(table.Row{a.t("lesson", "레슨"), a.t("variants", "변형"), a.t("claims", "주장"), a.t("time", "시간"), a.t("verdict", "판정")}, rows)
	a.printf("%s\n", i18n.Text{EN: "%d passed, %d failed, %d skipped", KO: "통과 %d, 실패 %d, 건너뜀 %d"}.
		With(count["PASS"], count["FAIL"]+count["ERROR"]+count["STOPPED"], count["SKIPPED"]).In(a.lang))
}

// keepUp waits for Ctrl-C while the Kafka of the run can be looked at.
func (a *app) keepUp(ctx context.Context, k stack.Kafka) error {
	if k.Kind != stack.Embedded || k.Kept {
		return nil // it stays anyway
	}
	fmt.Fprintln(a.stderr, i18n.Text{
		EN: "The Kafka stays up; look around with `lab topic list --brokers %s`. Ctrl-C ends it.",
		KO: "Kafka가 그대로 떠 있습니다. `lab topic list --brokers %s`로 둘러보세요. Ctrl-C로 끝냅니다.",
	}.With(strings.Join(k.Config.Brokers, ",")).In(a.lang))
	<-ctx.Done()
	return nil
}

// prompt asks the person at the terminal. One goroutine reads all lines, for the life of the process: a blocked read
// of a terminal cannot be given up.
type prompt struct {
	app   *app
	lines chan string
}

func newPrompt(a *app) *prompt { return &prompt{app: a} }

func (p *prompt) interactive() bool { return isTerminal(p.app.stdin) && isTerminal(p.app.stdout.file) }

func (p *prompt) read(ctx context.Context, wait time.Duration) (string, error) {
	if p.lines == nil {
		p.lines = make(chan string)
		go func(in *os.File, out chan<- string) {
			defer close(out)
			for s := bufio.NewScanner(in); s.Scan(); {
				out <- s.Text()
			}
		}(p.app.stdin, p.lines)
	}
	var timeout <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case line := <-p.lines:
		return strings.TrimSpace(line), nil
	case <-timeout:
		return "", errNoAnswer
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

var errNoAnswer = errors.New("no answer")

// thinkingTime is how long a lesson waits for a prediction before it goes on without one.
const thinkingTime = 30 * time.Second

func (p *prompt) predict(ctx context.Context, _ lesson.Text) (string, error) {
	p.app.printf("  %s ", i18n.Text{EN: "Your prediction (Enter goes on):", KO: "예측을 적어 보세요 (Enter를 누르면 계속):"}.In(p.app.lang))
	answer, err := p.read(ctx, thinkingTime)
	if errors.Is(err, errNoAnswer) {
		p.app.printf("\n")
		return "", nil
	}
	return answer, err
}

func (p *prompt) enter(ctx context.Context) error {
	p.app.printf("  %s ", i18n.Text{EN: "⏎ Enter", KO: "⏎ Enter"}.In(p.app.lang))
	_, err := p.read(ctx, 0)
	return err
}
