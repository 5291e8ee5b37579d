package ch3

import (
	"fmt"

	"kafkahandson/internal/lesson"
)

// Throughput is ch3-throughput.
func Throughput() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-throughput",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: "one", Title: lesson.Text{EN: "one record at a time", KO: "한 번에 하나씩"}},
			{Name: "partitions", Title: lesson.Text{EN: "one goroutine for each partition", KO: "파티션마다 고루틴 하나"}},
			{Name: "unsafe-pool", Title: lesson.Text{EN: "a pool, marked as soon as handed over: the wrong way", KO: "풀에 넘기자마자 표시: 잘못된 방법"}},
			{Name: "ordered-pool", Title: lesson.Text{EN: "a pool that keeps order and marks what is done", KO: "순서를 지키고 끝난 것만 표시하는 풀"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/producer-tuning", "ch3-offsets/throughput"},
		Run:      throughput,
		Bench: &lesson.Benchmark{
			Baseline: "partitions",
			Note: lesson.Text{
				EN: "×: compared with partitions in the same round. Every record has a key of its own here, so no key holds the pool up.",
				KO: "×: 같은 라운드의 partitions와 비교한 값. 여기서는 레코드마다 키가 달라서, 풀이 키 하나에 붙잡히지 않습니다.",
			},
			Prepare: benchThroughput,
		},
	}
}

func throughput(r *lesson.Run) {
	const partitions, count, dies = 6, 180, 60
	topic := r.Topic("my-json-topic", partitions)
	r.Step(lesson.Text{EN: "Send %d greetings to %d partitions", KO: "인사말 %d개를 파티션 %d개에 보냅니다"}.With(count, partitions))
	r.Program("ch3-offsets/producer", "-topic", topic, "-count", fmt.Sprint(count)).Run()
	r.Claim("stored-count", lesson.Text{EN: "all %d are stored", KO: "%d개가 모두 저장되었습니다"}.With(count), lesson.Equal(r.Stored(topic), count))

	group := r.Group("test-consumer-group")
	account := r.Account(topic, group)
	r.Claim("acknowledged", lesson.Text{EN: "the broker acknowledged them all", KO: "브로커가 모두 확인해 주었습니다"}, lesson.Equal(len(account.Produced()), count))
	consumer := func(group string, more ...string) *lesson.Command {
		return r.Program("ch3-offsets/throughput", append([]string{"-topic", topic, "-group", group, "-how", r.Variant, "-interval", "100ms"}, more...)...)
	}
	r.Step(lesson.Text{EN: "Measure: how fast is it?", KO: "측정합니다. 얼마나 빠를까요?"})
	speed := r.Group("speed-test-group")
	measured := consumer(speed).RunUntilCaughtUp(topic, speed).Handled()
	r.Compare("rate", lesson.Text{EN: "rate", KO: "처리 속도"}, float64(len(measured)-1)/measured.Took().Seconds(), "records/s")

	r.Step(lesson.Text{
		EN: "Consume from the start in another group; when the work for the %dth record begins, all work stops, offsets are committed once more, and the power fails",
		KO: "다른 그룹으로 처음부터 소비합니다. %d번째 레코드의 작업을 시작할 때 모든 작업이 멈추고, 오프셋이 한 번 더 커밋된 다음 전원이 나갑니다",
	}.With(dies))
	first := consumer(group).HoldAt("before-work", dies).Start()
	first.WaitHeld()
	account.WaitHandled(dies - 1) // those that were at work
	done := first.Handled().Committable(topic, partitions)
	if r.Variant == "unsafe-pool" { // it goes on reading and marking, so all of it is committed in a moment
		r.WaitCommittedToEnd(group, topic)
	} else {
		r.WaitCommittedAll(group, done)
	}
	first.Kill()
	committed := r.Committed(group, topic)
	r.Step(lesson.Text{EN: "Start it again", KO: "다시 시작합니다"})
	second := consumer(group).RunUntilCaughtUp(topic, group)

	if r.Variant == "unsafe-pool" {
		r.Claim("lost-count", lesson.Text{EN: "it really loses records", KO: "실제로 레코드를 잃습니다"}, lesson.Equal(len(account.Lost()), count-(dies-1)))
		r.Claim("lost-is-committed", lesson.Text{EN: "they are those that were committed and not done", KO: "커밋되었지만 끝나지 않은 바로 그 레코드들입니다"},
			lesson.SameRecords(account.Lost(), account.Produced().Before(committed).NotIn(first.Handled())))
		return
	}
	r.Claim("nothing-lost", lesson.Text{EN: "nothing is lost", KO: "유실된 레코드가 없습니다"}, lesson.Equal(len(account.Lost()), 0))
	r.Claim("in-order", lesson.Text{EN: "records of one key were handled in order", KO: "같은 키의 레코드는 순서대로 처리되었습니다"},
		lesson.Equal(first.Handled().OutOfOrder()+second.Handled().OutOfOrder(), 0))
	r.Claim("committed-what-was-done", lesson.Text{EN: "committed was what was done without a gap, no more and no less", KO: "빈틈없이 끝난 곳까지만, 그리고 그만큼 모두 커밋되었습니다"},
		lesson.SameOffsets(committed, done))
}

// benchThroughput compares the four ways with 10 ms of work for each record, and without any, when only their own cost
// is left.
func benchThroughput(r *lesson.Run) (measure func()) {
	const partitions, stored = 6, 400_000
	topics := map[int]string{}
	for _, records := range []int{100, 100 * partitions, 100 * 64, stored} { // a second of work for each way, and many without
		topics[records] = r.Topic(fmt.Sprintf("my-json-topic-%d", records), partitions)
		r.Program("ch3-offsets/producer-tuning", "-topic", topics[records], "-count", fmt.Sprint(records), "-key", "id", "-flush-frequency", "5ms").Run()
	}
	goroutines := map[string]int{"one": 1, "partitions": partitions, "unsafe-pool": 64, "ordered-pool": 64}
	consumers := 0
	rate := func(work string, records int) float64 {
		const reports = 50
		consumers++
		topic, group := topics[records], r.Group(fmt.Sprintf("speed-test-group-%d", consumers))
		p := r.Program("ch3-offsets/throughput", "-topic", topic, "-group", group, "-how", r.Variant, "-work", work).ReportEvery(records / reports).Start()
		r.Wait(lesson.Wait{
			For:   lesson.Text{EN: "for %d records to be handled", KO: "레코드 %d개가 처리되기를"}.With(records),
			Of:    p,
			Until: func() (bool, string) { return len(p.Handled()) >= reports, "" },
		})
		p.Stop()
		return float64(records) / reports * (reports - 1) / p.Handled().First(reports).Took().Seconds()
	}
	return func() {
		r.Compare("with-work", lesson.Text{EN: "10 ms of work for each record", KO: "레코드마다 10ms의 작업"}, rate("10ms", 100*goroutines[r.Variant]), "records/s")
		r.Compare("without-work", lesson.Text{EN: "no work", KO: "작업 없음"}, rate("0s", stored), "records/s")
	}
}
