package stack

import (
	"context"
	"fmt"
	"net"
	"time"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysqld"
)

// MySQL is a database server that was found or started.
type MySQL struct {
	Kind   Kind
	Config mysql.Config

	server *mysqld.Server
}

// PrivateMySQLDir is the directory of the private MySQL that programs and lessons share.
func PrivateMySQLDir() (string, error) { return home.Dir("mysql", "server") }

// OpenMySQL finds a MySQL by the rule, or only of one kind, and starts the private one where there is none. env is what
// MYSQL_DSN says; progress is told what takes time. Close the result after use.
//
// A server on the compose stack's port that does not know the course's user is somebody else's: it is left alone.
func OpenMySQL(ctx context.Context, env mysql.Config, kind Kind, ports compose.Ports, progress func(i18n.Text)) (MySQL, error) {
	if env.DSN != "" && (kind == Auto || kind == Env) {
		return MySQL{Kind: Env, Config: env}, ping(ctx, env)
	}
	published := mysql.Config{Port: ports.MySQL}
	if kind == Compose {
		return MySQL{Kind: Compose, Config: published}, ping(ctx, published)
	}
	if kind == Auto && dialable(ctx, addresses([]int{ports.MySQL})[0]) && ping(ctx, published) == nil {
		return MySQL{Kind: Compose, Config: published}, nil
	}
	dir, err := PrivateMySQLDir()
	if err != nil {
		return MySQL{}, err
	}
	server, err := mysqld.Start(ctx, mysqld.Options{Dir: dir, Progress: progress})
	if err != nil {
		return MySQL{}, err
	}
	return MySQL{Kind: Embedded, Config: mysql.Config{DSN: server.DSN()}, server: server}, nil
}

// Close gives the private server back; any other goes on.
func (m MySQL) Close(ctx context.Context) error {
	if m.server == nil {
		return nil
	}
	return m.server.Release(ctx)
}

// Announce says in one line which MySQL this is.
func (m MySQL) Announce() i18n.Text {
	switch m.Kind {
	case Env:
		return i18n.Text{EN: "MySQL: %s, as MYSQL_DSN says", KO: "MySQL: MYSQL_DSN이 가리키는 %s"}.With(m.Config)
	case Compose:
		return i18n.Text{EN: "MySQL: the compose stack, %s", KO: "MySQL: compose 스택 (%s)"}.With(m.Config)
	}
	return i18n.Text{EN: "MySQL: a private %s on 127.0.0.1:%d (no Docker needed)", KO: "MySQL: 개인용 %s, 127.0.0.1:%d (Docker가 필요 없습니다)"}.
		With(m.server.Version(), m.server.Port())
}

func ping(ctx context.Context, cfg mysql.Config) error {
	db, err := mysql.Open(ctx, cfg)
	if err != nil {
		return err
	}
	if err := mysql.Close(db); err != nil {
		return fmt.Errorf("close the database again: %w", err)
	}
	return nil
}

// dialable tells whether anybody listens at an address of this computer.
func dialable(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close() // it has told what was asked
	return true
}
