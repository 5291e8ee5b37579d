package console

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"PT1H30M":    90 * time.Minute,
		"PT30M":      30 * time.Minute,
		"pt90s":      90 * time.Second,
		"PT0.5S":     500 * time.Millisecond,
		"PT0,5S":     500 * time.Millisecond,
		"P1D":        24 * time.Hour,
		"P3DT2H1M5S": 74*time.Hour + time.Minute + 5*time.Second,
		"PT0S":       0,
		"1h30m":      90 * time.Minute,
		"0s":         0,
	} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%q: %v (%v), want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "P", "PT", "P1DT", "P1W", "P1M", "1H", "PT1H30", "PT-1H", "-1h", "P110000D", "P300000D", "PT9999999999H", "soon"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
}
