package stack

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysqld"
)

// MySQL is a database server that was found or started.
type MySQL struct {
	Kind   Kind
	Config mysql.Config
	// DB is the course's database, opened.
	DB *gorm.DB

	server *mysqld.Server
}

// PrivateMySQLDir is the directory of the private MySQL that programs and lessons share.
func PrivateMySQLDir() (string, error) { return home.Dir("mysql", "server") }

// OpenMySQL finds a MySQL where Kafka comes from, and starts the private one where there is none: MYSQL_DSN in the
// environment comes first, then the compose stack. A cluster of one's own (Env) needs no MySQL of one's own. progress is
// told what takes time. Close the result after use.
//
// A server on the compose stack's port that does not know the course's user is somebody else's: it is left alone.
func OpenMySQL(ctx context.Context, kafka Kind, progress func(i18n.Text)) (MySQL, error) {
	if env := mysql.FromEnv(os.Getenv); env.DSN != "" && (kafka == Auto || kafka == Env) {
		return open(ctx, MySQL{Kind: Env, Config: env})
	}
	ports, err := Ports()
	if err != nil {
		return MySQL{}, err
	}
	compose := MySQL{Kind: Compose, Config: mysql.Config{Port: ports.MySQL}}
	switch {
	case kafka == Compose:
		return open(ctx, compose)
	case (kafka == Auto || kafka == Env) && dialable(ctx, addresses([]int{ports.MySQL})[0]):
		if found, err := open(ctx, compose); err == nil {
			return found, nil
		}
	}
	dir, err := PrivateMySQLDir()
	if err != nil {
		return MySQL{}, err
	}
	server, err := mysqld.Start(ctx, mysqld.Options{Dir: dir, Progress: progress})
	if err != nil {
		return MySQL{}, err
	}
	private, err := open(ctx, MySQL{Kind: Embedded, Config: mysql.Config{DSN: server.DSN()}, server: server})
	if err != nil {
		return MySQL{}, errors.Join(err, server.Release(context.WithoutCancel(ctx)))
	}
	return private, nil
}

func open(ctx context.Context, m MySQL) (_ MySQL, err error) {
	m.DB, err = mysql.Open(ctx, m.Config)
	return m, err
}

// Close disconnects, and gives the private server back; any other goes on.
func (m MySQL) Close(ctx context.Context) error {
	err := mysql.Close(m.DB)
	if m.server != nil {
		err = errors.Join(err, m.server.Release(ctx))
	}
	return err
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

// dialable tells whether anybody listens at an address of this computer.
func dialable(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close() // it has told what was asked
	return true
}
