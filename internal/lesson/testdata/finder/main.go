// Command finder reports offsets as if it had found them in Kafka's own memory.
package main

import (
	"context"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	topic := p.String("topic", "", i18n.Verbatim("topic"))
	if err := p.Parse(ctx); err != nil {
		return err
	}
	for _, o := range []struct {
		group, topic string
		partition    int32
		offset       int64
	}{
		{"g", *topic, 0, 1}, {"g", *topic, 0, 2}, {"g", *topic, 0, 2}, {"g", *topic, 1, 9},
		{"other", *topic, 0, 5}, {"g", "other", 0, 6}, {"g", *topic, 1, program.Forgotten},
	} {
		p.OffsetFound(o.group, o.topic, o.partition, o.offset, i18n.Verbatim("found"))
	}
	return nil
}
