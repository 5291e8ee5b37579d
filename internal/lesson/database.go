package lesson

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"kafkahandson/internal/event"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/lesson/process"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/stack"
)

// server is the MySQL of a lesson that needs one.
type server struct {
	stack.MySQL
	watcher *process.Watcher // stops a private server if this process is killed
}

// openServer finds or starts a MySQL, where Kafka comes from if possible.
func (s *stage) openServer(ctx context.Context) (_ *server, err error) {
	opened := &server{}
	if opened.watcher, err = s.watchMySQL(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.watcher.Close())
		}
	}()
	opened.MySQL, err = stack.OpenMySQL(ctx, s.opts.Stack, func(t Text) {
		s.emit(event.Event{Type: event.Waiting, Text: &t})
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

func (s *server) close(ctx context.Context) error {
	return errors.Join(s.Close(ctx), s.watcher.Close())
}

// watchMySQL starts what stops the private MySQL if this process is killed: it would stay otherwise until somebody uses
// it next.
func (s *stage) watchMySQL(ctx context.Context) (*process.Watcher, error) {
	dir, err := stack.PrivateMySQLDir()
	if err != nil {
		return nil, err
	}
	return s.launcher.Watch(ctx, "mysql", dir)
}

// drop drops a database.
func (s *server) drop(ctx context.Context) func(name string) error {
	return func(name string) error { return mysql.DropDatabase(ctx, s.DB, name) }
}

// openDatabase creates the variant's own database and connects to it, if the lesson needs one.
func (r *Run) openDatabase() error {
	s := r.database
	if s == nil {
		return nil
	}
	name := mysql.ScopedPrefix + r.id
	if r.Variant != "" {
		name += "_" + strings.ReplaceAll(r.Variant, "-", "_")
	}
	if err := r.folder.AddDatabase(s.Config.String(), name); err != nil {
		return err
	}
	if err := mysql.CreateDatabase(r.ctx, s.DB, name); err != nil {
		return err
	}
	cfg, err := s.Config.WithDatabase(name)
	if err != nil {
		return err
	}
	if r.dsn, err = cfg.FormatDSN(); err != nil {
		return err
	}
	if r.mysqlAddr, err = cfg.Addr(); err != nil {
		return err
	}
	r.db, err = mysql.Open(r.ctx, cfg)
	return err
}

// closeDatabase disconnects; the database stays for the accounting of other variants, until the run's end.
func (r *Run) closeDatabase() error {
	if r.db == nil {
		return nil
	}
	return mysql.Close(r.db)
}

// Database is the variant's own database; nil unless the lesson NeedsMySQL.
func (r *Run) Database() *gorm.DB { return r.db }

// MySQLProxy puts a proxy in front of the lesson's MySQL, for programs that are started [Command.Through] it: it can be
// cut and restored. Close it after use.
func (r *Run) MySQLProxy() *faultproxy.Proxy {
	p, err := faultproxy.Start(r.mysqlAddr)
	r.Must(err)
	return p
}
