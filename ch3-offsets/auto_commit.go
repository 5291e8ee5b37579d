package ch3

import "kafkahandson/internal/lesson"

// AutoCommit is ch3-auto-commit.
func AutoCommit() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-auto-commit",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: markAfter, Title: lesson.Text{EN: "mark when the work is done (at least once)", KO: "작업이 끝난 뒤에 표시 (적어도 한 번)"}},
			{Name: markBefore, Title: lesson.Text{EN: "mark first, then work (at most once): the wrong way", KO: "먼저 표시하고 나서 작업 (최대 한 번): 잘못된 방법"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/auto-commit"},
		Run:      autoCommit,
	}
}

const (
	markAfter  = "mark-after"
	markBefore = "mark-before"
)

func autoCommit(r *lesson.Run) {
	topic := send(r)
	group := r.Group("test-consumer-group")
	account := r.Account(topic, group)
	consumer := func(mark, interval string) *lesson.Command {
		return r.Program("ch3-offsets/auto-commit", "-topic", topic, "-group", group, "-mark", mark, "-interval", interval)
	}
	const tick = "1s"

	byHand := lesson.Text{EN: "the program never committed by itself", KO: "프로그램이 직접 커밋한 적은 없습니다"}

	var first, second *lesson.Process
	var committed lesson.Offsets
	if r.Variant == markAfter {
		r.Step(lesson.Text{
			EN: "Consume; the power fails when record %d is handled and not yet marked. The clock would tick in a minute, not in a second, so that it has surely not ticked",
			KO: "소비합니다. %d번째 레코드를 처리하고 아직 표시하지 않았을 때 전원이 나갑니다. 그 전에 커밋되는 일이 없도록 간격은 1초가 아니라 1분입니다",
		}.With(crashAt))
		first = consumer("after", "1m").CrashAt("after-handle", crashAt).Run()
		committed = r.Committed(group, topic)

		r.Step(lesson.Text{EN: "Start it again", KO: "다시 시작합니다"})
		second = consumer("after", tick).RunUntilCaughtUp(topic, group)

		r.Claim("nothing-lost", lesson.Text{EN: "nothing is lost", KO: "유실된 레코드가 없습니다"}, lesson.Equal(len(account.Lost()), 0))
		r.Claim("repeated-uncommitted", lesson.Text{EN: "what came again is what was handled and not yet committed", KO: "다시 온 것은 처리했지만 아직 커밋되지 않은 레코드입니다"},
			lesson.SameRecords(second.Handled().In(first.Handled()), first.Handled().From(committed)))
		r.Claim("repeated-all", lesson.Text{EN: "nothing was committed yet, so that is all %d", KO: "아직 아무것도 커밋되지 않았으니 %d개 모두입니다"}.With(crashAt), lesson.Equal(account.Duplicated(), crashAt))
		r.Claim("no-commit-by-hand", byHand, lesson.Equal(account.Commits(), 0))
		return
	}

	r.Step(lesson.Text{EN: "Consume; record %d is marked, the clock ticks, sarama commits, and then the power fails before the work", KO: "소비합니다. %d번째 레코드가 표시되고, 시간이 되어 sarama가 커밋한 다음, 작업하기 전에 전원이 나갑니다"}.With(crashAt))
	first = consumer("before", tick).HoldAt("before-handle", crashAt).Start()
	first.WaitHeld()
	r.WaitCommitted(group, topic, 0, crashAt)
	first.Kill()
	committed = r.Committed(group, topic)

	r.Step(lesson.Text{EN: "Start it again", KO: "다시 시작합니다"})
	second = consumer("before", tick).RunUntilCaughtUp(topic, group)

	r.Claim("one-lost", lesson.Text{EN: "one record is lost for good", KO: "레코드 하나가 영영 유실됩니다"}, lesson.Equal(len(account.Lost()), 1))
	r.Claim("lost-is-committed", lesson.Text{EN: "it is the one that was committed and not handled", KO: "커밋되었지만 처리되지 않은 바로 그 레코드입니다"},
		lesson.SameRecords(account.Lost(), account.Produced().Before(committed).NotIn(first.Handled())))
	r.Claim("nothing-repeated", lesson.Text{EN: "nothing came again", KO: "다시 온 레코드는 없습니다"}, lesson.Equal(len(second.Handled().In(first.Handled())), 0))
	r.Claim("no-commit-by-hand", byHand, lesson.Equal(account.Commits(), 0))
}
