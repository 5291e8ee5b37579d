package program

import (
	"io"
	"net"
	"strconv"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/stack"
)

// With -stack embedded a program leaves the compose stack's MySQL alone, although it is up.
func TestWithMySQLTakesTheOneOfTheStack(t *testing.T) {
	up, err := driver.ParseDSN(mysqltest.Server(t)) // another server on the port that compose publishes
	if err != nil {
		t.Fatal(err)
	}
	_, compose, err := net.SplitHostPort(up.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MYSQL_PORT", compose)
	t.Setenv("MYSQL_DSN", "")

	for _, tc := range []struct {
		kind    stack.Kind
		compose bool
	}{{stack.Auto, true}, {stack.Env, true}, {stack.Compose, true}, {stack.Embedded, false}} {
		p := &Program{stdout: io.Discard, stack: tc.kind}
		err := p.WithMySQL(t.Context(), nil, func(db *gorm.DB) error {
			var port int
			if err := db.Raw("SELECT @@port").Scan(&port).Error; err != nil {
				return err
			}
			if got := strconv.Itoa(port) == compose; got != tc.compose {
				t.Errorf("%s: port %d, compose has %s", tc.kind, port, compose)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", tc.kind, err)
		}
	}
}
