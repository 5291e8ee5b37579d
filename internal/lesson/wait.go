package lesson

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

// Wait is something that a lesson waits for.
type Wait struct {
	// For says what it is, so that it fits after "waiting": "for the partitions to be shared out".
	For Text
	// Until tells whether it has happened, and how far it is, in numbers or ids. It is asked whenever a program reports
	// something, and every 50 ms; no lock is held meanwhile, so that it may ask the broker, the database, a server.
	Until func() (happened bool, state string)
	// Of is the program that brings it about, if one does: once that has ended, it cannot happen any more.
	Of *Process
	// NeedsRecords says that only records which Of has yet to read can bring it about: once it has read everything, it
	// cannot happen any more.
	NeedsRecords bool
	// Limit is how long to wait. Default: Options.Timeout
	Limit time.Duration
	// Hint tells a person where to look if it does not happen.
	Hint Text
}

// WaitEnd is how a wait ended in vain.
type WaitEnd string

const (
	TimedOut WaitEnd = "timed out" // the limit is over
	Ended    WaitEnd = "ended"     // the program has ended
	CaughtUp WaitEnd = "caught up" // the program has read everything
)

// WaitError is the error of a wait in vain. The [*problem.Problem] around it tells a person what was waited for.
type WaitError struct {
	For     Text
	End     WaitEnd
	Program string // whose it was to bring it about; "" if it was no single one's
	State   string // how far it was
	// Running are the programs that ran then, if the limit was over.
	Running []string
	Err     error // of a program that has ended
}

func (e *WaitError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Program, e.End, e.State))
}

// Text is what the problem around the error has not said yet.
func (e *WaitError) Text() Text {
	var parts []Text
	if e.State != "" {
		parts = append(parts, Text{EN: "it was at %s", KO: "진행 상황은 %s"}.With(e.State))
	}
	if len(e.Running) > 0 {
		parts = append(parts, Text{EN: "still running: %s", KO: "아직 실행 중: %s"}.With(strings.Join(e.Running, ", ")))
	}
	return i18n.Join(parts, "; ")
}

func (e *WaitError) Unwrap() error { return e.Err }

const (
	// defaultTimeout is how long a step may wait for one thing.
	defaultTimeout = 60 * time.Second
	// patience is how long a wait may be before the person at the terminal is told about it.
	patience = 2 * time.Second
	// stillness is how long a program that has read everything must have been silent before the lesson believes that it
	// is done: one that marks first and works then may be at work.
	stillness = 5 * time.Second
	// lookAgain is how often a condition is asked when no program reports anything.
	lookAgain = 50 * time.Millisecond
)

// Wait waits for something to happen. It ends the run, with a [*WaitError] in the chain, when that takes too long, when
// the program that should bring it about cannot do so any more, and when any program fails.
func (r *Run) Wait(w Wait) {
	w.Limit = cmp.Or(w.Limit, r.opts.Timeout, defaultTimeout)
	deadline := time.NewTimer(w.Limit)
	defer deadline.Stop()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	tell := time.NewTicker(patience)
	defer tell.Stop()
	for {
		// Before the question: whatever brought it about has happened by then.
		failed := r.failed(w.Of)
		ended := w.Of != nil && w.Of.ended()
		r.Must(r.fault()) // now, and not before: what is wrong with one that has ended is known
		caughtUp := w.Of != nil && w.NeedsRecords && w.Of.caughtUp()
		happened, state := w.Until()
		switch {
		case happened:
			return
		case failed != nil:
			r.Must(failed.verdict())
		case ended:
			r.Must(r.inVain(w, Ended, state))
		case caughtUp:
			r.Must(r.inVain(w, CaughtUp, state))
		}
		select {
		case <-r.wakeUp:
		case <-look.C:
		case <-tell.C:
			waiting := Text{EN: "waiting %s", KO: "%s 기다리는 중"}.With(w.For)
			r.emit(event.Event{Type: event.Waiting, Text: &waiting, State: event.Visible(state)})
		case <-r.ctx.Done():
			r.Must(r.ctx.Err())
		case <-deadline.C:
			r.Must(r.inVain(w, TimedOut, state))
		}
	}
}

// inVain is the error of a wait that ended so.
func (r *Run) inVain(w Wait, end WaitEnd, state string) error {
	cause := &WaitError{For: w.For, End: end, State: state}
	p := &problem.Problem{Cause: cause}
	if w.Of != nil {
		cause.Program = w.Of.name
	}
	switch end {
	case Ended:
		cause.Err = w.Of.child.Err()
		p.What = Text{EN: "the lesson waited %[3]s, but %[1]s ended with %[2]s%[4]s", KO: "%[3]s 기다렸지만 %[1]s 프로세스가 먼저 끝났습니다(종료 상태 %[2]s)%[4]s"}.
			With(w.Of.name, w.Of.child.Status(), w.For, w.Of.tail())
	case CaughtUp:
		p.What = Text{EN: "the lesson waited %[2]s, but %[1]s has read everything, and it did not happen", KO: "%[2]s 기다렸지만, %[1]s 프로세스가 모두 읽었는데도 그렇게 되지 않았습니다"}.With(w.Of.name, w.For)
	case TimedOut:
		p.What = Text{EN: "waited %[1]s in vain %[2]s", KO: "%[2]s %[1]s 동안 기다렸지만 그렇게 되지 않았습니다"}.With(w.Limit, w.For)
		cause.Running = r.running()
		if w.Of != nil {
			p.What = Text{EN: "%s%s", KO: "%s%s"}.With(p.What, w.Of.tail())
		}
	}
	if broke := end == Ended && cause.Err != nil; !w.Hint.IsZero() && !broke { // what it said last tells more
		p.Solve = append(p.Solve, w.Hint)
	}
	if end == TimedOut {
		p.Solve = append(p.Solve, Text{EN: "on a very busy computer give it more time: --timeout 5m", KO: "컴퓨터가 매우 바쁘면 시간을 더 주세요: --timeout 5m"})
	}
	p.Solve = append(p.Solve, Text{EN: "look at all that the programs said: --full", KO: "프로그램이 출력한 내용을 모두 보세요: --full"})
	return p
}

// fault is the error of the first program that has one.
func (r *Run) fault() error {
	r.mu.Lock()
	processes := slices.Clone(r.processes)
	r.mu.Unlock()
	for _, p := range processes {
		if err := p.faultError(); err != nil {
			return err
		}
	}
	return nil
}

// failed is a program other than this one that has ended as it should not; nil if none has.
func (r *Run) failed(but *Process) *Process {
	r.mu.Lock()
	processes := slices.Clone(r.processes)
	r.mu.Unlock()
	for _, p := range processes {
		if p != but && p.child.Gone() && p.verdict() != nil {
			return p
		}
	}
	return nil
}

// running are the names of the programs that run.
func (r *Run) running() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var running []string
	for _, p := range r.processes {
		if !p.child.Gone() {
			running = append(running, p.name)
		}
	}
	return running
}

// changed wakes Wait up.
func (r *Run) changed() {
	select {
	case r.wakeUp <- struct{}{}:
	default: // it has not looked since the last change
	}
}

// WaitCommitted waits until the group's committed offset of a partition is at least this.
func (r *Run) WaitCommitted(group, topic string, partition int32, offset int64) {
	r.Wait(Wait{
		For: Text{EN: "for group %s to commit offset %d", KO: "%s 그룹이 오프셋 %d을(를) 커밋하기를"}.With(group, offset),
		Until: func() (bool, string) {
			now := r.Committed(group, topic).At[partition]
			return now >= offset, fmt.Sprintf("p%d: %d/%d", partition, now, offset)
		},
	})
}

// WaitCommittedAll waits until the group has committed at least these offsets.
func (r *Run) WaitCommittedAll(group string, offsets Offsets) {
	for partition, offset := range offsets.At {
		r.WaitCommitted(group, offsets.Topic, partition, offset)
	}
}

// WaitCommittedToEnd waits until the group has committed the end of every partition of a topic.
func (r *Run) WaitCommittedToEnd(group, topic string) { r.WaitCommittedAll(group, r.ends(topic)) }

// WaitStored waits until consumers can read this many records of a topic. What is acknowledged with acks=all is there at
// once; everything else is a little later, when the followers have it too.
func (r *Run) WaitStored(topic string, records int) {
	r.Wait(Wait{
		For: Text{EN: "for %s to hold %d records", KO: "%s 토픽에 레코드 %d개가 저장되기를"}.With(topic, records),
		Until: func() (bool, string) {
			now := r.Stored(topic)
			return now >= records, fmt.Sprintf("%d/%d", now, records)
		},
	})
}

// WaitCaughtUp waits until the members of the timeline's group, which own all partitions of its topic, have handled it up
// to its end. A record that they skip on their way is lost, and does not hold it up. Nobody may produce meanwhile.
func (r *Run) WaitCaughtUp(group, topic string) {
	ends, committed := r.ends(topic), r.Committed(group, topic)
	r.Wait(Wait{
		For: Text{EN: "for group %s to catch up", KO: "%s 그룹이 따라잡기를"}.With(group),
		Until: func() (bool, string) {
			r.mu.Lock()
			reached := r.timeline.Reached(group, topic)
			r.mu.Unlock()
			var open []string
			for _, p := range slices.Sorted(maps.Keys(ends.At)) {
				// Where the end is committed, the owner may have had nothing left to handle.
				if next := max(reached[p], committed.At[p]); next < ends.At[p] {
					open = append(open, fmt.Sprintf("p%d: %d/%d", p, max(next, 0), ends.At[p]))
				}
			}
			return len(open) == 0, strings.Join(open, " ")
		},
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
	var owners Owners
	r.Wait(Wait{
		For: Text{EN: "for the partitions to be shared out (%s)", KO: "파티션이 나뉘기를 (%s)"}.With(strings.Join(want, ", ")),
		Until: func() (bool, string) {
			r.mu.Lock()
			now, settled := r.timeline.Owners()
			r.mu.Unlock()
			owners = now
			ok := settled && len(now) == all
			var has []string
			for _, m := range members {
				has = append(has, fmt.Sprintf("%s: %d", m, now.Of(m)))
				ok = ok && now.Of(m) == partitions[m]
			}
			return ok, strings.Join(has, ", ")
		},
	})
	return owners
}

// Wait waits for the end of the program: exit code 0, or the crash that CrashAt asked for.
func (p *Process) Wait() {
	w := Wait{
		For:   Text{EN: "for %s to end", KO: "%s 프로세스가 끝나기를"}.With(p.name),
		Until: func() (bool, string) { return p.ended(), "" },
	}
	if p.point != "" {
		w = p.waitForPoint(Text{EN: "for %s to crash at its crash point %s", KO: "%s 프로세스가 크래시 지점 %s에서 죽기를"})
		w.Until = func() (bool, string) { return p.child.Killed(), "" }
	}
	p.run.Wait(w)
	p.run.Must(p.verdict())
	if p.child.Killed() {
		p.forgetMember()
	}
}

// WaitHeld waits until the program waits at the crash point of HoldAt.
func (p *Process) WaitHeld() {
	w := p.waitForPoint(Text{EN: "for %s to reach its crash point %s", KO: "%s 프로세스가 크래시 지점 %s에 도달하기를"})
	w.Until = func() (bool, string) { return p.isHeld(), "" }
	p.run.Wait(w)
}

// waitForPoint is a wait for a crash point.
func (p *Process) waitForPoint(what Text) Wait {
	return Wait{
		For: what.With(p.name, p.point), Of: p, NeedsRecords: true,
		Hint: Text{
			EN: "look whether %[2]s still calls CrashPoint(%[1]q), once for each record, and does not get stuck before it",
			KO: "%[2]s에서 CrashPoint(%[1]q)를 여전히 레코드마다 한 번씩 호출하는지, 그 앞에서 멈춰 있지는 않은지 확인하세요",
		}.With(p.point, p.source),
	}
}

// WaitCaughtUp waits until the consumer has handled the topic up to its end. Records that the group has committed
// before count as handled.
func (p *Process) WaitCaughtUp(topic, group string) {
	r := p.run
	committed := r.Committed(group, topic)
	for {
		ends := r.ends(topic)
		r.Wait(Wait{
			For: Text{EN: "for %s to catch up with %s", KO: "%[1]s 프로세스가 %[2]s 토픽을 따라잡기를"}.With(p.name, topic),
			Of:  p, NeedsRecords: true,
			Until: func() (bool, string) {
				next := p.next(topic, group)
				var open []string
				for _, partition := range slices.Sorted(maps.Keys(ends.At)) {
					if at := max(next[partition], committed.At[partition], 0); at < ends.At[partition] {
						open = append(open, fmt.Sprintf("p%d: %d/%d", partition, at, ends.At[partition]))
					}
				}
				// A program that has not said anything yet might not be ready to be stopped.
				return len(open) == 0 && p.hasReported(), strings.Join(open, " ")
			},
			Hint: Text{
				EN: "look whether %s still calls Handled for each record, with the record as it came: the last ones were not reported",
				KO: "%s에서 받은 레코드를 그대로 넘겨 레코드마다 Handled를 호출하는지 확인하세요. 마지막 레코드들의 보고가 오지 않았습니다",
			}.With(p.source),
		})
		if later := r.ends(topic); maps.Equal(later.At, ends.At) {
			return
		}
	}
}

// WaitHandled waits until the program has handled records with the ids of these.
func (p *Process) WaitHandled(records Records) {
	p.run.Wait(Wait{
		For: Text{EN: "for %s to handle %d records", KO: "%s 프로세스가 레코드 %d개를 처리하기를"}.With(p.name, len(records)),
		Of:  p, NeedsRecords: true,
		Until: func() (bool, string) {
			missing := records.NotIn(p.Handled())
			return len(missing) == 0, fmt.Sprintf("%d/%d", len(records)-len(missing), len(records))
		},
	})
}

// WaitLine waits until the program has printed a line that begins so: for a command that reports nothing.
func (p *Process) WaitLine(prefix string) {
	p.run.Wait(Wait{
		For: Text{EN: "for %s to print %q", KO: "%s 프로세스가 %q을(를) 출력하기를"}.With(p.name, prefix),
		Of:  p,
		Until: func() (bool, string) {
			return slices.ContainsFunc(p.Lines(), func(line string) bool { return strings.HasPrefix(line, prefix) }), ""
		},
	})
}

// WaitFailed waits for the end of a program that is expected to fail. It returns the exit code, and what the program
// wrote last, a few lines of it.
func (p *Process) WaitFailed() (exitCode int, last []string) {
	p.letFail()
	p.run.Wait(Wait{
		For:   Text{EN: "for %s to end", KO: "%s 프로세스가 끝나기를"}.With(p.name),
		Until: func() (bool, string) { return p.ended(), "" },
	})
	return p.child.ExitCode(), p.Lines()
}

// caughtUp tells whether the program is a consumer that has said, for all of its groups, that it has read everything, and
// nothing has happened to it or come to its partitions for a while. It asks the broker. While other programs run it is not
// certain: they may send something, or leave a partition to this one.
func (p *Process) caughtUp() bool {
	if len(p.run.running()) > 1 {
		return false
	}
	var all []map[string]map[int32]int64
	p.run.mu.Lock()
	still := time.Since(p.heard) >= stillness
	for group := range p.members {
		all = append(all, p.idle[group])
	}
	p.run.mu.Unlock()
	for _, ends := range all {
		if len(ends) == 0 || p.run.moreThan(ends) {
			return false
		}
	}
	return still && len(all) > 0
}

// moreThan tells whether partitions have more records than up to these ends, or that it is not known.
func (r *Run) moreThan(ends map[string]map[int32]int64) bool {
	for topic, at := range ends {
		now, err := r.admin.DescribeTopic(r.ctx, topic)
		if err != nil {
			return true
		}
		for _, partition := range now.Partitions { // one of somebody else may become this member's
			if end, ok := at[partition.ID]; !ok || end < partition.End {
				return true
			}
		}
	}
	return false
}

// readEverything is up to where a program has read that is idle for such a reason; nil if it may have more to read.
func readEverything(s *event.Silence) map[string]map[int32]int64 {
	switch kafka.IdleReason(s.Reason) {
	case kafka.IdleCaughtUp, kafka.IdleAtNewest:
		return s.Ends
	}
	return nil
}
