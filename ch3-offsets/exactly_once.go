package ch3

import (
	"fmt"

	"kafkahandson/ch3-offsets/observation"
	"kafkahandson/internal/lesson"
)

// ExactlyOnce is ch3-exactly-once.
func ExactlyOnce() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-exactly-once",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: atLeastOnce, Title: lesson.Text{EN: "send, then commit: the wrong way", KO: "보내고 나서 커밋하기: 잘못된 방법"}},
			{Name: inTransactions, Title: lesson.Text{EN: "send and commit in one transaction", KO: "보내기와 커밋을 한 트랜잭션으로"}},
			{Name: zombie, Title: lesson.Text{EN: "transactions, and a frozen program that wakes up too late", KO: "트랜잭션, 그리고 너무 늦게 깨어난 프로그램"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/exactly-once", "ch3-offsets/reader"},
		Run:      exactlyOnce,
	}
}

const (
	atLeastOnce    = "at-least-once"
	inTransactions = "transactions"
	zombie         = "zombie"
)

func exactlyOnce(r *lesson.Run) {
	from := send(r)
	to, group, readers := r.Topic("my-second-topic", 1), r.Group("test-consumer-group"), r.Group("reader-group")
	account := r.Account(to, readers).From(from) // the answer to a greeting has its id
	transactional := r.Variant != atLeastOnce
	answering := func() *lesson.Command {
		return r.Program("ch3-offsets/exactly-once", "-from", from, "-to", to, "-group", group, fmt.Sprintf("-transactions=%t", transactional))
	}

	var first *lesson.Process
	if r.Variant == zombie {
		r.Step(lesson.Text{EN: "Answer them; the program freezes when the answer to #%d is sent, before the transaction is committed", KO: "답장을 보냅니다. #%d의 답장을 보낸 뒤, 트랜잭션을 커밋하기 전에 프로그램이 얼어붙습니다"}.With(crashAt))
		first = answering().HoldAt("after-send", crashAt).Start()
		first.WaitHeld()
		first.Freeze()
	} else {
		r.Step(lesson.Text{EN: "Answer them; the power fails when the answer to #%d is sent, before its offset is committed", KO: "답장을 보냅니다. #%d의 답장을 보낸 뒤, 오프셋을 커밋하기 전에 전원이 나갑니다"}.With(crashAt))
		first = answering().CrashAt("after-send", crashAt).Run()
	}
	r.Claim("committed-before", lesson.Text{EN: "the group has committed the %d before it", KO: "그룹은 그 앞의 %d개까지 커밋했습니다"}.With(crashAt-1), lesson.Equal(int(r.Committed(group, from).At[0]), crashAt-1))
	if transactional {
		stable, err := r.Admin().LastStable(r.Context(), to, 0)
		r.Must(err)
		r.Claim("transaction-open", lesson.Text{EN: "1 answer is in the log, and read_committed readers wait before it: its transaction is still open", KO: "답장 1개가 로그에 있지만 read_committed로 읽는 컨슈머는 그 앞에서 기다립니다. 트랜잭션이 아직 열려 있기 때문입니다"},
			lesson.Equal(r.Stored(to)-int(stable), 1))
	}

	r.Step(lesson.Text{EN: "Start another one: it goes on where the group has committed", KO: "새로 하나 시작합니다. 그룹이 커밋한 곳부터 이어서 합니다"})
	second := answering().Start()
	r.WaitCommitted(group, from, 0, records)
	if r.Variant == zombie {
		r.Step(lesson.Text{EN: "The frozen program wakes up and wants to commit its transaction", KO: "얼어붙었던 프로그램이 깨어나 자기 트랜잭션을 커밋하려고 합니다"})
		first.Resume()
		exitCode, _ := first.WaitFailed()
		r.Claim("fenced", lesson.Text{EN: "it is fenced off: another producer has its transactional id now", KO: "차단됩니다(fenced). 이제 다른 프로듀서가 그 트랜잭션 ID를 씁니다"}, lesson.Equal(len(lesson.Observed[observation.Fenced](first)), 1))
		r.Claim("gives-up", lesson.Text{EN: "and it gives up (exit code 1)", KO: "그리고 포기합니다 (종료 코드 1)"}, lesson.Equal(exitCode, 1))
	}

	// Whatever else has been answered comes before the answer to this one: a reader that has it has all there is.
	r.Step(lesson.Text{EN: "Send one more greeting, #%d, and read the answers (read_committed) up to the one to it", KO: "인사말을 하나 더 보내고(#%d), 그 답장까지 read_committed로 읽습니다"}.With(records + 1))
	r.Program("ch3-offsets/producer", "-topic", from, "-first", fmt.Sprint(records+1), "-count", "1").Run()
	all := account.Produced()
	r.WaitCommitted(group, from, 0, int64(len(all)))
	second.Stop()
	reader := r.Program("ch3-offsets/reader", "-topic", to, "-group", readers, "-isolation", "read_committed").Start()
	reader.WaitHandled(all.After(records))
	reader.Stop()

	r.Claim("nothing-lost", lesson.Text{EN: "no answer is missing", KO: "빠진 답장은 없습니다"}, lesson.Equal(len(account.Lost()), 0))
	twice := account.Handled().Repeated()
	if r.Variant == atLeastOnce {
		r.Claim("one-twice", lesson.Text{EN: "the reader gets one answer twice: the one that was sent and not committed", KO: "읽는 쪽은 답장 하나를 두 번 받습니다. 보냈지만 커밋되지 않은 바로 그 답장입니다"}, lesson.SameRecords(twice, all.After(crashAt-1).First(1)))
		return
	}
	r.Claim("each-once", lesson.Text{EN: "the reader gets each answer exactly once", KO: "읽는 쪽은 모든 답장을 정확히 한 번씩 받습니다"}, lesson.Equal(len(twice), 0))
	// A marker ends each transaction, committed or aborted, and has an offset of its own.
	r.Claim("one-aborted", lesson.Text{EN: "the log holds one answer more, which was aborted: %d answers, and a marker after each", KO: "로그에는 취소된 답장이 하나 더 있습니다. 답장 %d개와, 답장마다 뒤에 붙은 마커 하나입니다"}.With(len(all)+1), lesson.Equal(r.Stored(to), 2*(len(all)+1)))
}
