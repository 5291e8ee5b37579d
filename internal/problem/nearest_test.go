package problem_test

import (
	"testing"

	"kafkahandson/internal/problem"
)

func TestNearest(t *testing.T) {
	for _, test := range []struct {
		typed string
		names []string
		want  string // "": nothing
	}{
		{"lsit", []string{"run", "list", "up"}, "list"},
		{"ch33", []string{"ch3-rebalance", "ch3", "all"}, "ch3"},
		{"per-recrod", []string{"per-batch", "per-record"}, "per-record"},
		{"tt", []string{"orders", "t"}, "t"},
		{"tt", []string{"ab"}, ""},
		{"x", []string{"y"}, ""},
		{"nonsense", []string{"run", "list", "consume"}, ""},
		{"", []string{"x"}, ""},
		{"anything", nil, ""},
	} {
		got := ""
		if suggested := problem.Nearest(test.typed, test.names); len(suggested) > 0 {
			got = suggested[0].EN
		}
		want := test.want
		if want != "" {
			want = "did you mean " + want + "?"
		}
		if got != want {
			t.Errorf("%q among %v: %q, want %q", test.typed, test.names, got, want)
		}
	}
}
