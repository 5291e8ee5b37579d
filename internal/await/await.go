// Package await lets a test wait for a condition, however slow the computer is. All tests wait this way.
package await

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Patience is how long a condition may take. It is no expectation: it only ends a test that waits in vain. A cluster
// that is just up takes seconds over its first group and its first transaction.
const Patience = 60 * time.Second

// A condition that does not hold yet is left alone for a twentieth of the time that it has taken so far, within these
// limits: what comes soon is seen at once, and what takes long does not keep the computer busy.
const (
	minPause = 5 * time.Millisecond
	maxPause = 200 * time.Millisecond
)

// NoError calls condition until it returns nil. After [Patience], or at the end of the test's context, it ends the test
// with the last error.
func NoError(t testing.TB, condition func() error) {
	t.Helper()
	NoErrorWithin(t.Context(), t, Patience, func(context.Context) error { return condition() })
}

// NoErrorWithin is NoError with a patience of its own, and with a context, which the condition gets and which ends with
// the patience: for what takes minutes, and for the clean-up of a test, whose own context has ended.
func NoErrorWithin(ctx context.Context, t testing.TB, patience time.Duration, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := Until(ctx, condition); err != nil {
		t.Fatal(err)
	}
}

// True calls condition until it holds, as NoError does. what says what is awaited.
func True(t testing.TB, what string, condition func() bool) {
	t.Helper()
	NoError(t, func() error {
		if !condition() {
			return fmt.Errorf("waited in vain: %s", what)
		}
		return nil
	})
}

// Value returns the next value of a channel, or the zero value when it is closed. After [Patience], or at the end of the
// test's context, it ends the test. what says what is awaited.
func Value[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	select {
	case v := <-c:
		return v
	case <-ctx.Done():
		t.Fatalf("waited in vain: %s", what)
		panic("unreachable")
	}
}

// Until calls condition until it returns nil, or until the context ends: then it returns the last error. It is for what
// is no test itself, like a command of a script. Others have [NoError].
func Until(ctx context.Context, condition func(context.Context) error) error {
	start := time.Now()
	for {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(min(max(minPause, time.Since(start)/20), maxPause)):
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}
}
