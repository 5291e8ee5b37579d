package mysql_test

import (
	"context"
	"os"
	"testing"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql/mysqltest"
)

// serverDSN is MYSQL_DSN_TEST's server, or an embedded one that ends with the test.
func serverDSN(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv(mysqltest.EnvDSN); dsn != "" {
		return dsn
	}
	server, err := embedded.EnsureMySQL(t.Context(), embedded.MySQLOptions{
		Dir:      t.TempDir(),
		Progress: func(s i18n.Text) { t.Log(s.EN) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Release(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.DSN()
}

func TestConformance(t *testing.T) { mysqltest.RunConformance(t, serverDSN(t)) }
