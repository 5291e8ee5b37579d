package conformance

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/IBM/sarama"

	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/kafka"
)

func producerTests() []test {
	return []test{
		{"an asynchronous producer tells every fate exactly once", tellFates},
	}
}

func cutAcknowledgementTests() []test {
	return []test{{"a lost acknowledgement stores no duplicate", cutAcknowledgement}}
}

func droppedAcknowledgementTests() []test {
	return []test{{"a lost acknowledgement stores no duplicate", dropAcknowledgement}}
}

func tellFates(t *testing.T, c *cluster) {
	const n = 200
	topic := c.topic(t, 3)
	lost := map[int]*sarama.ProducerMessage{ // these cannot be stored
		0:     {Topic: topic, Value: sarama.ByteEncoder(make([]byte, 2<<20))},
		n / 2: {Topic: c.name()}, // a topic that is missing
		n - 1: {Topic: topic, Value: sarama.ByteEncoder(make([]byte, 2<<20))},
	}
	var (
		mu    sync.Mutex
		fates = map[int][]error{}
	)
	producer, err := kafka.NewAsyncProducer(t.Context(), c.Kafka, c.sarama(t), func(m *sarama.ProducerMessage, err error) {
		mu.Lock()
		defer mu.Unlock()
		i := m.Metadata.(int)
		fates[i] = append(fates[i], err)
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := lost[i]
		if m == nil {
			m = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(fmt.Sprint(i))}
		}
		m.Metadata = i
		if err := producer.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.Close(); err != nil { // waits for every fate
		t.Fatal(err)
	}

	for i := range n {
		told := fates[i]
		if len(told) != 1 || (told[0] != nil) != (lost[i] != nil) {
			t.Errorf("record %d (lost: %v) was told %v", i, lost[i] != nil, told)
		}
	}
	if stored, want := c.describe(t, topic).Records(), int64(n-len(lost)); stored != want {
		t.Errorf("%d records are stored, want %d", stored, want)
	}
}

// requireStored sends two records, the acknowledgement of the first of which is lost, with and without idempotence.
func requireStored(t *testing.T, c *cluster, lose func(t *testing.T, sc *sarama.Config, topic string) (lost func() bool)) {
	for name, test := range map[string]struct {
		idempotent bool
		want       []string
	}{
		"idempotent": {true, []string{"first", "second"}},
		"plain":      {false, []string{"first", "first", "second"}}, // the control: without idempotence it is stored twice
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := c.topic(t, 1)
			sc := c.sarama(t)
			sc.Producer.Idempotent = test.idempotent
			lost := lose(t, sc, topic)
			producer := c.producer(t, sc)
			for _, value := range []string{"first", "second"} {
				if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}); err != nil {
					t.Fatal(err)
				}
			}
			if !lost() {
				t.Fatal("no acknowledgement was lost")
			}
			if got := values(c.readAll(t, topic)); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("stored %v, want %v", got, test.want)
			}
		})
	}
}

func dropAcknowledgement(t *testing.T, c *cluster) {
	requireStored(t, c, func(_ *testing.T, _ *sarama.Config, topic string) func() bool { return c.DropAck(topic) })
}

func cutAcknowledgement(t *testing.T, c *cluster) {
	requireStored(t, c, func(t *testing.T, sc *sarama.Config, _ string) func() bool {
		brokers := slices.Clone(c.Kafka.Brokers)
		for _, b := range c.admin.Brokers() { // what clients dial after the first answer
			brokers = append(brokers, b.Addr)
		}
		proxy, err := faultproxy.StartAckLoser(brokers...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		proxy.LoseAcks(0, 1)
		through, err := kafka.Config{Brokers: brokers, Proxies: proxy.Addresses()}.Sarama()
		if err != nil {
			t.Fatal(err)
		}
		sc.Net.Proxy = through.Net.Proxy
		return func() bool { return proxy.Lost() == 1 }
	})
}
