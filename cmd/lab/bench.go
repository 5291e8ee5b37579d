package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/report"
)

type benchFlags struct {
	variants []string
	rounds   int
	svg      string
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench LESSON",
		Short: a.t("Measure the variants of a lesson against each other", "레슨의 변형들을 서로 비교해 측정합니다"),
		Long: a.t(`Measures the variants of a lesson in turn, round after round, and draws the medians as bar charts, in the terminal and
as an SVG picture. On your computer the numbers are others than on ours: look at the ratios.`,
			`레슨의 변형들을 라운드마다 번갈아 측정하고, 중앙값을 터미널의 막대 그래프와 SVG 그림으로 그립니다. 숫자는 컴퓨터마다
다르니 비율을 보세요.`),
		Example: "  lab bench ch3-throughput\n  lab bench ch3-throughput --rounds 3 --variant partitions,ordered-pool",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return a.usage(cmd, i18n.Text{EN: "name one lesson", KO: "레슨을 하나만 적으세요"}, withBenchmark())
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return benchNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.rounds < 1 {
				return a.usage(cmd, i18n.Text{EN: "--rounds is %d, but must be at least 1", KO: "--rounds 값이 %d인데, 1 이상이어야 합니다"}.With(f.rounds))
			}
			return a.bench(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.variants, "variant", []string{lesson.AllVariants}, a.t("the variants to measure", "측정할 변형"))
	flags.IntVar(&f.rounds, "rounds", 5, a.t("how often each variant is measured", "변형마다 측정할 횟수"))
	flags.StringVar(&f.svg, "svg", ".out", a.t("write the charts into this folder, as an SVG picture", "그래프를 이 폴더에 SVG 그림으로 씁니다"))
	return cmd
}

func (a *app) bench(ctx context.Context, name string, f benchFlags) error {
	chosen, err := chooseLessons([]string{name})
	if err != nil {
		return err
	}
	l := chosen[0]
	if len(chosen) > 1 || l.Bench == nil {
		return problem.Usage(i18n.Text{EN: "%s has no benchmark", KO: "%s에는 벤치마크가 없습니다"}.With(name), withBenchmark())
	}
	prose, err := l.Prose()
	if err != nil {
		return err
	}
	ctx, stop := a.stdout.untilLost(ctx)
	defer stop()
	var samples report.Samples
	err = lesson.Bench(ctx, l, f.rounds, lesson.Options{
		Lang: a.lang, Variants: f.variants, Stack: a.stack, Kafka: a.kafka, Emit: func(e event.Event) {
			samples.Emit(e)
			a.benchProgress(e)
		},
	})
	a.printf("\n")
	if errors.As(err, new(*lesson.Stopped)) && !a.stdout.closed() {
		a.tell(err)
		return exitCode(interrupted)
	}
	if err != nil {
		return err
	}
	charts := samples.Charts(l.Bench.Baseline)
	for _, c := range charts {
		a.printf("%s", c.Text(a.lang, a.color()))
	}
	a.printf("\n  %s\n", l.Bench.Note.In(a.lang))
	picture, err := report.WriteCharts(f.svg, l.Name+"-bench", a.lang, prose.Title, l.Bench.Note, charts)
	if err != nil {
		return cannotWrite(f.svg, err)
	}
	a.printPicture(picture)
	return nil
}

// benchProgress shows which round it is and what is measured.
func (a *app) benchProgress(e event.Event) {
	switch e.Type {
	case event.RunStarted:
		a.printf("%s  %s", e.Lesson, e.Text.In(a.lang))
	case event.Note, event.Waiting, event.Step:
		a.printf("\n%s", e.Text.In(a.lang))
		if e.Type == event.Step {
			a.printf(":")
		}
	case event.VariantStarted:
		a.printf(" %s", e.Variant)
	}
}

func benchNames() []string {
	var names []string
	for _, l := range allLessons() {
		if l.Bench != nil {
			names = append(names, l.Name)
		}
	}
	return names
}

func withBenchmark() i18n.Text {
	return i18n.Text{EN: "these have one: %s", KO: "벤치마크가 있는 레슨: %s"}.With(strings.Join(benchNames(), ", "))
}

func (a *app) printPicture(name string) {
	fmt.Fprintf(a.stderr, "%s: %s\n", a.t("picture", "그림"), name)
}
