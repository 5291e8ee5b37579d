package program

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gorm.io/gorm"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/stack"
)

// WithMySQL finds or starts a MySQL ([stack.OpenMySQL]), creates the tables of the models, calls do, and disconnects.
func (p *Program) WithMySQL(ctx context.Context, models []any, do func(*gorm.DB) error) (err error) {
	ports, err := stack.Ports()
	if err != nil {
		return err
	}
	m, err := stack.OpenMySQL(ctx, mysql.FromEnv(os.Getenv), stack.Auto, ports, func(t i18n.Text) { p.Print(t) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()
	if !p.lesson.on() {
		fmt.Fprintln(p.stdout, m.Announce().In(p.lang))
	}
	db, err := mysql.Open(ctx, m.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mysql.Close(db)) }()
	if err := mysql.Migrate(ctx, db, models...); err != nil {
		return err
	}
	return do(db)
}
