// Package architecture holds nothing but tests: of which package may import which, of how large a folder may grow, and
// of how soon a student's program comes to Kafka.
package architecture

import (
	"slices"
	"strings"
	"testing"
)

func TestImports(t *testing.T) {
	graph := graphOf(list(t))
	for _, v := range check(graph, rules) {
		t.Error(v)
	}
	for _, r := range rules { // none has outlived those that it is about
		if bound := slices.ContainsFunc(graph, func(p pkg) bool { return matchesAny(r.who, p.path) }); !bound {
			t.Errorf("%s: binds nobody", r.name)
		}
	}
}

// Each rule is broken by a graph that is made up for it, and by no other.
func TestRulesCanBeBroken(t *testing.T) {
	type imports = map[string][]string
	broken := map[string]bool{}
	for _, tc := range []struct {
		name  string
		graph imports // a name that ends with "(test)" stands for a package's tests
		main  string
		want  []string // "rule: importing package"
	}{
		{name: "a house in order", graph: imports{
			"cmd/lab":                        {"github.com/spf13/cobra", "ch3-offsets", "internal/remedy", "internal/report"},
			"ch3-offsets":                    {"ch3-offsets/observation", "internal/lesson"},
			"ch3-offsets (test)":             {"internal/lesson/lessontest", "internal/report"},
			"ch3-offsets/reader":             {"ch3-offsets/observation", "internal/kafka", "internal/kafka/parallel", "internal/program"},
			"internal/lesson":                {"internal/event/timeline", "internal/lesson/process", "internal/remedy"},
			"internal/lesson/lessontest":     {"testing", "internal/lesson", "internal/report"},
			"internal/kafka/parallel":        {"internal/kafka", "internal/i18n"},
			"internal/report":                {"internal/event/records", "internal/i18n"},
			"internal/embedded":              {"github.com/twmb/franz-go/pkg/kfake"},
			"internal/embedded/embeddedtest": {"testing", "github.com/twmb/franz-go/pkg/kfake"},
			"internal/mysql (test)":          {"testing", "internal/mysql/mysqltest", "internal/mysqld"},
			"internal/mysql/mysqltest":       {"testing", "internal/mysql", "internal/mysqld"}, // with mysqld's it is no cycle: it is for tests
			"internal/mysqld":                {"internal/mysql"},
			"internal/not-in-any-rule":       {"internal/kafka"},
		}},
		{name: "a library that knows a chapter", graph: imports{"internal/guide": {"ch3-offsets"}}, want: []string{"chapters stand above: internal/guide"}},
		{name: "a test of a library that knows a chapter", graph: imports{"internal/lesson (test)": {"testing", "ch3-offsets"}}, want: []string{"chapters stand above: internal/lesson"}},
		{name: "a chapter that needs another", graph: imports{"ch4-cdc/relay": {"ch3-offsets/observation"}}, want: []string{
			"chapters stand alone: ch4-cdc/relay", "programs are for students: ch4-cdc/relay",
		}},
		{name: "a lesson inside the runner", graph: imports{"ch3-offsets": {"internal/lesson/process"}}, want: []string{"lessons are scripts: ch3-offsets"}},
		{name: "a program that knows lessons", graph: imports{"ch3-offsets/reader": {"internal/lesson"}}, want: []string{"programs are for students: ch3-offsets/reader"}},
		{name: "a program that manages", graph: imports{"ch3-offsets/reader": {"internal/kafka/admin"}}, want: []string{"programs are for students: ch3-offsets/reader"}},
		{name: "a program that knows events", graph: imports{"ch3-offsets/reader": {"internal/event"}}, want: []string{"programs are for students: ch3-offsets/reader"}},
		{name: "an observation that does something", graph: imports{"ch3-offsets/observation": {"internal/program"}}, want: []string{"observations are words: ch3-offsets/observation"}},
		{name: "flags elsewhere", graph: imports{"internal/console": {"github.com/spf13/pflag"}}, want: []string{"the command line is cmd/lab: internal/console"}},
		{name: "a remedy in a library", graph: imports{"internal/stack": {"internal/remedy"}}, want: []string{"remedies are at the edge: internal/stack"}},
		{name: "a tool that knows lessons", graph: imports{"internal/doctor": {"internal/lesson/runs"}}, want: []string{"tools know no lessons: internal/doctor"}},
		{name: "a runner that shows", graph: imports{"internal/lesson": {"internal/report"}}, want: []string{"a runner shows nothing: internal/lesson"}},
		{name: "a program's frame that knows who runs it", graph: imports{"internal/program": {"internal/lesson"}}, want: []string{"programs do not know who runs them: internal/program"}},
		{name: "a report that asks the runner", graph: imports{"internal/report": {"internal/lesson"}}, want: []string{"reports are made of events: internal/report"}},
		{name: "events with more than data", graph: imports{"internal/event/records": {"internal/kafka"}}, want: []string{"events are data: internal/event/records"}},
		{name: "Kafka with problems", graph: imports{"internal/kafka/admin": {"internal/problem"}}, want: []string{
			"Kafka is a library: internal/kafka/admin", "remedies are at the edge: internal/kafka/admin",
		}},
		{name: "MySQL with words", graph: imports{"internal/mysql": {"internal/i18n"}}, want: []string{"MySQL is a library: internal/mysql"}},
		{name: "a server with problems", graph: imports{"internal/mysqld": {"internal/problem"}}, want: []string{
			"remedies are at the edge: internal/mysqld", "servers are libraries: internal/mysqld",
		}},
		{name: "kfake elsewhere", graph: imports{"internal/stack": {"github.com/twmb/franz-go/pkg/kfake"}}, want: []string{"the embedded Kafka is embedded: internal/stack"}},
		{name: "problems with more than words", graph: imports{"internal/problem": {"internal/kafka"}}, want: []string{"problems are words: internal/problem"}},
		{name: "a ground that stands on something", graph: imports{"internal/i18n": {"internal/home"}}, want: []string{"the ground: internal/i18n"}},
		{name: "a helper of tests in a library", graph: imports{"internal/await": {"testing"}, "internal/stack": {"internal/await"}}, want: []string{"tests are for tests: internal/stack"}},
		{name: "a helper of tests in a helper of tests", graph: imports{"internal/await": {"testing"}, "internal/conformance": {"testing", "internal/await"}}},
		{name: "a schema checker in a library", graph: imports{"internal/event": {"github.com/santhosh-tekuri/jsonschema/v6"}, "internal/report": {"internal/event"}}, want: []string{"tests are for tests: internal/report"}},
		{name: "testing in a program", main: "internal/leash", graph: imports{"internal/leash": {"testing"}}, want: []string{"tests are for tests: internal/leash"}},
		{name: "testing in a chapter", graph: imports{"ch3-offsets": {"testing"}}, want: []string{"tests are for tests: ch3-offsets"}},
		{
			name:  "rooms that need each other, over a third, while their packages do not",
			graph: imports{"internal/stack": {"internal/console"}, "internal/console/table": {"internal/guide"}, "internal/guide": {"internal/stack/kind"}},
			want:  []string{"rooms are in order: internal/console", "rooms are in order: internal/guide", "rooms are in order: internal/stack"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			packages := map[string]*pkg{}
			for name, to := range tc.graph {
				name, tests := strings.CutSuffix(name, " (test)")
				if packages[name] == nil {
					packages[name] = &pkg{path: name, main: name == tc.main}
				}
				if tests {
					packages[name].testImports = to
				} else {
					packages[name].imports = to
				}
			}
			var graph []pkg
			for _, p := range packages {
				graph = append(graph, *p)
			}
			got := []string{}
			for _, v := range check(graph, rules) {
				got = append(got, v.rule+": "+v.from)
				broken[v.rule] = true
			}
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("broken are %q, want %q", got, tc.want)
			}
		})
	}
	for _, r := range rules {
		if !broken[r.name] {
			t.Errorf("%s: no graph breaks it", r.name)
		}
	}
}
