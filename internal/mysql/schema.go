package mysql

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gorm.io/gorm"
)

// migrateLock is the name of the server-wide lock that keeps concurrent migrations apart.
const migrateLock = "kafkahandson.migrate"

// Migrate creates the models' tables and adds what they lack (gorm's AutoMigrate: nothing is dropped). Programs that
// start at the same time may all call it: they take turns under a lock of the server's, GET_LOCK, because gorm looks
// first and creates then. It waits for its turn 30 s at most.
func Migrate(ctx context.Context, db *gorm.DB, models ...any) error {
	return db.WithContext(ctx).Connection(func(conn *gorm.DB) error { // the lock belongs to one connection
		var got *int
		if err := conn.Raw("SELECT GET_LOCK(?, 30)", migrateLock).Scan(&got).Error; err != nil {
			return fmt.Errorf("wait for other migrations: %w", err)
		}
		if got == nil || *got != 1 {
			return fmt.Errorf("wait for other migrations: lock %s not free within 30 s", migrateLock)
		}
		// Also when ctx has ended: the connection goes back to the pool, and must not take the lock along.
		defer conn.WithContext(context.WithoutCancel(ctx)).Exec("DO RELEASE_LOCK(?)", migrateLock)

		if err := conn.AutoMigrate(models...); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return nil
	})
}

// ScopedPrefix begins the name of every database that belongs to one run. The course's user may create and drop these,
// and no others.
const ScopedPrefix = DefaultDatabase + "_"

var scopedName = regexp.MustCompile(`^` + ScopedPrefix + `[A-Za-z0-9_]{1,50}$`)

// CreateDatabase creates the database of one run, if there is none; its name begins with [ScopedPrefix] and has no
// other characters than ASCII letters, digits and _. Open it with [Config.WithDatabase].
func CreateDatabase(ctx context.Context, db *gorm.DB, name string) error {
	return onScoped(ctx, db, "CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4", name)
}

// DropDatabase removes the database of one run with all its tables. It is no error if there is none.
func DropDatabase(ctx context.Context, db *gorm.DB, name string) error {
	return onScoped(ctx, db, "DROP DATABASE IF EXISTS `%s`", name)
}

func onScoped(ctx context.Context, db *gorm.DB, statement, name string) error {
	verb, _, _ := strings.Cut(statement, " ")
	if !scopedName.MatchString(name) { // a name cannot be a parameter of a statement
		return fmt.Errorf("%s DATABASE: %q is not %s followed by letters, digits or _", verb, name, ScopedPrefix)
	}
	if err := db.WithContext(ctx).Exec(fmt.Sprintf(statement, name)).Error; err != nil {
		return fmt.Errorf("%s DATABASE %s: %w", verb, name, err)
	}
	return nil
}
