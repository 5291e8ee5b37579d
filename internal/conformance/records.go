package conformance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/kafka"
)

func recordTests() []test {
	return []test{
		{"a key lands in the partition that Java chooses", placeKeys},
		{"key, value, headers and timestamp come back as sent", keepRecord},
		{"a partition keeps the order of its records", keepOrder},
		{"an offset is found by timestamp", findByTime},
		{"records without a key are spread over all partitions", spreadKeyless},
		{"a record that is too large is refused, and nothing else", refuseLarge},
	}
}

func placeKeys(t *testing.T, c *cluster) {
	// placements are what org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey of kafka-clients
	// 3.9.2 returns for a key in UTF-8 and 3 or 10 partitions.
	placements := []struct {
		key     string
		want    [2]int32
		murmur2 int32 // org.apache.kafka.common.utils.Utils.murmur2, to tell a wrong hash from a wrong sign
	}{
		{"", [2]int32{0, 1}, 275646681},
		{"0", [2]int32{2, 6}, 971027396},
		{"1", [2]int32{0, 9}, -1993445489},
		{"20", [2]int32{1, 2}, -999018406},
		{"21", [2]int32{0, 0}, -973932308},
		{"25", [2]int32{0, 7}, -22476851},
		{"30", [2]int32{0, 3}, -1700759705},
		{"33", [2]int32{0, 7}, -409806641},
		{"42", [2]int32{1, 2}, 417700972},
		{"60", [2]int32{0, 5}, 311535855},
		{"key", [2]int32{1, 1}, -1079937367},
		{"greeting-1", [2]int32{2, 6}, 845280206},
		{"kafka", [2]int32{1, 0}, -798503068},
		{"a-longer-key-of-twenty-nine-b", [2]int32{1, 6}, 1187557036},
		{"안녕하세요", [2]int32{1, 2}, 394177072},
		{"카프카", [2]int32{1, 1}, -1792248277},
		{"☕", [2]int32{1, 0}, 996485380},
		{"\x00", [2]int32{2, 8}, 375494588},
		{"abc", [2]int32{0, 7}, 479470107},
		{"abcd", [2]int32{2, 0}, -1323649548},
		{"abcde", [2]int32{1, 1}, 461995741},
	}
	for column, partitions := range []int32{3, 10} {
		topic := c.topic(t, partitions)
		var messages []*sarama.ProducerMessage
		for _, p := range placements {
			messages = append(messages, &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(p.key)})
		}
		c.send(t, messages...)
		for i, p := range placements {
			if got := messages[i].Partition; got != p.want[column] {
				t.Errorf("key %q (murmur2 %d) is in partition %d of %d, Java puts it into %d", p.key, p.murmur2, got, partitions, p.want[column])
			}
		}
	}
}

func keepRecord(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	at := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	headers := []sarama.RecordHeader{
		{Key: []byte("id"), Value: []byte("7f3a")},
		{Key: []byte("binary"), Value: []byte{0, 0xff, 0x80}},
		{Key: []byte("twice"), Value: []byte("1")},
		{Key: []byte("twice"), Value: []byte("2")},
		{Key: []byte("empty"), Value: []byte{}},
	}
	sent := []*sarama.ProducerMessage{
		{Topic: topic, Key: sarama.StringEncoder("키"), Value: sarama.ByteEncoder{0, 1, 0xff}, Headers: headers, Timestamp: at},
		{Topic: topic, Key: sarama.StringEncoder("tombstone")}, // a null value
		{Topic: topic, Value: sarama.StringEncoder("no key")},
		{Topic: topic, Key: sarama.StringEncoder(""), Value: sarama.StringEncoder("")},
	}
	c.send(t, sent...)
	got := c.readAll(t, topic)
	if len(got) != len(sent) {
		t.Fatalf("%d records, want %d", len(got), len(sent))
	}

	first := got[0]
	if string(first.Key) != "키" || !slices.Equal(first.Value, []byte{0, 1, 0xff}) || !first.Timestamp.Equal(at) {
		t.Errorf("got key %q, value %v, timestamp %v (want %v)", first.Key, first.Value, first.Timestamp, at)
	}
	if len(first.Headers) != len(headers) {
		t.Fatalf("%d headers, want %d", len(first.Headers), len(headers))
	}
	for i, h := range first.Headers { // in order, doubles too
		if string(h.Key) != string(headers[i].Key) || string(h.Value) != string(headers[i].Value) {
			t.Errorf("header %d is %s=%q, want %s=%q", i, h.Key, h.Value, headers[i].Key, headers[i].Value)
		}
	}
	if got[1].Value != nil || string(got[1].Key) != "tombstone" {
		t.Errorf("the tombstone came back as %q: %q", got[1].Key, got[1].Value)
	}
	if got[2].Key != nil {
		t.Errorf("no key came back as %q", got[2].Key)
	}
	if got[3].Key == nil || got[3].Value == nil {
		t.Error("an empty key or value came back as none")
	}
	for i, r := range got {
		if r.Offset != int64(i) || sent[i].Offset != int64(i) {
			t.Errorf("record %d is at offset %d, the producer was told %d", i, r.Offset, sent[i].Offset)
		}
		if age := time.Since(r.Timestamp); i > 0 && (age < -time.Minute || age > time.Hour/2) {
			t.Errorf("record %d has the timestamp %v, want now", i, r.Timestamp)
		}
	}
}

func keepOrder(t *testing.T, c *cluster) {
	const n = 500
	topic := c.topic(t, 2)
	producer, err := kafka.NewAsyncProducer(t.Context(), c.Kafka, c.sarama(t), func(m *sarama.ProducerMessage, err error) {
		if err != nil {
			t.Errorf("%s: %v", m.Value, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := producer.Send(t.Context(), &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(i % 7)), Value: sarama.StringEncoder(fmt.Sprintf("%03d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}

	all := c.readAll(t, topic)
	if len(all) != n {
		t.Fatalf("%d records, want %d", len(all), n)
	}
	for i := 1; i < len(all); i++ {
		before, now := all[i-1], all[i]
		if before.Partition == now.Partition && (now.Offset != before.Offset+1 || string(now.Value) <= string(before.Value)) {
			t.Fatalf("partition %d has %s at %d and then %s at %d", now.Partition, before.Value, before.Offset, now.Value, now.Offset)
		}
	}
}

func findByTime(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	start := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	var messages []*sarama.ProducerMessage
	for i := range 5 { // one batch: the broker must look into it
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i)), Timestamp: start.Add(time.Duration(i) * time.Minute)})
	}
	c.send(t, messages...)
	for _, test := range []struct {
		at   time.Duration
		want int64
	}{{-time.Minute, 0}, {0, 0}, {time.Millisecond, 1}, {3 * time.Minute, 3}, {4 * time.Minute, 4}, {5 * time.Minute, 5}} {
		got, err := c.admin.OffsetAt(t.Context(), topic, 0, start.Add(test.at))
		if err != nil || got != test.want {
			t.Errorf("the offset at start%+v is %d (%v), want %d", test.at, got, err, test.want)
		}
	}
}

func spreadKeyless(t *testing.T, c *cluster) {
	topic := c.topic(t, 3)
	var messages []*sarama.ProducerMessage
	for i := range 300 {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(fmt.Sprint(i))})
	}
	c.send(t, messages...)
	d := c.describe(t, topic)
	if d.Records() != 300 {
		t.Errorf("%d records, want 300", d.Records())
	}
	for _, p := range d.Partitions {
		if p.End == 0 {
			t.Errorf("partition %d is empty", p.ID)
		}
	}
}

func refuseLarge(t *testing.T, c *cluster) {
	topic := c.topic(t, 1)
	sc := c.sarama(t)
	sc.Producer.MaxMessageBytes = 4 << 20 // let the broker refuse
	producer := c.producer(t, sc)
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(make([]byte, 2<<20))}); err == nil {
		t.Error("2 MiB were accepted, Kafka's default limit is 1 MiB")
	}
	if _, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("small")}); err != nil || offset != 0 {
		t.Errorf("the next record is at %d (%v), want 0", offset, err)
	}
}
