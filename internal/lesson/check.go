package lesson

import (
	"fmt"

	"kafkahandson/internal/event/records"
)

// Record is a record as a program reported it, or as it was read back.
type Record = records.Record

// Records are records, in the order of the reports. Two of them are the same if topic and id are.
type Records = records.List

// Offsets are offsets of the partitions of one topic: committed ones, or ends. -1 stands for none.
type Offsets = records.Offsets

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
	same, evidence := got.Compare(want)
	return Check{OK: same, Evidence: evidence}
}

// SameOffsets checks for the same offset in each partition of the same topic; -1 stands for none.
func SameOffsets(got, want Offsets) Check {
	same, evidence := got.Compare(want)
	return Check{OK: same, Evidence: evidence}
}
