package architecture

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A room that has grown beyond this does two things.
const maxLines = 2500

func TestFoldersStaySmall(t *testing.T) {
	for _, p := range list(t) {
		if isChapter(strings.TrimPrefix(p.ImportPath, module+"/")) {
			continue // as long as it has lessons
		}
		lines := 0
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			lines += bytes.Count(source, []byte("\n"))
		}
		if lines > maxLines {
			t.Errorf("%s has %d lines of Go beside its tests, and %d are the most: does it do two things?", p.ImportPath, lines, maxLines)
		}
	}
}
