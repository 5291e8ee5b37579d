package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, elem ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
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
		if got := targets[l.Name]; got != l.Title.EN {
			t.Errorf("Makefile describes %s as %q, its title is %q", l.Name, got, l.Title.EN)
		}
		if !strings.Contains(makefile, fmt.Sprintf("\n%s: lab ## %s\n\t@$(LAB) run $@ $(ARGS)\n", l.Name, l.Title.EN)) {
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
	for _, readme := range []string{"README.md", "README.ko.md"} {
		var want, got []row
		for _, c := range chapters() {
			guide := read(t, c.Folder, readme)
			for _, l := range c.Lessons {
				r := row{l.Name, l.Title.EN, place.FindString(l.Java)}
				if strings.HasSuffix(readme, ".ko.md") {
					r.title = l.Title.KO
				}
				if r.java == "" {
					r.java = "–"
				}
				want = append(want, r)
				if !strings.Contains(guide, "make "+l.Name) {
					t.Errorf("%s/%s does not show make %s", c.Folder, readme, l.Name)
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
			for what, text := range map[string]string{"title": l.Title.KO, "prediction": l.Predict.KO, "why": l.Why.KO, "read": l.Read} {
				if text == "" {
					t.Errorf("%s has no %s", l.Name, what)
				}
			}
			file, function, ok := strings.Cut(l.Read, ", ")
			if source := read(t, filepath.FromSlash(file)); !ok || !strings.Contains(source, function) {
				t.Errorf("%s: read %q: not there", l.Name, l.Read)
			}
			for _, pkg := range l.Programs {
				if main := read(t, filepath.FromSlash(pkg), "main.go"); len(strings.Split(main, "\n")) > 150 {
					t.Errorf("%s/main.go is longer than two screens", pkg)
				}
			}
		}
	}
}
