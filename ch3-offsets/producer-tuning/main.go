// Command producer-tuning sends greetings as fast as it can and tells how fast that was. Each flag is a field of
// sarama's configuration, and a setting of the Java client:
//
//	-sync                  SyncProducer.SendMessage          send(record).get(): wait after each record
//	-flush-frequency 5ms   config.Producer.Flush.Frequency   linger.ms
//	-flush-bytes 65536     config.Producer.Flush.Bytes       batch.size, but for a broker, not for a partition
//	-flush-messages 500    config.Producer.Flush.Messages    the same in records; Java has no such setting
//	-compression zstd      config.Producer.Compression       compression.type
//	-required-acks 1       config.Producer.RequiredAcks      acks
package main

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"

	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/program"
)

func main() { program.Main(run) }

func run(ctx context.Context, p *program.Program) error {
	p.Usage(i18n.Text{EN: "producer-tuning sends greetings as fast as it can.", KO: "producer-tuning은 인사말을 최대한 빠르게 보냅니다."})
	topic := p.Topic("topic", "my-json-topic", 3)
	count := p.Count("count", 5000, 1, i18n.Text{EN: "how many greetings", KO: "보낼 인사말 수"})
	key := p.Choice("key", i18n.Text{EN: "`what` is the key; the id is another one for each greeting", KO: "키로 쓸 것 (`what`). id는 인사말마다 다릅니다"}, keyAge, keyID)
	oneByOne := p.Bool("sync", false, i18n.Text{EN: "wait for each record's acknowledgement before the next is sent", KO: "레코드마다 확인 응답(ack)을 기다린 뒤 다음 것을 보냅니다"})
	frequency := p.Duration("flush-frequency", 0, i18n.Text{EN: "`time` that a record may wait for company (linger.ms)", KO: "레코드가 함께 보낼 다른 레코드를 기다리는 최대 시간 (`time`, linger.ms)"})
	bytes := p.Count("flush-bytes", 0, 0, i18n.Text{EN: "do not wait longer when so many `bytes` are together (batch.size)", KO: "이만큼 모이면 더 기다리지 않습니다 (`bytes`, batch.size)"})
	messages := p.Count("flush-messages", 0, 0, i18n.Text{EN: "do not wait longer when so many `records` are together", KO: "레코드가 이만큼 모이면 더 기다리지 않습니다 (`records`)"})
	codec := p.Choice("compression", i18n.Text{EN: "`codec` (compression.type)", KO: "압축 코덱 (`codec`, compression.type)"}, "none", "gzip", "snappy", "lz4", "zstd")
	acks := p.Choice("required-acks", i18n.Text{EN: "`who` must have stored a record, all in-sync replicas, or 1, the leader (acks)", KO: "누가 저장해야 하는지 (`who`), all은 동기화된 모든 복제본, 1은 리더만 (acks)"}, acksAll, acksLeader)
	config, err := p.Ready(ctx) // the course's settings: acks=all, idempotent
	if err != nil {
		return err
	}
	config.Producer.Flush.Frequency = *frequency // a batch leaves when its oldest record has waited so long,
	config.Producer.Flush.Bytes = *bytes         // or when it is large enough. With all three at 0, the default, nobody
	config.Producer.Flush.Messages = *messages   // waits: what comes while a request is on its way goes with the next one
	// A batch is compressed as a whole, so a larger one compresses better. The broker stores it as it came.
	if err := config.Producer.Compression.UnmarshalText([]byte(*codec)); err != nil {
		return err
	}
	if *acks == acksLeader {
		config.Producer.RequiredAcks = sarama.WaitForLocal // what the leader alone has is lost with the leader
		// An idempotent producer needs acks=all, and in sarama one request in flight (Net.MaxOpenRequests=1; Java
		// allows five). So it is off now, and a retry may store a record twice.
		config.Producer.Idempotent = false
	}

	if *frequency == 0 && *bytes+*messages > 0 { // the last records would wait for company that never comes
		return p.UsageError(i18n.Text{EN: "-flush-bytes and -flush-messages need -flush-frequency", KO: "-flush-bytes와 -flush-messages에는 -flush-frequency가 필요합니다"})
	}
	records, err := encode(*topic, *key, *count)
	if err != nil {
		return err
	}
	if *oneByOne {
		return sendSync(ctx, p, config, records)
	}
	return sendAsync(ctx, p, config, records)
}

const (
	acksAll    = "all"
	acksLeader = "1"
	keyAge     = "age"
	keyID      = "id"
)

// encode makes the records before the first is sent.
func encode(topic, key string, count int) ([]*sarama.ProducerMessage, error) {
	greetings, err := greeting.Numbered(1, count)
	if err != nil {
		return nil, err
	}
	records := make([]*sarama.ProducerMessage, count)
	for i, g := range greetings {
		value, err := g.Encode()
		if err != nil {
			return nil, err
		}
		records[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(g.Key()), Value: sarama.ByteEncoder(value)}
		if key == keyID {
			records[i].Key = sarama.StringEncoder(fmt.Sprint(g.ID))
		}
	}
	return records, nil
}
