package await_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kafkahandson/internal/await"
)

var errNotYet = errors.New("not yet")

func TestUntil(t *testing.T) {
	calls := 0
	if err := await.Until(t.Context(), func(context.Context) error {
		if calls++; calls < 3 {
			return errNotYet
		}
		return nil
	}); err != nil || calls != 3 {
		t.Errorf("after %d calls: %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := await.Until(ctx, func(context.Context) error {
		cancel()
		return errNotYet
	})
	if !errors.Is(err, errNotYet) || !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

// failing is a test that ends, and whose end can be seen.
type failing struct {
	testing.TB
	ended bool
}

type end struct{}

func (f *failing) Fatal(...any)          { f.ended = true; panic(end{}) }
func (f *failing) Fatalf(string, ...any) { f.Fatal() }

// What is awaited in vain ends the test, after its patience and not before.
func TestInVain(t *testing.T) {
	for name, tc := range map[string]struct {
		wait  func(t testing.TB)
		after time.Duration
	}{
		"an error": {func(t testing.TB) { await.NoError(t, func() error { return errNotYet }) }, await.Patience},
		"an error, with patience of its own": {func(t testing.TB) {
			await.NoErrorWithin(context.Background(), t, time.Hour, func(context.Context) error { return errNotYet })
		}, time.Hour},
		"a condition": {func(t testing.TB) { await.True(t, "", func() bool { return false }) }, await.Patience},
		"a value":     {func(t testing.TB) { await.Value(t, "", make(chan int)) }, await.Patience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, start := &failing{TB: t}, time.Now()
				func() {
					defer func() {
						if r := recover(); r != nil && r != any(end{}) {
							panic(r)
						}
					}()
					tc.wait(f)
				}()
				if took := time.Since(start); !f.ended || took != tc.after {
					t.Errorf("it has ended: %t, after %v", f.ended, took)
				}
			})
		})
	}
}

func TestNotInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, values := time.Now(), make(chan int)
		time.AfterFunc(2*time.Second, func() { values <- 7 })
		await.NoError(t, func() error {
			if time.Since(start) < time.Second {
				return errNotYet
			}
			return nil
		})
		if v := await.Value(t, "seven", values); v != 7 {
			t.Errorf("got %d", v)
		}
		close(values)
		if v := await.Value(t, "the end", values); v != 0 {
			t.Errorf("got %d of a closed channel", v)
		}
		await.True(t, "what is true", func() bool { return true })
	})
}
