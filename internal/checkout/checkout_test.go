package checkout_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// folder makes a folder with a go.mod and returns its path.
func folder(t *testing.T, path, goMod string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "go.mod"), []byte(goMod), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The tests change the working directory, so they are not parallel.

func TestRootOfThisClone(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "internal", "checkout", "checkout_test.go")); err != nil {
		t.Errorf("the clone is said to be in %s: %v", root, err)
	}
}

func TestRootIsAtOrAbove(t *testing.T) {
	clone := folder(t, t.TempDir(), "module kafkahandson\n\ngo 1.26\n")
	other := folder(t, filepath.Join(clone, "a", "b"), "module example.com/other\n") // a module inside is not the course
	for _, dir := range []string{clone, filepath.Join(clone, "a"), other} {
		t.Chdir(dir)
		if root, err := checkout.Root(); err != nil || root != clone {
			t.Errorf("in %s the clone is %s (%v), want %s", dir, root, err, clone)
		}
	}
}

func TestOutsideAClone(t *testing.T) {
	for name, dir := range map[string]string{
		"no module":      t.TempDir(),
		"another module": folder(t, t.TempDir(), "module kafkahandson-fork\n"),
	} {
		t.Chdir(dir)
		_, err := checkout.Root()
		p := new(problem.Problem)
		if !errors.As(remedy.Of(err), &p) || p.Exit != problem.ExitEnvironment || len(p.Solve) == 0 || p.What.EN == p.What.KO {
			t.Errorf("%s: got %v, want a problem with a remedy", name, err)
			continue
		}
		if !strings.Contains(p.What.EN, dir) || !strings.Contains(p.What.KO, dir) {
			t.Errorf("%s: %+v does not name %s", name, p.What, dir)
		}
	}
}
