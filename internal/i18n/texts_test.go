package i18n_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const root = "../.."

// Every text of the course is written in both languages, wherever it stands in the source: as a Text literal, or as
// the pair of arguments of a helper that makes one.
func TestEveryTextHasBothLanguages(t *testing.T) {
	texts := 0
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			en, ko, ok := textOf(n)
			if ok {
				texts++
				for _, complaint := range complaints(en, ko) {
					t.Errorf("%s: %s: %q / %q", fset.Position(n.Pos()), complaint, en, ko)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts < 100 {
		t.Errorf("found only %d texts: does the test still recognise them?", texts)
	}
}

// textOf recognises Text{EN: "…", KO: "…"} and calls of t(…, "en", "ko"), label(…) and usage(…).
func textOf(n ast.Node) (en, ko string, ok bool) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			kv, isPair := e.(*ast.KeyValueExpr)
			if !isPair {
				continue
			}
			key, isName := kv.Key.(*ast.Ident)
			if !isName || (key.Name != "EN" && key.Name != "KO") {
				continue
			}
			value, literal := stringOf(kv.Value)
			if !literal { // computed from other texts
				return "", "", false
			}
			ok = true
			if key.Name == "EN" {
				en = value
			} else {
				ko = value
			}
		}
		return en, ko, ok
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		if !slices.Contains([]string{"t", "label", "usage"}, name) || len(n.Args) < 2 {
			return "", "", false
		}
		en, okEN := stringOf(n.Args[len(n.Args)-2])
		ko, okKO := stringOf(n.Args[len(n.Args)-1])
		return en, ko, okEN && okKO
	}
	return "", "", false
}

func stringOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, okL := stringOf(e.X)
		right, okR := stringOf(e.Y)
		return left + right, okL && okR && e.Op == token.ADD
	case *ast.ParenExpr:
		return stringOf(e.X)
	}
	return "", false
}

func complaints(en, ko string) []string {
	var c []string
	if strings.TrimSpace(en) == "" {
		c = append(c, "no English")
	}
	if strings.TrimSpace(ko) == "" {
		return append(c, "no Korean")
	}
	hasWords := regexp.MustCompile(`[a-z]{3} [a-z]{2}`).MatchString(en)
	if hasWords && en != ko && !strings.ContainsFunc(ko, func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) {
		c = append(c, "the Korean has no Hangul")
	}
	if strings.ContainsFunc(en, func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) {
		c = append(c, "Hangul in the English")
	}
	if !maps.Equal(verbs(en), verbs(ko)) {
		c = append(c, "the fmt verbs differ")
	}
	return c
}

// verbs counts the arguments that a format takes, by number and verb: "%s %d" is the same as "%[2]d %[1]s".
func verbs(format string) map[string]int {
	found := map[string]int{}
	next := 1
	for _, m := range regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0-9.]*([a-zA-Z%])`).FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		if m[1] != "" {
			next, _ = strconv.Atoi(m[1])
		}
		found[strconv.Itoa(next)+m[2]]++
		next++
	}
	return found
}

// A guide in one language only would leave half of the readers outside.
func TestEveryGuideHasBothLanguages(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(root, "ch*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range append(dirs, root) {
		for _, name := range []string{"README.md", "README.ko.md"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
	}
}
