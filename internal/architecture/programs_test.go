package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFrame is how many lines a student's program may have between "func run(" and its first line about Kafka.
const maxFrame = 15

func TestProgramsComeToKafka(t *testing.T) {
	programs := 0
	for _, p := range list(t) {
		if p.Name != "main" || !isChapter(strings.TrimPrefix(p.ImportPath, module+"/")) {
			continue
		}
		programs++
		fset, about := token.NewFileSet(), false
		frame, found := 0, false
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			about = about || aboutKafka(file)
			if n, ok := frameOf(fset, file); ok {
				frame, found = n, true
			}
		}
		switch {
		case !about:
		case !found:
			t.Errorf("%s: no line of run is about Kafka", p.ImportPath)
		case frame > maxFrame:
			t.Errorf("%s has %d lines before its first line about Kafka, and %d are the most", p.ImportPath, frame, maxFrame)
		}
	}
	if programs == 0 {
		t.Error("no programs")
	}
}

// kafkaPackages are the names by which a program speaks of Kafka, beside config, its configuration.
var kafkaPackages = []string{"sarama", "kafka"}

// aboutKafka tells whether a file of a program is about Kafka at all.
func aboutKafka(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool {
		path := strings.Trim(i.Path.Value, `"`)
		return strings.HasSuffix(path, "/sarama") || path == module+"/internal/kafka"
	})
}

// frameOf is how many lines run has before its first line about Kafka; false if there is no run, or no such line.
func frameOf(fset *token.FileSet, file *ast.File) (int, bool) {
	for _, d := range file.Decls {
		run, ok := d.(*ast.FuncDecl)
		if !ok || run.Name.Name != "run" || run.Recv != nil {
			continue
		}
		first := token.NoPos
		ast.Inspect(run.Body, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && first == token.NoPos && (id.Name == "config" || slices.Contains(kafkaPackages, id.Name)) {
				first = id.Pos()
			}
			return first == token.NoPos
		})
		if first == token.NoPos {
			return 0, false
		}
		return fset.Position(first).Line - fset.Position(run.Pos()).Line - 1, true
	}
	return 0, false
}

func TestFrameOf(t *testing.T) {
	for name, tc := range map[string]struct {
		source string
		frame  int
		found  bool
	}{
		"at once":       {"func run() error {\n\tconfig, err := p.Kafka.Sarama()\n}", 0, true},
		"after two":     {"func run(\n) error {\n\tcount := 1\n\treturn kafka.ConsumeGroup(count)\n}", 2, true},
		"never":         {"func run() error {\n\treturn nil\n}", 0, false},
		"elsewhere":     {"func other() { sarama.NewConfig() }\nfunc run() error {\n\treturn nil\n}", 0, false},
		"in a method":   {"func (h handler) run() { sarama.NewConfig() }", 0, false},
		"not in a word": {"func run() error {\n\tconfigured := 1\n\treturn sarama.ErrX(configured)\n}", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, "main.go", "package main\n"+tc.source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if frame, found := frameOf(fset, file); frame != tc.frame || found != tc.found {
				t.Errorf("%d, %t, want %d, %t", frame, found, tc.frame, tc.found)
			}
		})
	}
}
