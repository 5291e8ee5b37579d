package docs_test

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// pkg is a package of the course, by its name in the picture, with what it imports of the course outside its tests.
type pkg struct {
	name    string
	imports []string
}

// packages are those that have more than tests, but those of chapters, of which each has its own.
func packages(t *testing.T) []pkg {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{end}}", "./...")
	list.Dir = root
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for line := range strings.Lines(string(out)) {
		var own []string // the package, and what it imports
		for _, path := range strings.Fields(line) {
			if name, ok := strings.CutPrefix(path, "kafkahandson/"); ok {
				own = append(own, strings.TrimPrefix(name, "internal/"))
			}
		}
		if len(own) > 0 && !ofChapter(own[0]) {
			all = append(all, pkg{own[0], own[1:]})
		}
	}
	return all
}

// ofChapter tells whether a package, by its name in the picture, is in the folder of a chapter.
func ofChapter(name string) bool { return regexp.MustCompile(`^ch(\d|N)-`).MatchString(name) }

// bands are the packages that a page or a picture names, by where they stand, from top to bottom.
type bands [][]string

// tableBands reads the table of packages in architecture.md.
func tableBands(t *testing.T, file string) bands {
	t.Helper()
	var all bands
	named := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(read(t, file)) {
		first, rest, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		switch {
		case !ok || !strings.HasPrefix(line, "| "):
			if len(all) > 0 && strings.HasPrefix(line, "## ") {
				return sorted(all)
			}
		case strings.HasPrefix(first, "**") && strings.TrimSpace(rest) == "|":
			all = append(all, nil)
		case len(all) > 0:
			for _, m := range named.FindAllStringSubmatch(first, -1) {
				all[len(all)-1] = append(all[len(all)-1], strings.TrimPrefix(m[1], "internal/"))
			}
		}
	}
	t.Fatalf("%s has no table of packages", file)
	return nil
}

// pictureBands reads the picture of the packages: its groups.
func pictureBands(t *testing.T, file string) bands {
	t.Helper()
	var svg struct {
		Groups []struct {
			Texts []struct {
				Class string `xml:"class,attr"`
				Text  string `xml:",chardata"`
			} `xml:"text"`
		} `xml:"g"`
	}
	if err := xml.Unmarshal([]byte(read(t, file)), &svg); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var all bands
	for _, g := range svg.Groups {
		var names []string
		for _, text := range g.Texts {
			if text.Class == "name" {
				names = append(names, text.Text)
			}
		}
		all = append(all, names)
	}
	return sorted(all)
}

// sorted leaves chapters out, and sorts each band.
func sorted(all bands) bands {
	for i := range all {
		all[i] = slices.DeleteFunc(all[i], ofChapter)
		slices.Sort(all[i])
	}
	return slices.DeleteFunc(all, func(names []string) bool { return len(names) == 0 })
}

// The page and its picture, in both languages, have every package, and no other, each in the same place.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	var want []string
	for _, p := range packages(t) {
		want = append(want, p.name)
	}
	page := tableBands(t, "docs/architecture.md")
	got := slices.Concat(page...)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(got, want)))) {
		if slices.Contains(got, name) != slices.Contains(want, name) {
			t.Errorf("docs/architecture.md names %s: %t; there is such a package: %t", name, slices.Contains(got, name), slices.Contains(want, name))
		}
	}
	for file, other := range map[string]bands{
		"docs/architecture.ko.md":      tableBands(t, "docs/architecture.ko.md"),
		"docs/img/architecture.svg":    pictureBands(t, "docs/img/architecture.svg"),
		"docs/img/architecture.ko.svg": pictureBands(t, "docs/img/architecture.ko.svg"),
	} {
		if !slices.EqualFunc(other, page, slices.Equal) {
			t.Errorf("%s has\n%q\nand docs/architecture.md\n%q", file, other, page)
		}
	}
}

// As the picture says: a package imports none that stands above it, and only tests import what is for tests.
func TestImportsPointDown(t *testing.T) {
	drawn := pictureBands(t, "docs/img/architecture.svg")
	place := map[string]int{}
	for i, names := range drawn {
		for _, name := range names {
			place[name] = i
		}
	}
	testOnly := len(drawn) - 1 // the last band
	for _, p := range packages(t) {
		for _, imported := range p.imports {
			from, to := place[p.name], place[imported]
			if from == testOnly {
				continue
			}
			switch {
			case ofChapter(imported):
				if p.name != "cmd/lab" {
					t.Errorf("%s imports the chapter %s", p.name, imported)
				}
			case to == testOnly:
				t.Errorf("%s imports %s, which is for tests", p.name, imported)
			case to < from:
				t.Errorf("%s imports %s, which stands above it", p.name, imported)
			}
		}
	}
}

// spans are the code and the links of a page, sorted: what is the same in both languages.
func spans(markdown string) []string {
	all := regexp.MustCompile("`[^`\n]+`|\\]\\([^)\\s]*\\)").FindAllString(strings.ReplaceAll(markdown, ".ko.", "."), -1)
	slices.Sort(all)
	return all
}

func TestArchitectureIsTheSameInBothLanguages(t *testing.T) {
	en, ko := spans(read(t, "docs/architecture.md")), spans(read(t, "docs/architecture.ko.md"))
	for i := range min(len(en), len(ko)) {
		if en[i] != ko[i] {
			t.Fatalf("%s is in one language only", min(en[i], ko[i]))
		}
	}
	if len(en) != len(ko) {
		t.Errorf("%d links and pieces of code in English, %d in Korean", len(en), len(ko))
	}
}

// What the page tells a writer of lessons to use, and which tests to look at, is declared somewhere.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	declaration := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |var |const |\t)([A-Z]\w*)`)
	declared := map[string]bool{}
	for _, pattern := range []string{"*/*.go", "*/*/*.go", "*/*/*/*.go"} {
		for _, file := range glob(t, pattern) {
			for _, m := range declaration.FindAllStringSubmatch(read(t, file), -1) {
				declared[m[1]] = true
			}
		}
	}
	name := regexp.MustCompile("^`(?:r\\.|p\\.|lesson\\.)?([A-Z][a-zA-Z]+)\\b[^_]")
	found := 0
	for _, span := range spans(read(t, "docs/architecture.md")) {
		if m := name.FindStringSubmatch(span); m != nil && !strings.HasPrefix(span, "`TestLessons/") {
			if found++; !declared[m[1]] {
				t.Errorf("%s is nowhere declared", span)
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d names: does the test still recognise them?", found)
	}
}

// glob finds files of the clone.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS(root), pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A link leads to a file or a heading that is there. One whose text is `Name` leads to a Go file that declares it.
func TestLinksLeadSomewhere(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^ *(````?)[a-z]*\n.*?^ *````?$")
	link := regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	for _, page := range slices.Concat(glob(t, "*.md"), glob(t, "docs/*.md"), glob(t, "ch*/*.md")) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			if err := follow(page, m[1], m[2]); err != nil {
				t.Errorf("%s: [%s](%s): %v", page, m[1], m[2], err)
			}
		}
	}
}

func follow(page, text, target string) error {
	if strings.Contains(target, "://") {
		return nil
	}
	target, anchor, _ := strings.Cut(target, "#")
	file := filepath.Join(root, filepath.FromSlash(page))
	if target != "" {
		file = filepath.Join(filepath.Dir(file), filepath.FromSlash(target))
	}
	info, err := os.Stat(file)
	if err != nil || info.IsDir() {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(text, "`"); ok && strings.HasSuffix(file, ".go") {
		name = strings.TrimSuffix(name, "`")
		declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |var |const )` + regexp.QuoteMeta(name) + `\b`)
		if !declared.Match(content) {
			return fmt.Errorf("the file declares no %s", name)
		}
	}
	if anchor != "" && !slices.Contains(anchors(string(content)), anchor) {
		return fmt.Errorf("there is no such heading")
	}
	return nil
}

// anchors are the names that GitHub gives to the headings of a page.
func anchors(markdown string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(markdown, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return all
}
