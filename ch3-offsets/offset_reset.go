package ch3

import (
	"fmt"
	"strings"
	"time"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/problem"
)

// OffsetReset is ch3-offset-reset.
func OffsetReset() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-offset-reset",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: toEarliest, Title: lesson.Text{EN: "read everything again", KO: "처음부터 다시 읽기"}},
			{Name: toLatest, Title: lesson.Text{EN: "skip what is waiting", KO: "밀린 레코드 건너뛰기"}},
			{Name: toTimestamp, Title: lesson.Text{EN: "go back to a time", KO: "어떤 시각으로 되돌리기"}},
			{Name: shiftBy, Title: lesson.Text{EN: "go back by 5 records", KO: "레코드 5개만큼 되돌리기"}},
			{Name: toOffset, Title: lesson.Text{EN: "step over one record", KO: "레코드 하나 건너뛰기"}},
			{Name: newGroupOldest, Title: lesson.Text{EN: "a new group that begins at the oldest record", KO: "가장 오래된 레코드부터 시작하는 새 그룹"}},
			{Name: newGroupNewest, Title: lesson.Text{EN: "a new group that begins at the newest: it misses what was there", KO: "최신 위치부터 시작하는 새 그룹: 이미 있던 것을 놓칩니다"}},
			{Name: deletedOldest, Title: lesson.Text{EN: "retention has deleted the committed offset; begin at the oldest", KO: "보존 정책이 커밋된 오프셋의 레코드를 지웠을 때, 가장 오래된 레코드부터"}},
			{Name: deletedNewest, Title: lesson.Text{EN: "retention has deleted the committed offset; begin at the newest", KO: "보존 정책이 커밋된 오프셋의 레코드를 지웠을 때, 최신 위치부터"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/initial-offset", "cmd/lab"},
		Run:      offsetReset,
	}
}

const (
	toEarliest     = "earliest"
	toLatest       = "latest"
	toTimestamp    = "timestamp"
	shiftBy        = "shift-by"
	toOffset       = "to-offset"
	newGroupOldest = "new-group-oldest"
	newGroupNewest = "new-group-newest"
	deletedOldest  = "deleted-oldest"
	deletedNewest  = "deleted-newest"
)

const (
	alreadyRead = 20 // of the records, when the rest of them arrives
	deletedUpTo = 25
)

// wayBack is what befalls the group before its consumer starts.
type wayBack struct {
	newGroup bool     // it has read nothing before
	deleted  bool     // retention deletes the record that it would read next, and some more
	reset    []string // flags of `lab group reset-offsets`
	initial  string
	next     int // offset of the next record read
}

// waysBack are the variants. Half of what the group will have read is older than the clock.
func waysBack(clock time.Time) map[string]wayBack {
	at := clock.UTC().Format("2006-01-02T15:04:05.000")
	return map[string]wayBack{
		toEarliest:     {reset: []string{"--to-earliest"}, initial: "oldest", next: 0},
		toLatest:       {reset: []string{"--to-latest"}, initial: "oldest", next: records},
		toTimestamp:    {reset: []string{"--to-datetime", at}, initial: "oldest", next: alreadyRead / 2},
		shiftBy:        {reset: []string{"--shift-by", "-5"}, initial: "oldest", next: alreadyRead - 5},
		toOffset:       {reset: []string{"--to-offset", fmt.Sprint(alreadyRead + 1)}, initial: "oldest", next: alreadyRead + 1},
		newGroupOldest: {newGroup: true, initial: "oldest", next: 0},
		newGroupNewest: {newGroup: true, initial: "newest", next: records},
		deletedOldest:  {deleted: true, initial: "oldest", next: deletedUpTo},
		deletedNewest:  {deleted: true, initial: "newest", next: records},
	}
}

func offsetReset(r *lesson.Run) {
	topic, group := r.Topic("my-json-topic", 1), r.Group("test-consumer-group")
	account := r.Account(topic, group)
	send := func(first, count int) {
		r.Program("ch3-offsets/producer", "-topic", topic, "-first", fmt.Sprint(first), "-count", fmt.Sprint(count)).Run()
	}
	consumer := func(initial string) *lesson.Command {
		return r.Program("ch3-offsets/initial-offset", "-topic", topic, "-group", group, "-initial", initial)
	}

	var clock time.Time
	if r.Variant == toTimestamp {
		r.Step(lesson.Text{EN: "Send %d greetings, look at the clock, and send %[1]d more", KO: "인사말 %d개를 보내고, 시계를 보고, %[1]d개를 더 보냅니다"}.With(alreadyRead / 2))
		send(1, alreadyRead/2)
		clock = time.Now().Truncate(time.Millisecond).Add(time.Millisecond) // timestamps of records are in milliseconds
		send(alreadyRead/2+1, alreadyRead/2)
	} else {
		r.Step(lesson.Text{EN: "Send %d greetings", KO: "인사말 %d개를 보냅니다"}.With(alreadyRead))
		send(1, alreadyRead)
	}
	way := waysBack(clock)[r.Variant]

	before := lesson.Records{}
	if !way.newGroup {
		r.Step(lesson.Text{EN: "The group reads these %d", KO: "그룹이 이 %d개를 읽습니다"}.With(alreadyRead))
		first := consumer("oldest").Start()
		first.WaitCaughtUp(topic, group)
		if r.Variant == toEarliest { // once is enough
			refuseReset(r, topic, group, way.reset)
		}
		first.Stop()
		before = first.Handled()
	}

	r.Step(lesson.Text{EN: "%d more arrive, and nobody is there to read them", KO: "%d개가 더 도착하지만 읽을 컨슈머가 없습니다"}.With(records - alreadyRead))
	send(alreadyRead+1, records-alreadyRead)
	if way.deleted {
		deleteRecords(r, topic, group)
	}
	if way.reset != nil {
		executeReset(r, topic, group, way.reset, way.next)
	}

	r.Step(lesson.Text{EN: "Start a consumer with -initial %s; when it has begun to read, send one more greeting, #%d", KO: "-initial %s로 컨슈머를 시작합니다. 읽기 시작하면 인사말을 하나 더 보냅니다(#%d)"}.With(way.initial, records+1))
	second := consumer(way.initial).Start()
	lesson.WaitObserved[observation.Reading](second) // what is sent from now on cannot come before that
	send(records+1, 1)
	second.WaitCaughtUp(topic, group)
	second.Stop()

	again, lost := max(0, len(before)-way.next), max(0, way.next-len(before))
	r.Claim("next-record", lesson.Text{EN: "the next record that it read is the one at offset %d", KO: "다음에 읽은 레코드는 오프셋 %d의 레코드입니다"}.With(way.next),
		lesson.SameRecords(second.Handled().First(1), account.Produced().At(topic, 0, int64(way.next))))
	r.Claim("all-that-follow", lesson.Text{EN: "then it read all that follow, once each", KO: "그 뒤의 레코드를 모두 한 번씩 읽었습니다"},
		lesson.SameRecords(second.Handled(), account.Produced().From(lesson.Offsets{Topic: topic, At: map[int32]int64{0: int64(way.next)}})))
	r.Claim("repeated-count", lesson.Text{EN: "%d records came again", KO: "다시 온 레코드는 %d개입니다"}.With(again), lesson.Equal(len(second.Handled().In(before)), again))
	r.Claim("lost-count", lesson.Text{EN: "%d records were never read", KO: "한 번도 읽지 못한 레코드는 %d개입니다"}.With(lost), lesson.Equal(len(account.Lost()), lost))
}

func resetCommand(r *lesson.Run, topic, group string, scenario []string) *lesson.Command {
	args := append([]string{"group", "reset-offsets", "--group", group, "--topic", topic, "--execute"}, scenario...)
	return r.Program("cmd/lab", args...)
}

// refuseReset tries to move the group while it has a member.
func refuseReset(r *lesson.Run, topic, group string, scenario []string) {
	r.Step(lesson.Text{EN: "Try to move the group while its consumer still runs", KO: "컨슈머가 아직 실행 중일 때 그룹의 오프셋을 옮겨 봅니다"})
	description, err := r.Admin().DescribeGroup(r.Context(), group)
	r.Must(err)
	exitCode, said := resetCommand(r, topic, group, scenario).Start().WaitFailed()
	named := 0
	for _, member := range description.Members {
		named += strings.Count(strings.Join(said, "\n"), member.ID)
	}
	r.Claim("refused", lesson.Text{EN: "it is refused (exit code 1)", KO: "거부됩니다 (종료 코드 1)"}, lesson.Equal(exitCode, problem.ExitFail))
	r.Claim("refusal-names-member", lesson.Text{EN: "the refusal names the one member that is in the way", KO: "거부 메시지가 걸림돌이 되는 멤버 하나를 알려 줍니다"}, lesson.Equal(named, 1))
}

func executeReset(r *lesson.Run, topic, group string, scenario []string, want int) {
	stands := func() int { return int(r.Committed(group, topic).At[0]) }
	r.Claim("stands-before", lesson.Text{EN: "the group stands at offset %d", KO: "그룹은 오프셋 %d에 있습니다"}.With(alreadyRead), lesson.Equal(stands(), alreadyRead))
	r.Step(lesson.Text{EN: "Its consumer is stopped, so the group can be moved (without --execute it only shows what would change)", KO: "컨슈머가 멈췄으니 그룹의 오프셋을 옮길 수 있습니다 (--execute가 없으면 무엇이 바뀔지 보여 주기만 합니다)"})
	resetCommand(r, topic, group, scenario).Run()
	r.Claim("stands-after", lesson.Text{EN: "now it stands at offset %d", KO: "이제 오프셋 %d에 있습니다"}.With(want), lesson.Equal(stands(), want))
}

func deleteRecords(r *lesson.Run, topic, group string) {
	r.Step(lesson.Text{
		EN: "The first %d records are deleted. Here the lesson asks for it (DeleteRecords); retention.ms does the same to segments that have become too old",
		KO: "처음 %d개의 레코드가 삭제됩니다. 여기서는 레슨이 요청하지만(DeleteRecords), 세그먼트가 너무 오래되면 retention.ms가 같은 일을 합니다",
	}.With(deletedUpTo))
	r.Must(r.Admin().DeleteRecords(r.Context(), topic, map[int32]int64{0: deletedUpTo}))
	r.Claim("records-left", lesson.Text{EN: "%d records are left", KO: "레코드 %d개가 남아 있습니다"}.With(records-deletedUpTo), lesson.Equal(r.Stored(topic), records-deletedUpTo))
	r.Claim("stands-on-deleted", lesson.Text{EN: "the group stands at offset %d, which is not among them", KO: "그룹은 오프셋 %d에 있는데, 남은 레코드 가운데 없는 오프셋입니다"}.With(alreadyRead),
		lesson.Equal(int(r.Committed(group, topic).At[0]), alreadyRead))
}
