package program

import (
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/internal/event"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Reading reports where a consumer begins to read a partition, and why there.
func (p *Program) Reading(c sarama.ConsumerGroupClaim) {
	var where i18n.Text
	switch c.InitialOffset() {
	case sarama.OffsetOldest:
		where = i18n.Text{EN: "p%d: no committed offset that could be used, so it starts at the oldest record", KO: "p%d: 쓸 수 있는 커밋 오프셋이 없어서 가장 오래된 레코드부터 읽습니다"}.With(c.Partition())
	case sarama.OffsetNewest:
		where = i18n.Text{EN: "p%d: no committed offset that could be used, so it starts at the end, offset %d", KO: "p%d: 쓸 수 있는 커밋 오프셋이 없어서 맨 끝(오프셋 %d)부터 읽습니다"}.With(c.Partition(), c.HighWaterMarkOffset())
	default:
		where = i18n.Text{EN: "p%d: starts at the committed offset %d", KO: "p%d: 커밋된 오프셋 %d부터 읽습니다"}.With(c.Partition(), c.InitialOffset())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.stdout, where.In(p.lang))
	p.lesson.report(event.Event{Type: event.Reading, Record: &event.Record{Topic: c.Topic(), Partition: c.Partition(), Offset: c.InitialOffset()}})
}

// Derived reports that the broker acknowledged out, which was made of the record in: out has its partition and offset.
func (p *Program) Derived(in *sarama.ConsumerMessage, out *sarama.ProducerMessage, g greeting.Greeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.stdout, "%s p%d@%-3d → p%d@%-3d key=%s #%d %s: %s\n", i18n.Text{EN: "sent   ", KO: "보냄"}.In(p.lang),
		in.Partition, in.Offset, out.Partition, out.Offset, g.Key(), g.ID, g.Name, g.Content)
	p.lesson.report(event.Event{Type: event.Derived, Record: &event.Record{
		Topic: out.Topic, Partition: out.Partition, Offset: out.Offset, Key: g.Key(), ID: fmt.Sprint(g.ID),
	}})
}

// Fenced reports that the broker refused what this program sent, because its work is somebody else's now: another
// producer has its transactional id, or the group goes on without it. It returns the problem for the program to end with.
func (p *Program) Fenced() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lesson.report(event.Event{Type: event.Fenced})
	return &problem.Problem{
		What:  i18n.Text{EN: "fenced off: this program was taken for dead, and its work was given to another", KO: "차단되었습니다(fenced): 클러스터가 이 프로그램을 죽은 것으로 보고 일을 다른 프로그램에 넘겼습니다"},
		Solve: []i18n.Text{{EN: "let this one end: the other goes on where the group has committed", KO: "이 프로그램은 그대로 종료되게 두세요. 다른 프로그램이 그룹이 커밋한 곳부터 이어서 합니다"}},
	}
}
