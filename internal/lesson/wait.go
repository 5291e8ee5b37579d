package lesson

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/problem"
)

// WaitCommitted waits until the group's committed offset of a partition is at least this.
func (r *Run) WaitCommitted(group, topic string, partition int32, offset int64) {
	var now int64
	r.waitForPrograms(Text{EN: "for group %s to commit offset %d", KO: "%s 그룹이 오프셋 %d을(를) 커밋하기를"}.With(group, offset), func() (bool, string) {
		r.mu.Unlock() // asking the broker takes a while
		defer r.mu.Lock()
		now = r.Committed(group, topic)[partition]
		return now >= offset, fmt.Sprintf("p%d: %d/%d", partition, now, offset)
	})
}

// WaitCommittedAll waits until the group has committed at least these offsets of a topic.
func (r *Run) WaitCommittedAll(group, topic string, offsets map[int32]int64) {
	for partition, offset := range offsets {
		r.WaitCommitted(group, topic, partition, offset)
	}
}

// WaitCommittedToEnd waits until the group has committed the end of every partition of a topic.
func (r *Run) WaitCommittedToEnd(group, topic string) {
	r.WaitCommittedAll(group, topic, r.endOffsets(topic))
}

// WaitStored waits until consumers can read this many records of a topic. What is acknowledged with acks=all is there at
// once; everything else is a little later, when the followers have it too.
func (r *Run) WaitStored(topic string, records int) {
	r.waitForPrograms(Text{EN: "for %s to hold %d records", KO: "%s 토픽에 레코드 %d개가 저장되기를"}.With(topic, records), func() (bool, string) {
		r.mu.Unlock() // asking the broker takes a while
		defer r.mu.Lock()
		now := r.Stored(topic)
		return now >= records, fmt.Sprintf("%d/%d", now, records)
	})
}

// WaitHandled waits until so many different records have been handled.
func (r *Run) WaitHandled(records int) {
	r.waitForPrograms(Text{EN: "for %d records to be handled", KO: "레코드 %d개가 처리되기를"}.With(records), func() (bool, string) {
		n := r.handled.Distinct()
		return n >= records, fmt.Sprint(n)
	})
}

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

// WaitOwners waits until members, by their client ids, own so many partitions, each partition has one owner, and there
// are no others. It returns the owners of that moment.
func (r *Run) WaitOwners(partitions map[string]int) Owners {
	all := 0
	var want []string
	members := slices.Sorted(maps.Keys(partitions))
	for _, m := range members {
		all += partitions[m]
		want = append(want, fmt.Sprintf("%s: %d", m, partitions[m]))
	}
	what := Text{EN: "for the partitions to be shared out (%s)", KO: "파티션이 나뉘기를 (%s)"}.With(strings.Join(want, ", "))
	var owners Owners
	r.waitForPrograms(what, func() (bool, string) {
		now, settled := r.timeline.Owners()
		owners = now
		ok := settled && len(now) == all
		var has []string
		for _, m := range members {
			has = append(has, fmt.Sprintf("%s: %d", m, now.Of(m)))
			ok = ok && now.Of(m) == partitions[m]
		}
		return ok, strings.Join(has, ", ")
	})
	return owners
}

// waitForPrograms is waitFor, and ends the run if a program fails meanwhile.
func (r *Run) waitForPrograms(what Text, condition func() (ok bool, state string)) {
	var failed *Process
	r.waitFor(what, func() (bool, string) {
		for _, p := range r.processes {
			if p.exit != nil && !p.crashes {
				failed = p
			}
		}
		ok, state := condition()
		return ok || failed != nil, state
	})
	if failed != nil {
		r.Must(failed.verdict())
	}
}

const (
	// defaultTimeout is how long a step may wait for one thing.
	defaultTimeout = 60 * time.Second
	// patience is how long a wait may be before the person at the terminal is told about it.
	patience = 2 * time.Second
)

// waitFor waits until a condition holds, which is looked at under mu whenever a program reports something and now and
// then. The condition also tells how far it is, for the error when it takes too long.
func (r *Run) waitFor(what Text, condition func() (ok bool, state string)) {
	timeout := r.opts.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	tell := time.NewTicker(patience)
	defer tell.Stop()
	state := ""
	check := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		var ok bool
		ok, state = condition()
		return ok
	}
	for !check() {
		select {
		case <-r.wakeUp:
		case <-look.C:
		case <-tell.C:
			r.emit(event.Event{Type: event.Waiting, Text: &what, Detail: state})
		case <-r.ctx.Done():
			r.Must(r.ctx.Err())
		case <-deadline.C:
			r.Must(r.tooLong(what, state, timeout))
		}
	}
}

func (r *Run) tooLong(what Text, state string, timeout time.Duration) error {
	r.mu.Lock()
	var running []string
	for _, p := range r.processes {
		if !p.exited {
			running = append(running, p.name)
		}
	}
	r.mu.Unlock()
	cause := fmt.Errorf("state: %q, programs running: %q", state, running)
	return &problem.Problem{
		What:  Text{EN: "waited %[1]s in vain %[2]s", KO: "%[2]s %[1]s 동안 기다렸지만 그렇게 되지 않았습니다"}.With(timeout, what),
		Cause: cause,
		Solve: []Text{
			{EN: "on a very busy computer give it more time: --timeout 5m", KO: "컴퓨터가 매우 바쁘면 시간을 더 주세요: --timeout 5m"},
			{EN: "look at all that the programs said: --full", KO: "프로그램이 출력한 내용을 모두 보세요: --full"},
		},
	}
}

// changed wakes waitFor up.
func (r *Run) changed() {
	select {
	case r.wakeUp <- struct{}{}:
	default: // it has not looked since the last change
	}
}
