package ch3

import "kafkahandson/internal/lesson"

// ManualCommit is ch3-manual-commit.
func ManualCommit() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-manual-commit",
		Title: lesson.Text{EN: "Commit by hand", KO: "수동 커밋"},
		Predict: lesson.Text{
			EN: "30 records wait. The consumer dies right after it has handled record 15, before it can commit it. After a restart, how many records come again if it commits after every record? After every 10? Never?",
			KO: "레코드 30개가 기다리고 있습니다. 컨슈머가 15번째 레코드를 처리한 직후, 커밋하기 전에 죽습니다. 다시 시작하면 몇 개가 다시 올까요? 레코드마다 커밋할 때는? 10개마다 커밋할 때는? 한 번도 커밋하지 않을 때는?",
		},
		Variants: []lesson.Variant{
			{Name: perRecord, Title: lesson.Text{EN: "commit after every record", KO: "레코드마다 커밋"}},
			{Name: perBatch, Title: lesson.Text{EN: "commit after every 10 records", KO: "10개마다 커밋"}},
			{Name: markOnly, Title: lesson.Text{EN: "mark, and never commit: the wrong way", KO: "표시만 하고 커밋하지 않기: 잘못된 방법"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/manual-commit"},
		Run:      manualCommit,
		Why: lesson.Text{
			EN: "The broker remembers one number for each partition: the next offset to read. Records that are handled and not yet committed come again, so work first and commit afterwards loses nothing and repeats at most what one commit covers. A commit costs a round trip to the broker, so the rarer you commit, the faster you are and the more comes again; a mark without a commit is only a note in the memory of a process that dies.",
			KO: "브로커는 파티션마다 숫자 하나, 즉 다음에 읽을 오프셋만 기억합니다. 처리했지만 아직 커밋하지 않은 레코드는 다시 옵니다. 그래서 먼저 일하고 나중에 커밋하면 유실은 없고, 많아야 커밋 한 번이 덮는 만큼만 반복됩니다. 커밋은 브로커까지 한 번 다녀오는 비용이 들기 때문에 드물게 할수록 빨라지고 그만큼 더 많이 다시 옵니다. 커밋 없는 표시는 곧 죽을 프로세스의 메모리에 적힌 메모일 뿐입니다.",
		},
		Read: "ch3-offsets/manual-commit/main.go, ConsumeClaim",
		Java: "chapter4/clip4, MyConsumer.listen(record, acknowledgment)",
	}
}

const (
	perRecord = "per-record"
	perBatch  = "per-batch"
	markOnly  = "mark-only"
	batch     = 10
)

func manualCommit(r *lesson.Run) {
	topic := send(r)
	group := r.Group("test-consumer-group")
	account := r.Account(topic, group)
	consumer := func() *lesson.Command {
		return r.Program("ch3-offsets/manual-commit", "-topic", topic, "-group", group, "-commit", r.Variant)
	}

	r.Step(lesson.Text{EN: "Consume; the power fails after record %d is handled, before it is committed", KO: "소비합니다. %d번째 레코드를 처리한 뒤, 커밋하기 전에 전원이 나갑니다"}.With(crashAt))
	first := consumer().CrashAt("after-handle", crashAt).Run()
	committed := r.Committed(group, topic)

	r.Step(lesson.Text{EN: "Start it again", KO: "다시 시작합니다"})
	second := consumer().RunUntilCaughtUp(topic, group)
	again := second.Handled().In(first.Handled())

	r.Claim("nothing-lost", lesson.Text{EN: "nothing is lost", KO: "유실된 레코드가 없습니다"}, lesson.Equal(len(account.Lost()), 0))
	r.Claim("repeated-uncommitted", lesson.Text{EN: "what came again is what was handled and not committed", KO: "다시 온 것은 처리했지만 커밋하지 않은 레코드입니다"},
		lesson.SameRecords(again, first.Handled().From(committed)))
	end := r.Committed(group, topic).At[0]
	switch r.Variant {
	case perRecord:
		r.Claim("repeated-count", lesson.Text{EN: "that is exactly 1 record", KO: "정확히 1개입니다"}, lesson.Equal(len(again), 1))
		r.Claim("committed-in-the-end", lesson.Text{EN: "in the end everything is committed", KO: "마지막에는 모두 커밋되었습니다"}, lesson.Equal(int(end), records))
	case perBatch:
		r.Claim("repeated-count", lesson.Text{EN: "that is what came after the last full batch of 10: exactly 5 records", KO: "마지막으로 꽉 찬 10개 묶음 뒤의 것, 정확히 5개입니다"}, lesson.Equal(len(again), crashAt%batch))
		r.Claim("committed-in-the-end", lesson.Text{EN: "in the end everything is committed", KO: "마지막에는 모두 커밋되었습니다"}, lesson.Equal(int(end), records))
	case markOnly:
		r.Claim("repeated-count", lesson.Text{EN: "that is everything: all 15 records", KO: "전부입니다. 15개 모두 다시 왔습니다"}, lesson.Equal(len(again), crashAt))
		r.Claim("committed-in-the-end", lesson.Text{EN: "the group has committed nothing, so the next start begins at 0 too", KO: "그룹이 커밋한 것이 없으므로 다음 시작도 0부터입니다"}, lesson.Equal(int(end), -1))
		r.Claim("never-committed", lesson.Text{EN: "not even once", KO: "커밋은 한 번도 없었습니다"}, lesson.Equal(account.Commits(), 0))
	}
}
