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

// WithMySQL finds or starts a MySQL ([stack.OpenMySQL]), where Kafka comes from if possible, creates the tables of the
// models, calls do, and disconnects.
func (p *Program) WithMySQL(ctx context.Context, models []any, do func(*gorm.DB) error) (err error) {
	ports, err := stack.Ports()
	if err != nil {
		return err
	}
	kind := p.stack
	if kind == stack.Env { // a cluster of one's own needs no MySQL of one's own
		kind = stack.Auto
	}
	m, err := stack.OpenMySQL(ctx, mysql.FromEnv(os.Getenv), kind, ports, func(t i18n.Text) { p.Print(t) })
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
