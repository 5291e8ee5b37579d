package lesson

import (
	"fmt"
	"slices"
	"syscall"

	"kafkahandson/internal/event"
)

// At returns the record with this offset in its partition.
func (rs Records) At(partition int32, offset int64) Records {
	return rs.filter(func(r event.Record) bool { return r.Partition == partition && r.Offset == offset })
}

// First returns the first n records, fewer if there are no more.
func (rs Records) First(n int) Records { return slices.Clone(rs[:min(n, len(rs))]) }

// Repeated returns the records whose ids have come before, in the order of their repetition.
func (rs Records) Repeated() Records {
	seen := map[string]bool{}
	return rs.filter(func(r event.Record) bool {
		again := seen[r.ID]
		seen[r.ID] = true
		return again
	})
}

// Reported is how often the program has reported something of this type.
func (p *Process) Reported(t event.Type) int {
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.reported[t]
}

// WaitReading waits until a consumer knows where it begins to read: what is sent from now on cannot come before that.
// It is for consumers of one partition.
func (p *Process) WaitReading() {
	p.waitAlive(Text{EN: "for %s to begin to read", KO: "%s 프로세스가 읽기 시작하기를"}.With(p.name), func() (bool, string) {
		return p.reported[event.Reading] > 0, ""
	})
}

// WaitHandled waits until the program has handled records with the ids of these.
func (p *Process) WaitHandled(records Records) {
	p.waitAlive(Text{EN: "for %s to handle %d records", KO: "%s 프로세스가 레코드 %d개를 처리하기를"}.With(p.name, len(records)), func() (bool, string) {
		missing := records.NotIn(p.handled)
		return len(missing) == 0, fmt.Sprintf("%d/%d", len(records)-len(missing), len(records))
	})
}

// waitAlive waits until a condition holds, and ends the run if the program ends before.
func (p *Process) waitAlive(what Text, condition func() (bool, string)) {
	held := false
	p.run.waitFor(what, func() (bool, string) {
		var state string
		held, state = condition()
		return held || p.exited, state
	})
	if !held {
		p.run.Must(p.endedEarly(what))
	}
}

// WaitFailed waits for the end of a program that is expected to fail. It returns the exit code, and what the program
// wrote last, a few lines of it.
func (p *Process) WaitFailed() (exitCode int, last []string) {
	p.run.waitFor(Text{EN: "for %s to end", KO: "%s 프로세스가 끝나기를"}.With(p.name), func() (bool, string) { return p.exited, "" })
	p.run.mu.Lock()
	defer p.run.mu.Unlock()
	return p.cmd.ProcessState.ExitCode(), slices.Clone(p.last)
}

// Freeze stops the program without ending it (SIGSTOP): a long pause of a garbage collector, a suspended virtual
// machine. A consumer loses its place in its group. Resume wakes the program up again.
func (p *Process) Freeze() {
	p.run.Must(p.signal(syscall.SIGSTOP))
	p.leaveGroup(Text{
		EN: "%s is frozen and sends no heartbeats; the lesson tells the group so. By itself the broker would notice after the session timeout (10 s)",
		KO: "%s 프로세스가 얼어붙어 하트비트를 보내지 못합니다. 레슨이 그룹에 바로 알려 줍니다. 브로커 혼자서는 세션 타임아웃(10초)이 지나야 알아챕니다",
	})
}

// Resume wakes up a program that is frozen, or that waits at the crash point of HoldAt (SIGCONT).
func (p *Process) Resume() { p.run.Must(p.signal(syscall.SIGCONT)) }
