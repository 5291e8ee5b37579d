package mysql

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"
)

// RetryDeadlock runs fn in a transaction, and again in a new one as long as it ends in a deadlock ([IsDeadlock]): the
// server has then undone all of it. It pauses 5 ms at first, up to 100 ms, with jitter, so that the same two
// transactions do not meet again, and gives up with the last deadlock after 20 runs. Any other error is returned as
// it is, after a rollback.
//
// fn may run several times: do nothing in it that a rollback does not undo, such as sending to Kafka.
func RetryDeadlock(ctx context.Context, db *gorm.DB, fn func(tx *gorm.DB) error) error {
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval, intervals.MaxInterval = 5*time.Millisecond, 100*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := db.WithContext(ctx).Transaction(fn)
		if err != nil && !IsDeadlock(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(intervals), backoff.WithMaxTries(20), backoff.WithMaxElapsedTime(0))
	return err
}
