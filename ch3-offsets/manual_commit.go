package ch3

import "kafkahandson/internal/lesson"

// ManualCommit is ch3-manual-commit.
func ManualCommit() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-manual-commit",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: perRecord, Title: lesson.Text{EN: "commit after every record", KO: "레코드마다 커밋"}},
			{Name: perBatch, Title: lesson.Text{EN: "commit after every 10 records", KO: "10개마다 커밋"}},
			{Name: markOnly, Title: lesson.Text{EN: "mark, and never commit: the wrong way", KO: "표시만 하고 커밋하지 않기: 잘못된 방법"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/manual-commit"},
		Run:      manualCommit,
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
