package architecture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "kafkahandson"

// pkg is a package of this module. Paths are relative to it.
type pkg struct {
	path        string
	main        bool
	imports     []string
	testImports []string
}

// violation is an import against a rule. Its reason is for people.
type violation struct{ rule, from, to, reason string }

func (v violation) String() string {
	return fmt.Sprintf("%s: %s imports %s: %s", v.rule, v.from, v.to, v.reason)
}

// matches tells whether a package is one of a pattern's (see [rule]).
func matches(pattern, pkg string) bool {
	stem, below := strings.CutSuffix(pattern, "/...")
	if below {
		elements, n := strings.Split(pkg, "/"), strings.Count(stem, "/")+1
		pkg = strings.Join(elements[:min(n, len(elements))], "/")
	}
	ok, err := path.Match(stem, pkg)
	return ok && err == nil
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, pkg) })
}

// room is the folder that a package belongs to: with its sub-packages it does one thing.
func room(pkg string) string {
	elements := strings.Split(pkg, "/")
	if elements[0] == "internal" || elements[0] == "cmd" {
		elements = elements[:min(2, len(elements))]
	} else {
		elements = elements[:1]
	}
	return strings.Join(elements, "/")
}

// isChapter tells whether a package belongs to a chapter.
func isChapter(pkg string) bool { return matches("ch*/...", pkg) }

// testSupport are the packages for tests, and what makes each one. What imports one is not one for that: it is wrong.
func testSupport(graph []pkg) map[string]string {
	support := map[string]string{}
	for _, p := range graph {
		if i := slices.IndexFunc(p.imports, func(i string) bool { return matchesAny(forTests, i) }); i >= 0 {
			support[p.path] = p.imports[i]
		}
	}
	return support
}

// check returns what is against the rules, and what in the graph is against the rules that no list can say: of packages
// for tests, and of cycles.
func check(graph []pkg, rules []rule) []violation {
	support := testSupport(graph)
	found := slices.Concat(checkSupport(graph, support), checkCycles(graph, support))
	for _, r := range rules {
		for _, p := range graph {
			_, isSupport := support[p.path]
			if !matchesAny(r.who, p.path) || matchesAny(r.except, p.path) || isSupport && !r.tests {
				continue
			}
			imports := p.imports
			if r.tests {
				imports = slices.Concat(imports, p.testImports)
			}
			for _, i := range imports {
				allowed := slices.ContainsFunc(r.may, func(pattern string) bool {
					return matches(strings.Replace(pattern, "./", room(p.path)+"/", 1), i)
				})
				if matchesAny(r.about, i) && !allowed {
					found = append(found, violation{r.name, p.path, i, r.because})
				}
			}
		}
	}
	return found
}

// checkSupport finds what is for tests and comes into a program.
func checkSupport(graph []pkg, support map[string]string) []violation {
	const name = "tests are for tests"
	var found []violation
	for _, p := range graph {
		why, isSupport := support[p.path]
		if isSupport && (p.main || isChapter(p.path)) {
			found = append(found, violation{name, p.path, why, "that is for tests, and this is a program or a lesson"})
		}
		for _, i := range p.imports {
			if why, ok := support[i]; ok && !isSupport {
				found = append(found, violation{name, p.path, i, "that is for tests: it imports " + why})
			}
		}
	}
	return found
}

// checkCycles finds rooms that need each other: they are one. Go itself only looks at packages.
func checkCycles(graph []pkg, support map[string]string) []violation {
	to := map[string]map[string]bool{}
	for _, p := range graph {
		if _, isSupport := support[p.path]; isSupport {
			continue
		}
		from := room(p.path)
		if to[from] == nil {
			to[from] = map[string]bool{}
		}
		for _, i := range p.imports {
			if matchesAny(ours, i) && room(i) != from {
				to[from][room(i)] = true
			}
		}
	}
	var found []violation
	for _, from := range slices.Sorted(maps.Keys(to)) {
		for _, next := range slices.Sorted(maps.Keys(to[from])) {
			if way := route(to, next, from); way != nil {
				found = append(found, violation{"rooms are in order", from, next, "and comes back by " + strings.Join(way, " → ")})
			}
		}
	}
	return found
}

// route is a way through the graph, nil for none.
func route(to map[string]map[string]bool, from, goal string) []string {
	before := map[string]string{from: ""}
	for todo := []string{from}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		if at == goal {
			var way []string
			for ; at != ""; at = before[at] {
				way = append([]string{at}, way...)
			}
			return way
		}
		for _, next := range slices.Sorted(maps.Keys(to[at])) {
			if _, seen := before[next]; !seen {
				before[next] = at
				todo = append(todo, next)
			}
		}
	}
	return nil
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Name, Dir              string
	GoFiles, CgoFiles, IgnoredGoFiles  []string
	Imports, TestImports, XTestImports []string
}

// list returns the packages of this module.
func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json", module+"/...")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, said.String())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		t.Fatal("go list found nothing")
	}
	return all
}

// graphOf is the import graph of packages.
func graphOf(all []listed) []pkg {
	short := func(paths []string) []string {
		paths = slices.Clone(paths)
		for i, p := range paths {
			paths[i] = strings.TrimPrefix(p, module+"/")
		}
		return paths
	}
	var graph []pkg
	for _, l := range all {
		graph = append(graph, pkg{
			path: strings.TrimPrefix(l.ImportPath, module+"/"), main: l.Name == "main",
			imports: short(l.Imports), testImports: short(slices.Concat(l.TestImports, l.XTestImports)),
		})
	}
	slices.SortFunc(graph, func(a, b pkg) int { return cmp.Compare(a.path, b.path) })
	return graph
}
