package console

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLinesOf(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name string
		in   io.Reader
		want []string
		err  error
	}{
		{"nothing", strings.NewReader(""), nil, nil},
		{"Unix and Windows ends", strings.NewReader("a\n\nb\r\n"), []string{"a", "", "b"}, nil},
		{"no end", strings.NewReader("a\nb"), []string{"a", "b"}, nil},
		{"a read fails", io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), []string{"a"}, broken},
	} {
		var got []string
		var failed error
		for line, err := range linesOf(t.Context(), test.in) {
			if err != nil {
				failed = err
				continue
			}
			got = append(got, line)
		}
		if !slices.Equal(got, test.want) || failed != test.err {
			t.Errorf("%s: %q (%v), want %q (%v)", test.name, got, failed, test.want, test.err)
		}
	}
}

// After an interrupt no line comes any more, even if some wait.
func TestLinesOfEndsWithItsContext(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var got []string
	for line := range linesOf(ctx, strings.NewReader("first\nsecond\nthird\n")) {
		got = append(got, line)
		interrupt()
	}
	if !slices.Equal(got, []string{"first"}) {
		t.Errorf("got %q", got)
	}
}
