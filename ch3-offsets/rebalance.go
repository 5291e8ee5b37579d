package ch3

import (
	"fmt"
	"maps"

	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson"
)

// Rebalance is ch3-rebalance.
func Rebalance() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-rebalance",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: byRange, Title: lesson.Text{EN: "everyone gives up everything, and shares are dealt anew", KO: "모두 다 내려놓고 처음부터 다시 나누기"}},
			{Name: sticky, Title: lesson.Text{EN: "everyone gives up everything, and gets its own back", KO: "모두 다 내려놓지만 자기 것을 되돌려 받기"}},
			{Name: cooperative, Title: lesson.Text{EN: "only what moves is given up", KO: "옮겨 갈 것만 내려놓기"}},
			{Name: static, Title: lesson.Text{EN: "a member with an instance id restarts, and nobody else notices", KO: "인스턴스 ID가 있는 멤버가 재시작해도 나머지는 알아채지 못함"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/rebalance"},
		Run:      rebalance,
	}
}

const (
	byRange     = "range"
	sticky      = "sticky"
	cooperative = "cooperative-sticky"
	static      = "static"
)

func rebalance(r *lesson.Run) {
	const partitions, each = 6, 80
	topic, group := r.Topic("my-json-topic", partitions), r.Group("test-consumer-group")
	account := r.Account(topic, group)

	// The members are to be at work whenever the group changes, also after a pause of --step: so each step sends.
	sent := 0
	send := func() {
		r.Program("ch3-offsets/producer", "-topic", topic, "-first", fmt.Sprint(sent+1), "-count", fmt.Sprint(each)).Run()
		sent += each
	}
	r.Step(lesson.Text{EN: "Send %d greetings to %d partitions", KO: "인사말 %d개를 파티션 %d개에 보냅니다"}.With(each, partitions))
	send()

	// A member's id begins with its client id or its instance id, and range deals in the order of the ids: A, B, C.
	start := func(member string) *lesson.Process {
		args := []string{"-client-id", member, "-strategy", r.Variant}
		if r.Variant == static {
			args = []string{"-client-id", member, "-instance-id", member, "-session-timeout", "30s"}
		}
		args = append(args, "-heartbeat", "100ms", "-work", "15ms", "-commit-every", "75", "-last-commit=false", "-quiet", "-topic", topic, "-group", group)
		return r.Program("ch3-offsets/rebalance", args...).Start()
	}

	r.Step(lesson.Text{
		EN: "A starts. It commits every 75 records, and not when a partition is taken away; its heartbeat is 100 ms, not 3 s, to save you the waiting",
		KO: "A가 시작합니다. 75개마다 커밋하고, 파티션을 빼앗길 때는 커밋하지 않습니다. 오래 기다리지 않도록 하트비트는 3초가 아니라 100 ms입니다",
	})
	a := start("A")
	one := r.WaitOwners(map[string]int{"A": 6})
	account.WaitHandled(sent - each/2)

	r.Step(lesson.Text{EN: "Send %d more; while A works on them, B joins", KO: "%d개를 더 보내고, A가 처리하는 동안 B가 들어옵니다"}.With(each))
	send()
	b := start("B")
	two := r.WaitOwners(map[string]int{"A": 3, "B": 3})
	account.WaitHandled(sent - each/2)

	describe := func() admin.GroupDescription {
		said, err := r.Admin().DescribeGroup(r.Context(), group)
		r.Must(err)
		return said
	}
	var last *lesson.Process
	var down admin.GroupDescription // while B is
	var end lesson.Owners
	if r.Variant == static {
		r.Step(lesson.Text{EN: "Send %d more; B is stopped and started again, as in a deployment", KO: "%d개를 더 보내고, 배포할 때처럼 B를 멈췄다가 다시 시작합니다"}.With(each))
		send()
		b.Stop()
		down = describe()
		last = start("B")
		end = r.WaitOwners(map[string]int{"A": 3, "B": 3})
	} else {
		r.Step(lesson.Text{EN: "Send %d more, and C joins", KO: "%d개를 더 보내고, C가 들어옵니다"}.With(each))
		send()
		last = start("C")
		end = r.WaitOwners(map[string]int{"A": 2, "B": 2, "C": 2})
	}
	said := describe()
	r.WaitCaughtUp(group, topic)
	timeline := r.ShowTimeline()
	r.StopAll(a, b, last)

	r.Claim("acknowledged", lesson.Text{EN: "the broker acknowledged all %d", KO: "브로커가 %d개를 모두 확인해 주었습니다"}.With(sent), lesson.Equal(len(account.Produced()), sent))
	r.Claim("nothing-lost", lesson.Text{EN: "nothing is lost", KO: "유실된 레코드가 없습니다"}, lesson.Equal(len(account.Lost()), 0))
	r.Claim("one-owner", lesson.Text{EN: "a partition never had two owners at a time", KO: "한 파티션의 소유자가 동시에 둘인 적은 없습니다"}, lesson.Equal(timeline.Overlaps(), 0))
	r.Claim("broker-agrees", lesson.Text{EN: "the broker names the same owners of all 6", KO: "브로커가 말하는 6개의 소유자도 같습니다"}, lesson.Equal(agreeing(said, topic, end), partitions))
	claimOwners(r, one, two, end)
	if r.Variant == static {
		r.Claim("still-a-member", lesson.Text{EN: "while B was down, the broker counted 2 members all the same", KO: "B가 꺼져 있는 동안에도 브로커는 멤버를 2개로 셉니다"}, lesson.Equal(len(down.Members), 2))
	}
	r.Compare("given-up", lesson.Text{EN: "given up", KO: "내려놓은 횟수"}, float64(timeline.Ended()), "")
	r.Compare("moved", lesson.Text{EN: "moved", KO: "소유자가 바뀐 수"}, float64(two.Moved(one)+end.Moved(two)), "")
	r.Compare("without-owner", lesson.Text{EN: "without an owner", KO: "소유자 없는 시간"}, float64(timeline.Unowned().Milliseconds()), "ms")
}

// claimOwners claims what became of the 6 partitions: one, two and end are their owners when A was alone, when B had
// joined, and after C had joined or B had come back.
func claimOwners(r *lesson.Run, one, two, end lesson.Owners) {
	switch r.Variant {
	case byRange, sticky:
		r.Claim("interrupted-by-b", lesson.Text{EN: "when B joins, A gives up all 6 and gets 3 back", KO: "B가 들어올 때 A는 6개를 모두 내려놓고 3개를 돌려받습니다"}, lesson.Equal(two.Interrupted(one), 6))
		r.Claim("interrupted-by-c", lesson.Text{EN: "when C joins, A and B give up all 6 again", KO: "C가 들어올 때 A와 B는 또 6개를 모두 내려놓습니다"}, lesson.Equal(end.Interrupted(two), 6))
		if r.Variant == byRange {
			r.Claim("moved-to-c", lesson.Text{EN: "C needs 2, but 3 have a new owner: one went from A to B", KO: "C에게는 2개면 되는데 3개의 소유자가 바뀌었습니다. 하나는 A에서 B로 갔습니다"}, lesson.Equal(end.Moved(two), 3))
		} else {
			r.Claim("moved-to-c", lesson.Text{EN: "the others came back to their owner: only C's 2 have a new one", KO: "나머지는 원래 소유자에게 돌아갔고, C의 2개만 소유자가 바뀌었습니다"}, lesson.Equal(end.Moved(two), 2))
		}
	case cooperative:
		r.Claim("interrupted-by-b", lesson.Text{EN: "when B joins, A gives up only the 3 that B gets", KO: "B가 들어올 때 A는 B가 받을 3개만 내려놓습니다"}, lesson.Equal(two.Interrupted(one), 3))
		r.Claim("interrupted-by-c", lesson.Text{EN: "when C joins, A and B give up only the 2 that C gets", KO: "C가 들어올 때 A와 B는 C가 받을 2개만 내려놓습니다"}, lesson.Equal(end.Interrupted(two), 2))
		r.Claim("kept-by-a", lesson.Text{EN: "A worked on 2 of them from beginning to end without a break", KO: "A는 그중 2개를 처음부터 끝까지 쉬지 않고 처리했습니다"}, lesson.Equal(len(end.Kept(one)), 2))
		r.Claim("kept-without-repetition", lesson.Text{EN: "and on these 2 no record came again", KO: "그리고 그 2개에서는 다시 온 레코드가 하나도 없습니다"}, lesson.Equal(once(r.Handled(), end.Kept(one)), 2))
	case static:
		r.Claim("interrupted-by-restart", lesson.Text{EN: "B got its 3 partitions back, and only these were interrupted", KO: "B는 자기 파티션 3개를 되찾았고, 멈춘 것은 그 3개뿐입니다"}, lesson.Equal(end.Interrupted(two), 3))
		r.Claim("none-moved", lesson.Text{EN: "no partition has a new owner", KO: "소유자가 바뀐 파티션은 없습니다"}, lesson.Equal(end.Moved(two), 0))
		r.Claim("no-rebalance", lesson.Text{EN: "there was no rebalance: the group is in the same generation", KO: "리밸런스는 없었습니다. 그룹의 세대가 그대로입니다"}, lesson.Equal(end.Generation(), two.Generation()))
	}
}

// agreeing is on how many partitions the broker agrees with the members about the owner.
func agreeing(said admin.GroupDescription, topic string, owners lesson.Owners) int {
	n := 0
	for _, m := range said.Members {
		for _, p := range m.Claims[topic] {
			if owners[p].Owner == m.ClientID {
				n++
			}
		}
	}
	return n
}

// once is on how many of these partitions no record came again.
func once(handled lesson.Records, of lesson.Owners) int {
	left := maps.Clone(of)
	for _, record := range handled.Repeated() {
		delete(left, record.Partition)
	}
	return len(left)
}
