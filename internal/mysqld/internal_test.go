package mysqld

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
)

// FindProgram tells the other tests whether there is a server to start here, and fetches one if need be.
func FindProgram(ctx context.Context) error {
	if _, err := findInstalled(ctx, nil); !errors.Is(err, ErrNoProgram) {
		return nil // if there is one that fails, the tests are to fail, too
	}
	return FetchProgram(ctx)
}

// FetchProgram fetches a server.
func FetchProgram(ctx context.Context) error {
	_, err := fetchPackages(ctx, func(i18n.Text) {})
	return err
}

// What a computer without a server and without a network says is not what a server says that fails.
func TestThatCannotBeHadIsNamed(t *testing.T) {
	t.Setenv(home.Env, t.TempDir())
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if _, err := fetchPackages(t.Context(), func(i18n.Text) {}); !errors.Is(err, ErrNoProgram) {
		t.Errorf("without apt: %v", err)
	}
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg"} {
		if err := os.WriteFile(filepath.Join(bin, tool), []byte("#!/bin/sh\necho no network >&2\nexit 100\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fetchPackages(t.Context(), func(i18n.Text) {}); !errors.Is(err, ErrNoProgram) || !strings.Contains(err.Error(), "no network") {
		t.Errorf("without a network: %v", err)
	}
	if err := noProgram(errors.New("no space left on device")); errors.Is(err, ErrNoProgram) {
		t.Errorf("a server that failed: %v", err)
	}
}

// The packages are fetched and run, once with the system's package lists and once without any, as in a container image.
func TestPackagesAreFetched(t *testing.T) {
	if os.Getenv("KAFKAHANDSON_FETCH_TESTS") == "" {
		t.Skip("downloads the packages twice; set KAFKAHANDSON_FETCH_TESTS=1")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs a distribution whose packages can be fetched without root: no apt-get here")
	}
	for name, config := range map[string]string{"with lists": "", "without lists": "Dir::State::Lists \"" + t.TempDir() + "\";\n"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "한글 이름") // a space, too
			t.Setenv(home.Env, folder)
			if config != "" {
				file := filepath.Join(t.TempDir(), "apt.conf")
				if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("APT_CONFIG", file)
			}
			var said []string
			progress := func(s i18n.Text) { said = append(said, s.EN) }
			fetched, err := fetchPackages(t.Context(), progress)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(fetched.Version, "MariaDB ") || !fetched.mariaDB() || !strings.HasPrefix(fetched.Root, folder) {
				t.Errorf("%+v", fetched)
			}
			again, err := fetchPackages(t.Context(), progress)
			if err != nil || again != fetched || len(said) != 1 {
				t.Errorf("fetched again: %+v, %v, said %q", again, err, said)
			}
			left, err := filepath.Glob(filepath.Join(folder, "mysql", "packages", "*"))
			if err != nil || len(left) != 2 { // lock and mariadb
				t.Errorf("left behind: %q, %v", left, err)
			}
			out, err := fetched.initCommand(t.Context(), folder, filepath.Join(folder, "data")).CombinedOutput()
			if err != nil {
				t.Errorf("initialise: %v\n%s", err, out)
			}
		})
	}
}

func TestErrorLines(t *testing.T) {
	for out, want := range map[string]string{
		"a Note\n1 [ERROR] disk\n2 [Note] x\n3 [ERROR] abort\n": "1 [ERROR] disk; 3 [ERROR] abort",
		"one\ntwo\nthree\nfour":                                 "one; two; three",
		"mariadbd: error while loading shared libraries: x.so":  "mariadbd: error while loading shared libraries: x.so",
		"": "",
	} {
		if got := errorLines(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}
