// Package await lets a test wait for a condition, however slow the computer is.
package await

import (
	"context"
	"testing"
	"time"
)

// patience is how long a condition may take. It is no expectation: it only ends a test that waits in vain.
const patience = 30 * time.Second

// NoError calls condition until it returns nil. After 30 s, or at the end of the test's context, it fails the test with
// the last error.
func NoError(t testing.TB, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}
