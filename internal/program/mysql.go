package program

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"kafkahandson/internal/mysql"
	"kafkahandson/internal/stack"
)

// WithMySQL finds or starts a MySQL ([stack.OpenMySQL]), where Kafka comes from if possible, creates the tables of the
// models, calls do, and disconnects.
func (p *Program) WithMySQL(ctx context.Context, models []any, do func(*gorm.DB) error) (err error) {
	m, err := stack.OpenMySQL(ctx, p.stack, p.Print)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()
	p.leaving.uses(m.Close)
	defer p.leaving.uses(nil)
	p.announce(m.Announce())
	if err := mysql.Migrate(ctx, m.DB, models...); err != nil {
		return err
	}
	return do(m.DB)
}
