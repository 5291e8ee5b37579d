package lesson

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// WaitCaughtUp waits until the members of a group, which own all partitions of the timeline's topic, have handled it up
// to its end. A record that they skip on their way is lost, and does not hold it up. Nobody may produce meanwhile.
func (r *Run) WaitCaughtUp(group, topic string) {
	ends, committed := r.endOffsets(topic), r.Committed(group, topic)
	r.waitForPrograms(Text{EN: "for group %s to catch up", KO: "%s 그룹이 따라잡기를"}.With(group), func() (bool, string) {
		reached := r.timeline.reached()
		var open []string
		for _, p := range slices.Sorted(maps.Keys(ends)) {
			// Where the end is committed, the owner may have had nothing left to handle.
			if next := max(reached[p], committed[p]); next < ends[p] {
				open = append(open, fmt.Sprintf("p%d: %d/%d", p, max(next, 0), ends[p]))
			}
		}
		return len(open) == 0, strings.Join(open, " ")
	})
}
