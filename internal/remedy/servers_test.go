package remedy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/remedy"
)

func TestMissingServerNamesTheCommandOfThePlatform(t *testing.T) {
	for manager, command := range map[string]string{
		"apt-get": "sudo apt-get update && sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core",
		"dnf":     "sudo dnf install mariadb-server",
		"pacman":  "sudo pacman -S mariadb",
		"brew":    "brew install mariadb",
		"":        "MYSQL_DSN",
	} {
		bin := t.TempDir()
		t.Setenv("PATH", bin)
		if manager != "" {
			if err := os.WriteFile(filepath.Join(bin, manager), []byte("#!/bin/sh\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for _, reason := range []mysqld.Reason{mysqld.Missing, mysqld.Unfit} {
			for _, lang := range []i18n.Lang{i18n.English, i18n.Korean} {
				var b strings.Builder
				remedy.Render(&b, lang, &mysqld.Error{Reason: reason, Err: mysqld.ErrNoProgram})
				for _, part := range []string{command, "make up", "MYSQL_DSN"} {
					if !strings.Contains(b.String(), part) {
						t.Errorf("%s: no %q in %s", manager, part, b.String())
					}
				}
			}
		}
	}
}
