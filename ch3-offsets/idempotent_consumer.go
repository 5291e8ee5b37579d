package ch3

import (
	"fmt"

	"kafkahandson/internal/lesson"
)

// IdempotentConsumer is ch3-idempotent-consumer.
func IdempotentConsumer() lesson.Lesson {
	return lesson.Lesson{
		Name:  "ch3-idempotent-consumer",
		Title: lesson.Text{EN: "Handle each message once", KO: "멱등 컨슈머"},
		Predict: lesson.Text{
			EN: "30 greetings are sent twice: 60 records, 30 different messages. Each message should write one row. The consumer dies after record 40, before it commits, and starts again. How many rows are there in the end if it remembers nothing? If it remembers what it has seen in a map? If it remembers it in MySQL, and the power also fails between the two inserts of message 15, that of the memory and that of the row?",
			KO: "인사말 30개를 두 번 보냅니다. 레코드는 60개, 서로 다른 메시지는 30개입니다. 메시지마다 행을 하나만 써야 합니다. 컨슈머가 40번째 레코드 뒤, 커밋하기 전에 죽고 다시 시작합니다. 아무것도 기억하지 않으면 마지막에 행은 몇 개일까요? 본 것을 맵에 기억하면? MySQL에 기억하고, 15번 메시지의 두 INSERT(기억을 남기는 것과 행을 쓰는 것) 사이에서도 한 번 더 전원이 나간다면?",
		},
		Variants: []lesson.Variant{
			{Name: "none", Title: lesson.Text{EN: "remember nothing: the wrong way", KO: "기억하지 않기: 잘못된 방법"}},
			{Name: "memory", Title: lesson.Text{EN: "remember in a map of the process: the wrong way", KO: "프로세스의 맵에 기억하기: 잘못된 방법"}},
			{Name: "mysql", Title: lesson.Text{EN: "remember in the same transaction as the work", KO: "작업과 같은 트랜잭션에 기억하기"}},
		},
		Programs: []string{"ch3-offsets/producer", "ch3-offsets/idempotent-consumer"},
		Needs:    []lesson.Need{lesson.MySQL()},
		Run:      idempotentConsumer,
		Why: lesson.Text{
			EN: "At-least-once delivery repeats, and a producer that sends again repeats too; no broker setting can tell that two records mean the same. A map forgets everything when the process dies, so whatever comes afterwards looks new. A row in consumed_message, written in the same transaction as the work, cannot disagree with the work: either both are there or neither, and the primary key refuses the second one.",
			KO: "'적어도 한 번' 전달은 반복되고, 다시 보내는 프로듀서도 반복을 만듭니다. 두 레코드가 같은 뜻이라는 것은 브로커 설정으로 알 수 없습니다. 맵은 프로세스가 죽으면 모두 잊어버리므로 그 뒤에 오는 것은 전부 새것처럼 보입니다. 작업과 같은 트랜잭션에서 쓴 consumed_message 행은 작업과 어긋날 수 없습니다. 둘 다 있거나 둘 다 없고, 두 번째는 기본 키가 거절합니다.",
		},
		Read: "ch3-offsets/idempotent-consumer/main.go, welcome",
		Java: "chapter4/clip7, MyConsumer with a ConcurrentHashMap of ids",
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
