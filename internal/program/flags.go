package program

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Usage sets what -help says about the program, before its flags.
func (p *Program) Usage(t i18n.Text) { p.usage = t }

// help writes what -help says.
func (p *Program) help(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n%s\n", p.usage.In(p.lang), i18n.Text{EN: "Flags:", KO: "플래그:"}.In(p.lang))
	p.flags.SetOutput(w)
	p.flags.PrintDefaults()
}

// topic is one that the program needs.
type topic struct {
	name       *string
	partitions int32
}

// Topic adds a flag that names a topic. [Program.Ready] creates it, with that many partitions, if it is not there.
func (p *Program) Topic(flag, name string, partitions int32) *string {
	t := topic{partitions: partitions}
	t.name = p.String(flag, name, i18n.Text{EN: "name of the `topic`; if it is not there, it is created with %d partitions", KO: "토픽 이름 (`topic`). 없으면 파티션 %d개로 만듭니다"}.With(partitions))
	p.topics = append(p.topics, t)
	return p.required(flag, t.name)
}

// Group adds the flag -group, which names the consumer group.
func (p *Program) Group(name string) *string {
	return p.required("group", p.String("group", name, i18n.Text{EN: "consumer `group`", KO: "컨슈머 그룹 (`group`)"}))
}

// required checks that a flag is not empty.
func (p *Program) required(flag string, value *string) *string {
	p.check(func() error {
		if *value == "" {
			return p.UsageError(i18n.Text{EN: "-%s is empty", KO: "-%s 값이 비어 있습니다"}.With(flag))
		}
		return nil
	})
	return value
}

// Choice adds a flag that has one of a few values, the first if it is not given.
func (p *Program) Choice(flag string, usage i18n.Text, values ...string) *string {
	list := strings.Join(values, ", ")
	chosen := p.String(flag, values[0], i18n.Text{EN: "%s: %s", KO: "%s: %s"}.With(usage, list))
	p.check(func() error {
		if !slices.Contains(values, *chosen) {
			return p.UsageError(i18n.Text{EN: "-%s is %q, but must be one of: %s", KO: "-%s 값이 %q인데, 다음 중 하나여야 합니다: %s"}.With(flag, *chosen, list))
		}
		return nil
	})
	return chosen
}

// Count adds a flag that is a number of things, and at least least.
func (p *Program) Count(flag string, value, least int, usage i18n.Text) *int {
	n := p.flags.Int(flag, value, usage.In(p.lang))
	p.check(func() error {
		if *n < least {
			return p.UsageError(i18n.Text{EN: "-%s is %d, but must be at least %d", KO: "-%s 값이 %d인데, %d 이상이어야 합니다"}.With(flag, *n, least))
		}
		return nil
	})
	return n
}

// Duration adds a flag that is a time span, and not negative.
func (p *Program) Duration(flag string, value time.Duration, usage i18n.Text) *time.Duration {
	d := p.flags.Duration(flag, value, usage.In(p.lang))
	p.check(func() error {
		if *d < 0 {
			return p.UsageError(i18n.Text{EN: "-%s is %s, but must not be negative", KO: "-%s 값이 %s인데, 음수일 수 없습니다"}.With(flag, *d))
		}
		return nil
	})
	return d
}

// String adds a flag that is any text.
func (p *Program) String(flag, value string, usage i18n.Text) *string {
	return p.flags.String(flag, value, usage.In(p.lang))
}

// Bool adds a flag that is on or off.
func (p *Program) Bool(flag string, value bool, usage i18n.Text) *bool {
	return p.flags.Bool(flag, value, usage.In(p.lang))
}

// check adds a check of the command line.
func (p *Program) check(check func() error) { p.checks = append(p.checks, check) }

// UsageError is a mistake on this program's command line.
func (p *Program) UsageError(what i18n.Text) error {
	return problem.Usage(what, i18n.Text{EN: "see the flags: %s -help", KO: "플래그를 보세요: %s -help"}.With(p.Name))
}
