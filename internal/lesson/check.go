package lesson

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Check is a comparison of what happened with what a claim says. Make one with a function of this file.
type Check struct {
	OK bool
	// Evidence is in numbers or ids, the same in every language.
	Evidence string
}

// Equal checks for exactly one number.
func Equal(got, want int) Check {
	if got == want {
		return Check{OK: true, Evidence: fmt.Sprint(got)}
	}
	return Check{Evidence: fmt.Sprintf("%d ≠ %d", got, want)}
}

// Less checks for a number that is smaller than another one.
func Less(got, than int) Check {
	if got < than {
		return Check{OK: true, Evidence: fmt.Sprintf("%d < %d", got, than)}
	}
	return Check{Evidence: fmt.Sprintf("%d ≥ %d", got, than)}
}

// SameRecords checks for the same records, each as often, in any order: topic and id tell which they are.
func SameRecords(got, want Records) Check {
	missing, extra := got.difference(want)
	name := shortNames(got, want)
	if len(missing)+len(extra) == 0 {
		return Check{OK: true, Evidence: got.brief(name)}
	}
	var differ []string
	if len(missing) > 0 {
		differ = append(differ, "missing "+strings.Join(missing, " "))
	}
	if len(extra) > 0 {
		differ = append(differ, "extra "+strings.Join(extra, " "))
	}
	return Check{Evidence: fmt.Sprintf("%s ≠ %s: %s", got.brief(name), want.brief(name), strings.Join(differ, ", "))}
}

// SameOffsets checks for the same offset in each partition of the same topic; -1 stands for none.
func SameOffsets(got, want Offsets) Check {
	if got.Topic == want.Topic && maps.Equal(got.At, want.At) {
		return Check{OK: true, Evidence: got.String()}
	}
	if got.Topic != want.Topic {
		return Check{Evidence: fmt.Sprintf("%s %s ≠ %s %s", got.Topic, got, want.Topic, want)}
	}
	return Check{Evidence: fmt.Sprintf("%s ≠ %s", got, want)}
}

// String shows the offsets: p0=12 p1=–.
func (o Offsets) String() string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(o.At)) {
		parts = append(parts, offsetOf(p, o.At[p]))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, " ")
}

func offsetOf(partition int32, offset int64) string {
	if offset < 0 {
		return fmt.Sprintf("p%d=–", partition)
	}
	return fmt.Sprintf("p%d=%d", partition, offset)
}
