package lessontest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/report"
)

// CheckGuide fails the test where the transcripts of the lesson in the front page and in the guide of its chapter show
// a line that a run with these events does not have. Names of runs and numbers may differ.
func CheckGuide(t *testing.T, l lesson.Lesson, events []event.Event) {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	for lang, name := range map[i18n.Lang]string{i18n.English: "README.md", i18n.Korean: "README.ko.md"} {
		var out strings.Builder
		view := &report.View{W: &out, Lang: lang, Full: true}
		for _, e := range events {
			view.Emit(e)
		}
		var real []string
		for line := range strings.Lines(out.String()) {
			real = append(real, comparable(line))
		}
		chapter, _, _ := strings.Cut(l.Name, "-")
		guides, err := filepath.Glob(filepath.Join(root, chapter+"-*", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, guide := range append(guides, filepath.Join(root, name)) {
			text, err := os.ReadFile(guide)
			if err != nil {
				t.Fatal(err)
			}
			file, err := filepath.Rel(root, guide)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range transcript(string(text), l.Name) {
				if lang != i18n.English && written.MatchString(line) {
					continue // the programs of the run spoke English
				}
				if c := comparable(line); c != "" && !slices.Contains(real, c) {
					t.Errorf("%s shows a line of %s that a run does not have:\n%s", file, l.Name, line)
				}
			}
		}
	}
}

var (
	block = regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$")
	// written matches a line of a program, but not those that the runner adds.
	written = regexp.MustCompile(`│ [^$⚡]`)
	// drawn matches what differs from run to run: tables, bars, timelines, what takes time, and what the student answers.
	drawn  = regexp.MustCompile(`^\s*[╭│├╰]|█|^ +(p\d [A-Za-z·]|\d\.\d |[+-][A-Z]\b)|\d+ ms\b|^\s+… \S|Your prediction|예측`)
	strip  = regexp.MustCompile(`( p\d) [■=✗\d]+$`)
	shell  = regexp.MustCompile(`\$ (KAFKA_BROKERS=\S+ )`)
	run    = regexp.MustCompile(`\br[a-km-np-z2-9]{5}\b((\.[a-z-]+)?)(\.\d)?\b`)
	member = regexp.MustCompile(`-[0-9a-f]{8}[0-9a-f-]*`)
	number = regexp.MustCompile(`\d+(\.\d+)?`)
	spaces = regexp.MustCompile(`\s+`)
)

// comparable is a line without what differs from run to run, "" if nothing is left.
func comparable(line string) string {
	line = strings.TrimSpace(line)
	if line == "…" || drawn.MatchString(line) {
		return ""
	}
	line = strip.ReplaceAllString(line, "$1")
	line = shell.ReplaceAllString(line, "$$ ") // where the run's Kafka had to take other ports
	line = run.ReplaceAllString(line, "RUN$1")
	line = member.ReplaceAllString(line, "-MEMBER")
	line = number.ReplaceAllString(line, "0")
	return spaces.ReplaceAllString(line, " ")
}

// transcript returns the lines of the text blocks that follow the command of a lesson, or begin with it.
func transcript(guide, name string) []string {
	command := regexp.MustCompile(`(?m)^(\$ )?make ` + name + `( |$)`)
	var lines []string
	follows := false
	for _, m := range block.FindAllStringSubmatch(guide, -1) {
		kind, body := m[1], m[2]
		switch {
		case kind == "sh":
			follows = command.MatchString(body)
		case strings.HasPrefix(body, "$ "):
			if first, rest, _ := strings.Cut(body, "\n"); command.MatchString(first) && !strings.Contains(first, "--variant") { // an exercise changes the lesson
				lines = append(lines, strings.Split(rest, "\n")...)
			}
			follows = false
		case follows:
			lines = append(lines, strings.Split(body, "\n")...)
			follows = false
		}
	}
	return lines
}
