package event_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/event/eventtest"
)

// page is docs/events.md.
type page struct {
	text     string
	examples []string // the lines of its JSON
}

func readPage(t *testing.T) page {
	t.Helper()
	p := page{text: string(read(t, "docs", "events.md"))}
	const fence = "```"
	inside := false
	for line := range strings.Lines(p.text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, fence):
			inside = line == fence+"json"
		case inside:
			p.examples = append(p.examples, line)
		}
	}
	return p
}

// events are the examples, by whatever key tells them apart.
func (p page) events(t *testing.T, key func(event.Event) string) map[string]bool {
	t.Helper()
	has := map[string]bool{}
	for _, line := range p.examples {
		var e event.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		has[key(e)] = true
	}
	return has
}

// mustName fails for each word that the page does not have in backticks.
func (p page) mustName(t *testing.T, what string, words []string) {
	t.Helper()
	if len(words) == 0 {
		t.Errorf("there is no %s to look for", what)
	}
	for _, w := range words {
		if !strings.Contains(p.text, "`"+w+"`") {
			t.Errorf("docs/events.md does not name the %s `%s`", what, w)
		}
	}
}

// read reads a file of the clone.
func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// constants are the values of the string constants in a source of the clone that are meant, by name and type.
func constants(t *testing.T, source string, meant func(name, typ string) bool) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), source, read(t, source), 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for spec := range ast.Preorder(file) {
		s, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		typ, _ := s.Type.(*ast.Ident)
		for i, value := range s.Values {
			lit, ok := value.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !meant(s.Names[i].Name, typeName(typ)) {
				continue
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
	}
	return all
}

func typeName(i *ast.Ident) string {
	if i == nil {
		return ""
	}
	return i.Name
}

// types is the vocabulary.
func types(t *testing.T) []string {
	t.Helper()
	return constants(t, "internal/event/event.go", func(_, typ string) bool { return typ == "Type" })
}

// fields are the names in JSON of a struct's fields, and of the fields of its package's structs in it.
func fields(of reflect.Type) []string {
	var all []string
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, name)
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner.PkgPath() == of.PkgPath() {
			all = append(all, fields(inner)...)
		}
	}
	return all
}

func TestExamplesInTheDocs(t *testing.T) {
	schema, err := eventtest.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := readPage(t)
	if len(p.examples) == 0 {
		t.Error("docs/events.md has no examples")
	}
	for _, line := range p.examples {
		if err := schema.CheckLine([]byte(line)); err != nil {
			t.Errorf("%s\n%v", line, err)
		}
	}
}

func TestDocsHaveAnExampleOfEachType(t *testing.T) {
	p := readPage(t)
	all := types(t)
	p.mustName(t, "type", all)
	has := p.events(t, func(e event.Event) string { return string(e.Type) })
	for _, kind := range all {
		// With --json nothing is asked and nothing pauses.
		never := kind == string(event.Prediction) || kind == string(event.Resumed)
		if has[kind] == never {
			t.Errorf("docs/events.md: an example of %s: %t", kind, has[kind])
		}
	}
}

func TestDocsHaveAnExampleOfEachObservation(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "ch*", "observation", "schema.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schema of observations: %v", err)
	}
	p := readPage(t)
	key := func(chapter, kind string) string { return chapter + " " + kind }
	has := p.events(t, func(e event.Event) string {
		if e.Observation == nil {
			return ""
		}
		chapter, _, _ := strings.Cut(e.Lesson, "-")
		return key(chapter, e.Observation.Kind)
	})
	for _, file := range files {
		dir := filepath.Base(filepath.Dir(filepath.Dir(file)))
		var schema struct {
			Defs map[string]any `json:"$defs"`
		}
		if err := json.Unmarshal(read(t, dir, "observation", "schema.json"), &schema); err != nil {
			t.Fatal(err)
		}
		chapter, _, _ := strings.Cut(dir, "-")
		for kind := range schema.Defs {
			p.mustName(t, "observation", []string{kind})
			if !has[key(chapter, kind)] {
				t.Errorf("docs/events.md has no example of %s's observation %s", dir, kind)
			}
		}
	}
}

func TestDocsNameEverything(t *testing.T) {
	p := readPage(t)
	p.mustName(t, "field", fields(reflect.TypeFor[event.Event]()))
	p.mustName(t, "reason", constants(t, "internal/kafka/idle.go", func(_, typ string) bool { return typ == "IdleReason" }))
	p.mustName(t, "tally", constants(t, "internal/event/event.go", func(name, _ string) bool { return strings.HasPrefix(name, "Tally") }))

	var schema struct {
		OneOf []struct {
			Properties struct {
				Type struct{ Const string }
			}
		}
	}
	if err := json.Unmarshal(read(t, "internal", "event", "schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, one := range schema.OneOf {
		known = append(known, one.Properties.Type.Const)
	}
	all := types(t)
	slices.Sort(known)
	slices.Sort(all)
	if !slices.Equal(known, all) {
		t.Errorf("schema.json knows the types %v, event.go %v", known, all)
	}
}
