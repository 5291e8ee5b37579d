package containers

import (
	"context"
	"fmt"
	"testing"

	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"kafkahandson/internal/mysql"
)

// StartMySQL starts MySQL from the image MYSQL_IMAGE and returns, when it answers, the data source name of the course's
// database and user. As in the embedded server the user may create databases for one run ([mysql.ScopedPrefix]).
func StartMySQL(t testing.TB) (dsn string) {
	t.Helper()
	const rootPassword = "1234"
	port := network.MustParsePort("3306/tcp")
	c := start(t, "MYSQL_IMAGE", port, 768<<20,
		testcontainers.WithEnv(map[string]string{
			"MYSQL_ROOT_PASSWORD": rootPassword,
			"MYSQL_DATABASE":      mysql.DefaultDatabase,
			"MYSQL_USER":          mysql.DefaultUser,
			"MYSQL_PASSWORD":      mysql.DefaultPassword,
		}))
	config := mysql.Config{Port: published(t, c, port)}
	awaitAnswer(t, c, func(ctx context.Context) error { // the first start prepares the database without a TCP port
		root := config
		root.User, root.Password = "root", rootPassword
		db, err := mysql.Open(ctx, root)
		if err != nil {
			return err
		}
		defer mysql.Close(db)
		return db.Exec(fmt.Sprintf("GRANT ALL ON `%s\\_%%`.* TO '%s'@'%%'", mysql.DefaultDatabase, mysql.DefaultUser)).Error
	})
	dsn, err := config.FormatDSN()
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}
