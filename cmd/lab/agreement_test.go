package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/guide"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/prose"
)

func read(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// proseOf is the texts of a lesson: all of them, in both languages, or the test ends.
func proseOf(t *testing.T, l lesson.Lesson) prose.Prose {
	t.Helper()
	p, err := l.Prose()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The definitions of the lessons are the one truth; Makefile and guides repeat it for people.
func TestMakefileAgreesWithLessons(t *testing.T) {
	makefile := read(t, "Makefile")
	targets := map[string]string{} // target to description
	for _, m := range regexp.MustCompile(`(?m)^(ch\d[a-z0-9-]*):.*## (.*)$`).FindAllStringSubmatch(makefile, -1) {
		targets[m[1]] = m[2]
	}
	phony := strings.Fields(strings.ReplaceAll(regexp.MustCompile(`(?s)\.PHONY:(.*?[^\\])\n`).FindStringSubmatch(makefile)[1], "\\", ""))
	for _, l := range allLessons() {
		title := proseOf(t, l).Title.EN
		if got := targets[l.Name]; got != title {
			t.Errorf("Makefile describes %s as %q, its title is %q", l.Name, got, title)
		}
		if !strings.Contains(makefile, fmt.Sprintf("\n%s: lab ## %s\n\t@$(LAB) run $@ $(ARGS)\n", l.Name, title)) {
			t.Errorf("Makefile does not run %s", l.Name)
		}
		if measures := strings.Contains(makefile, fmt.Sprintf("\n%s-bench: lab ## %s\n\t@$(LAB) bench %[1]s $(ARGS)\n", l.Name, targets[l.Name+"-bench"])); measures != (l.Bench != nil) {
			t.Errorf("Makefile has a benchmark of %s: %v", l.Name, measures)
		}
	}
	for target := range targets {
		if !slices.Contains(phony, target) {
			t.Errorf("Makefile: %s is not .PHONY", target)
		}
		isChapter := regexp.MustCompile(`^ch\d$`).MatchString(target)
		isProgram := strings.Contains(makefile, fmt.Sprintf("\n%s: ## %s\n\t@go run ./ch", target, targets[target]))
		isBenchmark := slices.Contains(benchNames(), strings.TrimSuffix(target, "-bench"))
		if !slices.Contains(lessonNames(), target) && !isChapter && !isProgram && !isBenchmark {
			t.Errorf("Makefile: %s is no lesson, no chapter, no program and no benchmark", target)
		}
	}
}

func TestGuidesAgreeWithLessons(t *testing.T) {
	type row struct{ name, title, java string }
	place := regexp.MustCompile(`^chapter\d+/clip\d+`) // what follows it is for who has opened the clip
	for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
		readme := guide.File(lang)
		var want, got []row
		for _, c := range chapters() {
			markdown := read(t, c.Folder, readme)
			for _, l := range c.Lessons {
				prose := proseOf(t, l)
				r := row{l.Name, prose.Title.In(lang), place.FindString(prose.Java)}
				if r.java == "" {
					r.java = "–"
				}
				want = append(want, r)
				section, err := guide.Section(markdown, r.title) // which lab explain shows
				if err != nil || !strings.Contains(section, "make "+l.Name) {
					t.Errorf("%s/%s does not show make %s in a section of its own: %v", c.Folder, readme, l.Name, err)
				}
			}
		}
		for _, m := range regexp.MustCompile("(?m)^\\| `make (ch\\d[a-z0-9-]+)` \\| (.*) \\| .* \\| (.*) \\|$").FindAllStringSubmatch(read(t, readme), -1) {
			got = append(got, row{m[1], m[2], m[3]})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s lists\n%q\nand the lessons are\n%q", readme, got, want)
		}
	}
}

func TestLessonsAreComplete(t *testing.T) {
	for _, c := range chapters() {
		for _, l := range c.Lessons {
			if !strings.HasPrefix(l.Name, fmt.Sprintf("ch%d-", c.Number)) {
				t.Errorf("%s is in chapter %d", l.Name, c.Number)
			}
			if l.Texts == nil {
				t.Errorf("%s has no texts", l.Name)
				continue
			}
			place := proseOf(t, l).Read // which fails where a text is missing
			file, function, ok := strings.Cut(place, ", ")
			if source := read(t, filepath.FromSlash(file)); !ok || !strings.Contains(source, function) {
				t.Errorf("%s: read %q: not there", l.Name, place)
			}
			for _, pkg := range l.Programs {
				if main := read(t, filepath.FromSlash(pkg), "main.go"); len(strings.Split(main, "\n")) > 150 {
					t.Errorf("%s/main.go is longer than two screens", pkg)
				}
			}
		}
	}
}

// What no lesson has, nobody reads: a text that a lesson's new name has left behind.
func TestEveryTextBelongsToALesson(t *testing.T) {
	var want, got []string
	for _, c := range chapters() {
		for _, l := range c.Lessons {
			for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
				want = append(want, filepath.Join(c.Folder, filepath.FromSlash(prose.File(l.Name, lang))))
			}
		}
		files, err := filepath.Glob(filepath.Join("..", "..", c.Folder, "text", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, err := filepath.Rel(filepath.Join("..", ".."), file)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("there are\n%q\nand the lessons have\n%q", got, want)
	}
}

// A transcript is held against a run by the test of its lesson: so it must say which one that is, and every run that a
// guide shows must be one.
func TestTranscriptsNameTheirLessons(t *testing.T) {
	folders := []string{""}
	for _, c := range chapters() {
		folders = append(folders, c.Folder)
	}
	for _, folder := range folders {
		for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
			file := filepath.Join(folder, guide.File(lang))
			markdown := read(t, folder, guide.File(lang))
			transcripts, err := guide.Transcripts(markdown)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			verdicts := 0
			for _, x := range transcripts {
				i := slices.IndexFunc(allLessons(), func(l lesson.Lesson) bool { return l.Name == x.Lesson })
				if i < 0 {
					t.Errorf("%s:%d: a transcript of %s, which is no lesson", file, x.Line, x.Lesson)
					continue
				}
				for _, name := range x.Variants {
					if !slices.ContainsFunc(allLessons()[i].Variants, func(v lesson.Variant) bool { return v.Name == name }) {
						t.Errorf("%s:%d: a transcript of %s, which %s does not have", file, x.Line, name, x.Lesson)
					}
				}
				verdicts += len(regexp.MustCompile(`(?m)^PASS$`).FindAllString(strings.Join(x.Lines, "\n"), -1))
			}
			if all := len(regexp.MustCompile(`(?m)^PASS$`).FindAllString(markdown, -1)); all != verdicts {
				t.Errorf("%s shows %d runs that passed, and only %d of them between the comments of a transcript", file, all, verdicts)
			}
		}
	}
}

// A hint that names a file or a function must not lead into nothing.
func TestHintsNameWhatIsThere(t *testing.T) {
	file := regexp.MustCompile(`[a-z-]+(/[a-z-]+)*\.go`)
	name := regexp.MustCompile(`\b[A-Z]\w*(\.[A-Z]\w*)+|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*`) // Producer.Idempotent, inMySQL, ConsumeClaim
	for _, c := range chapters() {
		for _, l := range c.Lessons {
			var source strings.Builder
			for _, pkg := range l.Programs {
				files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pkg), "*.go"))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range files {
					source.WriteString(read(t, filepath.FromSlash(pkg), filepath.Base(file)))
				}
			}
			for i, hint := range proseOf(t, l).Hints {
				for _, said := range []string{hint.EN, hint.KO} {
					for _, file := range file.FindAllString(said, -1) {
						read(t, c.Folder, filepath.FromSlash(file))
					}
					for _, name := range name.FindAllString(said, -1) {
						if !strings.Contains(source.String(), name) {
							t.Errorf("hint %d of %s: the programs have no %s", i+1, l.Name, name)
						}
					}
				}
			}
		}
	}
}
