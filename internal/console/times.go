package console

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// parseDatetime reads a time as kafka-consumer-groups does: without a zone it is UTC.
func parseDatetime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", s) // takes fractions of seconds too
	}
	return t, err
}

// parseDuration reads a duration as kafka-consumer-groups does (the ISO-8601 durations that java.time.Duration knows:
// P1DT2H, PT1H30M, PT0.5S; a day is 24 hours), or as Go does (1h30m). A negative one is an error.
func parseDuration(s string) (time.Duration, error) {
	iso := regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)
	parts := iso.FindStringSubmatch(strings.ToUpper(strings.ReplaceAll(s, ",", ".")))
	if parts == nil {
		d, err := time.ParseDuration(s)
		if err == nil && d < 0 {
			err = fmt.Errorf("%q is negative", s)
		}
		return d, err
	}
	var total time.Duration
	given := false
	for i, unit := range []struct {
		name  string
		times time.Duration
	}{{"h", 24}, {"h", 1}, {"m", 1}, {"s", 1}} {
		if parts[i+1] == "" {
			continue
		}
		given = true
		d, err := time.ParseDuration(parts[i+1] + unit.name)
		if err != nil {
			return 0, err
		}
		if d > (math.MaxInt64-total)/unit.times {
			return 0, fmt.Errorf("%q is too long", s)
		}
		total += d * unit.times
	}
	if !given || strings.HasSuffix(s, "T") {
		return 0, fmt.Errorf("%q is not an ISO-8601 duration", s)
	}
	return total, nil
}
