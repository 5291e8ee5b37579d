package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"kafkahandson/internal/guide"
	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/prose"
)

func (a *app) hintCommand() *cobra.Command {
	var all, reset bool
	cmd := &cobra.Command{
		Use:   "hint LESSON",
		Short: a.t("Show the next hint for a lesson", "레슨의 다음 힌트를 봅니다"),
		Long: a.t(`Shows the next hint for the prediction that a lesson asks for. There are three: what to look at, what matters, and nearly the
answer. Which one you have seen last is remembered for each lesson.`,
			`레슨이 묻는 예측에 도움이 되는 다음 힌트를 보여 줍니다. 힌트는 세 가지입니다. 무엇을 보아야 하는지, 무엇이 중요한지,
그리고 거의 답에 가까운 것입니다. 어디까지 보았는지는 레슨마다 기억합니다.`),
		Example:           "  lab hint ch3-manual-commit\n  lab hint ch3-manual-commit --all",
		Args:              a.oneLesson,
		ValidArgsFunction: completeLesson,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, p, err := a.proseOf(cmd, args[0])
			if err != nil {
				return err
			}
			return a.hint(l.Name, p, all, reset)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, a.t("show all hints", "힌트를 모두 보여 줍니다"))
	flags.BoolVar(&reset, "reset", false, a.t("begin again with the first hint", "첫 힌트부터 다시 시작합니다"))
	return cmd
}

func (a *app) hint(name string, p prose.Prose, all, reset bool) error {
	a.heading(name, p.Title)
	a.hanging("? ", p.Prediction)
	a.printf("\n")

	seen, err := seenHints(name)
	if err != nil {
		return err
	}
	if all || reset {
		seen = 0
	}
	answer := i18n.Text{EN: "Why it is so: lab explain %s", KO: "왜 그런지 보려면: lab explain %s"}.With(name).In(a.lang)
	if seen == prose.HintCount {
		a.paragraph(i18n.Text{EN: "You have seen all %d hints.", KO: "힌트 %d개를 모두 보았습니다."}.With(seen).In(a.lang))
		a.paragraph(answer)
		a.paragraph(i18n.Text{EN: "From the first one again: lab hint %s --reset", KO: "첫 힌트부터 다시 보려면: lab hint %s --reset"}.With(name).In(a.lang))
		return nil
	}
	next := seen + 1
	if all {
		next = prose.HintCount
	}
	for i := seen; i < next; i++ {
		a.hanging(fmt.Sprintf("%d. ", i+1), p.Hints[i])
	}
	a.printf("\n")
	if next < prose.HintCount {
		a.paragraph(i18n.Text{EN: "%d of %d hints. The next one: lab hint %s", KO: "힌트 %d/%d. 다음 힌트: lab hint %s"}.With(next, prose.HintCount, name).In(a.lang))
	} else {
		a.paragraph(a.t("That was the last hint. Now predict, and run the lesson.", "마지막 힌트입니다. 이제 예측하고 레슨을 실행해 보세요."))
		a.paragraph(answer)
	}
	if err := a.stdout.err(); err != nil { // nobody has seen it
		return err
	}
	return rememberHints(name, next)
}

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain LESSON",
		Short: a.t("Explain the outcome of a lesson, with its section of the guide", "레슨의 결과를 가이드와 함께 설명합니다"),
		Long: a.t("Explains the outcome of a lesson, and shows its section of the chapter's guide. It tells the answer: run the lesson first.",
			"레슨의 결과를 설명하고, 그 장의 가이드에서 이 레슨을 다룬 부분을 보여 줍니다. 답이 나오므로 레슨을 먼저 실행해 보세요."),
		Example:           "  lab explain ch3-manual-commit\n  lab explain ch3-manual-commit --lang ko | less -R",
		Args:              a.oneLesson,
		ValidArgsFunction: completeLesson,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, p, err := a.proseOf(cmd, args[0])
			if err != nil {
				return err
			}
			return a.explain(l, p)
		},
	}
}

func (a *app) explain(l lesson.Lesson, p prose.Prose) error {
	file := guide.File(a.lang)
	markdown, err := fs.ReadFile(l.Texts, file)
	if err != nil {
		return err
	}
	section, err := guide.Section(string(markdown), p.Title.In(a.lang))
	if err != nil {
		return fmt.Errorf("explain %s: %w", l.Name, err)
	}
	a.heading(l.Name, p.Title)
	said := []string{a.t("Why?", "왜 그럴까요?") + " " + p.Why.In(a.lang), a.t("Read:", "읽을 코드:") + " " + p.Read}
	if p.Java != "" {
		said = append(said, a.t("In the Java course:", "Java 강의에서는:")+" "+p.Java)
	}
	for _, s := range said {
		a.paragraph(s)
	}
	a.printf("\n")
	if err := guide.Terminal(a.stdout, section, guide.Screen{Columns: a.proseColumns(), Room: a.room(), Color: a.color()}); err != nil {
		return err
	}
	for _, c := range chapters() {
		if slices.ContainsFunc(c.Lessons, func(other lesson.Lesson) bool { return other.Name == l.Name }) {
			a.printf("\n")
			a.paragraph(i18n.Text{EN: "The whole guide, with pictures and the answers to the exercises: %s/%s", KO: "그림과 연습 문제의 답까지 있는 전체 가이드: %s/%s"}.
				With(c.Folder, file).In(a.lang))
		}
	}
	return nil
}

// oneLesson is the Args of commands about a lesson.
func (a *app) oneLesson(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return a.usage(cmd, i18n.Text{EN: "name one lesson", KO: "레슨을 하나만 적으세요"}, i18n.Text{EN: "see which there are: lab list", KO: "어떤 레슨이 있는지 보세요: lab list"})
	}
	return nil
}

func completeLesson(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return lessonNames(), cobra.ShellCompDirectiveNoFileComp
}

// proseOf is the lesson with a name, and its texts.
func (a *app) proseOf(cmd *cobra.Command, name string) (lesson.Lesson, prose.Prose, error) {
	chosen, err := chooseLessons([]string{name})
	if err != nil {
		return lesson.Lesson{}, prose.Prose{}, err
	}
	if chosen[0].Name != name { // a chapter, or all
		return lesson.Lesson{}, prose.Prose{}, a.oneLesson(cmd, nil)
	}
	p, err := chosen[0].Prose()
	return chosen[0], p, err
}

// heading prints the name of a lesson and its title, on one line if that is wide enough.
func (a *app) heading(name string, title i18n.Text) {
	between, columns := "  ", a.proseColumns()
	if text.StringWidthWithoutEscSequences(name+between+title.In(a.lang)) > columns {
		between = "\n"
	}
	a.printf("%s%s%s\n\n", a.bold(name), between, guide.Wrap(title.In(a.lang), columns))
}

// paragraph prints a text, as wide as texts are.
func (a *app) paragraph(s string) { a.hanging("", i18n.Verbatim(s)) }

// hanging prints a text after a mark, and its further lines below the text.
func (a *app) hanging(mark string, t i18n.Text) {
	lines := guide.Wrap(t.In(a.lang), a.proseColumns()-len(mark))
	a.printf("%s%s\n", mark, strings.ReplaceAll(lines, "\n", "\n"+strings.Repeat(" ", len(mark))))
}

func (a *app) bold(s string) string {
	if !a.color() {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", text.Bold, s)
}

// hintsFile is the file that has the number of hints seen for a lesson.
func hintsFile(lesson string) (string, error) {
	dir, err := home.Dir("hints")
	return filepath.Join(dir, lesson), err
}

// seenHints is how many hints were seen for a lesson: 0 as well where the file has no such number.
func seenHints(lesson string) (int, error) {
	file, err := hintsFile(lesson)
	if err != nil {
		return 0, err
	}
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return 0, fmt.Errorf("see which hints were shown: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || n < 0 || n > prose.HintCount {
		return 0, nil
	}
	return n, nil
}

func rememberHints(lesson string, seen int) error {
	file, err := hintsFile(lesson)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(seen)+"\n"), 0o600); err != nil {
		return fmt.Errorf("remember which hints were shown: %w", err)
	}
	return nil
}
