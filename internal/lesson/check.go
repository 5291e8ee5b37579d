package lesson

import (
	"fmt"
	"maps"
	"strings"
)

// Check is a comparison of what happened with what a claim says. Make one with a function of this file.
type Check struct {
	OK bool
	// Detail is the evidence, in numbers or ids, the same in every language.
	Detail string
}

// Equal checks for exactly one number.
func Equal(got, want int) Check {
	if got == want {
		return Check{OK: true, Detail: fmt.Sprint(got)}
	}
	return Check{Detail: fmt.Sprintf("%d ≠ %d", got, want)}
}

// AtLeast checks for a number that is not smaller. It is for negative controls: "really loses".
func AtLeast(got, least int) Check {
	if got >= least {
		return Check{OK: true, Detail: fmt.Sprint(got)}
	}
	return Check{Detail: fmt.Sprintf("%d < %d", got, least)}
}

// Less checks for a number that is smaller than another one.
func Less(got, than int) Check {
	if got < than {
		return Check{OK: true, Detail: fmt.Sprintf("%d < %d", got, than)}
	}
	return Check{Detail: fmt.Sprintf("%d ≥ %d", got, than)}
}

// SameRecords checks for the same ids, each as often, in any order.
func SameRecords(got, want Records) Check {
	missing, extra := got.difference(want)
	if len(missing)+len(extra) == 0 {
		return Check{OK: true, Detail: got.brief()}
	}
	var differ []string
	if len(missing) > 0 {
		differ = append(differ, "missing "+strings.Join(missing, " "))
	}
	if len(extra) > 0 {
		differ = append(differ, "extra "+strings.Join(extra, " "))
	}
	return Check{Detail: fmt.Sprintf("%s ≠ %s: %s", got.brief(), want.brief(), strings.Join(differ, ", "))}
}

// SameOffsets checks for the same offset in each partition; -1 stands for none, as in [Run.Committed].
func SameOffsets(got, want map[int32]int64) Check {
	if maps.Equal(got, want) {
		return Check{OK: true, Detail: committed(got)}
	}
	return Check{Detail: committed(got) + " ≠ " + committed(want)}
}
