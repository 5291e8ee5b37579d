package ch3

import (
	"fmt"

	"kafkahandson/internal/lesson"
)

// IdempotentConsumer is ch3-idempotent-consumer.
func IdempotentConsumer() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-idempotent-consumer",
		Texts: texts,
		Variants: []lesson.Variant{
			{Name: "none", Title: lesson.Text{EN: "remember nothing: the wrong way", KO: "기억하지 않기: 잘못된 방법"}},
			{Name: "memory", Title: lesson.Text{EN: "remember in a map of the process: the wrong way", KO: "프로세스의 맵에 기억하기: 잘못된 방법"}},
			{Name: "mysql", Title: lesson.Text{EN: "remember in the same transaction as the work", KO: "작업과 같은 트랜잭션에 기억하기"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/idempotent-consumer"},
		Needs:    []lesson.Need{lesson.MySQL()},
		Run:      idempotentConsumer,
	}
}

func idempotentConsumer(r *lesson.Run) {
	const sentTwice, dies = 2 * records, 40
	topic, group := r.Topic("my-json-topic", 1), r.Group("test-consumer-group")
	r.Account(topic, group)
	r.Step(lesson.Text{EN: "Send %d greetings, and then the same %[1]d again", KO: "인사말 %d개를 보내고, 같은 %[1]d개를 한 번 더 보냅니다"}.With(records))
	for range 2 {
		r.Program("ch3-offsets/producer", "-topic", topic).Run()
	}
	r.Claim("stored-twice", lesson.Text{EN: "the topic holds every message twice", KO: "토픽에는 모든 메시지가 두 번씩 있습니다"}, lesson.Equal(r.Stored(topic), sentTwice))

	consumer := func() *lesson.Command {
		return r.Program("ch3-offsets/idempotent-consumer", "-topic", topic, "-group", group, "-dedup", r.Variant)
	}
	done := 0
	if r.Variant == "mysql" {
		done = crashAt - 1
		r.Step(lesson.Text{EN: "Consume; the power fails between the two inserts of message %d, when it comes for the first time", KO: "소비합니다. %d번 메시지가 처음 왔을 때, 두 INSERT 사이에서 전원이 나갑니다"}.With(crashAt))
		consumer().CrashAt("between-inserts", crashAt).Run()
		r.Claim("remembered-before-crash", lesson.Text{EN: "MySQL remembers the %d messages before it", KO: "MySQL이 기억하는 것은 그 앞의 메시지 %d개입니다"}.With(done), lesson.Equal(rows(r, "consumed_messages"), done))
		r.Claim("rows-before-crash", lesson.Text{EN: "and has their %d rows: of message %d there is neither the one nor the other", KO: "행도 그 %d개뿐입니다. %d번 메시지는 기억도 행도 없습니다"}.With(done, crashAt), lesson.Equal(rows(r, "welcomes"), done))
	}
	r.Step(lesson.Text{EN: "Consume; the power fails after record %d, before it is committed", KO: "소비합니다. %d번째 레코드 뒤, 커밋하기 전에 전원이 나갑니다"}.With(dies))
	consumer().CrashAt("after-handle", dies-done).Run()
	r.Step(lesson.Text{EN: "Start it again", KO: "다시 시작합니다"})
	consumer().RunUntilCaughtUp(topic, group)

	var people int64
	r.Must(r.Database().Table("welcomes").Distinct("greeting_id").Count(&people).Error)
	r.Claim("nobody-left-out", lesson.Text{EN: "nobody was left out", KO: "빠진 사람은 없습니다"}, lesson.Equal(int(people), records))
	switch welcomes := rows(r, "welcomes"); r.Variant {
	case "none":
		r.Claim("row-count", lesson.Text{EN: "a row for every delivery, the repeated one too", KO: "전달될 때마다 행이 하나씩, 반복된 것도 하나 더"}, lesson.Equal(welcomes, sentTwice+1))
	case "memory":
		// Record 40 again, and the second delivery of everything after it.
		r.Claim("row-count", lesson.Text{EN: "everything that came after the restart was taken for new", KO: "다시 시작한 뒤에 온 것은 모두 새것으로 여겼습니다"}, lesson.Equal(welcomes, records+1+sentTwice-dies))
	case "mysql":
		r.Claim("row-count", lesson.Text{EN: "one row for each message", KO: "메시지마다 행이 하나"}, lesson.Equal(welcomes, records))
	}

	const sample = 250
	r.Step(lesson.Text{EN: "Measure: %d more messages, each delivered twice", KO: "측정합니다. 메시지 %d개를 더, 두 번씩 전달합니다"}.With(sample))
	more, measuring := r.Topic("more-messages", 1), r.Group("speed-test-group")
	for range 2 {
		r.Program("ch3-offsets/producer", "-topic", more, "-first", "1001", "-count", fmt.Sprint(sample)).Run()
	}
	passed := r.Program("ch3-offsets/idempotent-consumer", "-topic", more, "-group", measuring, "-dedup", r.Variant).RunUntilCaughtUp(more, measuring).Passed()
	average := func(deliveries lesson.Records) float64 {
		return float64(deliveries.Took().Microseconds()) / float64(len(deliveries)-1)
	}
	r.Compare("first-delivery", lesson.Text{EN: "a first delivery", KO: "첫 전달"}, average(passed.First(sample)), "µs")
	r.Compare("second-delivery", lesson.Text{EN: "a second delivery", KO: "두 번째 전달"}, average(passed.After(sample)), "µs")
}

// rows is how many rows a table of the variant's database has.
func rows(r *lesson.Run, table string) int {
	var n int64
	r.Must(r.Database().Table(table).Count(&n).Error)
	return int(n)
}
