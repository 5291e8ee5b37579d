package home_test

import (
	"os"
	"path/filepath"
	"testing"

	"kafkahandson/internal/home"
)

func TestDir(t *testing.T) {
	root := filepath.Join(t.TempDir(), "new")
	t.Setenv(home.Env, root)
	for _, test := range []struct {
		elem []string
		want string
	}{{nil, root}, {[]string{"runs"}, filepath.Join(root, "runs")}, {[]string{"embedded", "kafka"}, filepath.Join(root, "embedded", "kafka")}} {
		got, err := home.Dir(test.elem...)
		if err != nil || got != test.want {
			t.Fatalf("got %s (%v), want %s", got, err, test.want)
		}
		if info, err := os.Stat(got); err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
			t.Errorf("%s is %v (%v), want a directory for the user only", got, info.Mode(), err)
		}
		if again, err := home.Dir(test.elem...); err != nil || again != got {
			t.Errorf("again: %s (%v)", again, err)
		}
	}
}

func TestDefaultIsTheCache(t *testing.T) {
	t.Setenv(home.Env, "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := home.Dir("runs"); err != nil || got != filepath.Join(cache, "kafkahandson", "runs") {
		t.Errorf("got %s (%v), want it in %s", got, err, cache)
	}
}

func TestRelativeRoot(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv(home.Env, "here")
	got, err := home.Dir()
	if err != nil || !filepath.IsAbs(got) || filepath.Base(got) != "here" {
		t.Errorf("got %s (%v), want an absolute path", got, err)
	}
}

func TestDirCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(home.Env, file)
	if got, err := home.Dir("runs"); err == nil {
		t.Errorf("got %s in a file", got)
	}
}
