package mysqld_test

import (
	"context"
	"os"
	"testing"

	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
)

// A server keeps its temporary tables to itself: another one that starts would delete them from a shared folder.
func TestHasItsOwnTemporaryFolder(t *testing.T) {
	dir := newDir(t)
	m := start(t, dir)
	t.Cleanup(func() { must(t, m.Release(context.Background())) })
	var tmpdir string
	must(t, mysqltest.Open(t, mysql.Config{DSN: m.DSN()}).Raw("SELECT @@tmpdir").Scan(&tmpdir).Error)
	want, err := os.Stat(dir)
	must(t, err)
	if got, err := os.Stat(tmpdir); err != nil || !os.SameFile(got, want) {
		t.Errorf("temporary tables are in %s (%v), want %s", tmpdir, err, dir)
	}
}
