package faultproxy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// With a real producer and a real broker: each lost acknowledgement stores the record once more, unless the producer is
// idempotent; the producer hears of each record once.
func TestLostAcknowledgements(t *testing.T) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	for name, test := range map[string]struct {
		idempotent  bool
		after, lose int
		want        []string
	}{
		"no fault":           {false, 0, 0, []string{"a", "b", "c"}},
		"plain, first":       {false, 0, 1, []string{"a", "a", "b", "c"}},
		"plain, second":      {false, 1, 1, []string{"a", "b", "b", "c"}},
		"plain, two":         {false, 1, 2, []string{"a", "b", "b", "b", "c"}},
		"idempotent, second": {true, 1, 1, []string{"a", "b", "c"}},
		"idempotent, two":    {true, 0, 2, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := startAckLoser(t, server.Brokers()...)
			cfg := kafka.Config{Brokers: server.Brokers(), Proxies: proxy.Addresses()}
			topic := fmt.Sprintf("%t-%d-%d", test.idempotent, test.after, test.lose)
			if err := admin.EnsureTopic(t.Context(), cfg, topic, 1); err != nil {
				t.Fatal(err)
			}
			sc, err := cfg.Sarama()
			if err != nil {
				t.Fatal(err)
			}
			sc.Producer.Idempotent = test.idempotent
			producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = producer.Close() }()
			proxy.LoseAcks(test.after, test.lose)
			for _, value := range []string{"a", "b", "c"} {
				if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}); err != nil {
					t.Fatalf("%s: %v", value, err)
				}
			}
			if got := stored(t, cfg, sc, topic); !slices.Equal(got, test.want) {
				t.Errorf("stored %v, want %v", got, test.want)
			}
			if proxy.Lost() != test.lose {
				t.Errorf("%d acknowledgements were lost, want %d", proxy.Lost(), test.lose)
			}
		})
	}
}

func stored(t *testing.T, cfg kafka.Config, sc *sarama.Config, topic string) []string {
	t.Helper()
	client, err := kafka.NewClient(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	end, err := client.GetOffset(topic, 0, sarama.OffsetNewest)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = consumer.Close() }()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = partition.Close() }()
	var values []string
	for range end {
		select {
		case m := <-partition.Messages():
			values = append(values, string(m.Value))
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	return values
}

func start(t *testing.T, servers ...string) *faultproxy.Proxy {
	t.Helper()
	proxy, err := faultproxy.Start(servers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

func startAckLoser(t *testing.T, brokers ...string) *faultproxy.AckLoser {
	t.Helper()
	proxy, err := faultproxy.StartAckLoser(brokers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

// message is a request or response: length, header, body.
func message(header []byte, body []byte) []byte {
	m := binary.BigEndian.AppendUint32(nil, uint32(len(header)+len(body)))
	return append(append(m, header...), body...)
}

func request(key uint16, correlation uint32, body []byte) []byte {
	header := binary.BigEndian.AppendUint16(nil, key)
	header = binary.BigEndian.AppendUint16(header, 9) // version
	return message(binary.BigEndian.AppendUint32(header, correlation), body)
}

func response(correlation uint32, body []byte) []byte {
	return message(binary.BigEndian.AppendUint32(nil, correlation), body)
}

// pair is a client's connection through the proxy, and the end of it at the broker.
func pair(t *testing.T, proxy *faultproxy.Proxy, ln net.Listener) (client, broker net.Conn) {
	t.Helper()
	client, err := net.Dial("tcp", proxy.Addresses()[ln.Addr().String()])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	broker, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	for _, conn := range []net.Conn{client, broker} {
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return client, broker
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// carry writes a message at one end and requires it, unchanged, at the other.
func carry(t *testing.T, from, to net.Conn, m []byte) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(m)
		sent <- err
	}()
	got := make([]byte, len(m))
	if _, err := io.ReadFull(to, got); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, m) {
		t.Fatalf("%d bytes arrived changed", len(m))
	}
}

func requireEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	if n > 0 || err == nil || (errors.As(err, &timeout) && timeout.Timeout()) {
		t.Errorf("read %d bytes (%v), want the end of the connection", n, err)
	}
}

// Requests of all sizes, several in flight, answered in their order: only the one Produce request loses its answer, and
// its connection.
func TestOnlyTheAcknowledgementIsLost(t *testing.T) {
	const produce, fetch = 0, 1
	ln := listen(t)
	proxy := startAckLoser(t, ln.Addr().String())
	proxy.LoseAcks(1, 1)
	client, broker := pair(t, proxy.Proxy, ln)
	big := bytes.Repeat([]byte("x"), 3<<20)
	carry(t, client, broker, request(fetch, 1, nil))
	carry(t, client, broker, request(produce, 2, big)) // passes
	carry(t, client, broker, request(fetch, 3, []byte("…")))
	carry(t, client, broker, request(produce, 4, []byte("lost"))) // reaches the broker all the same
	carry(t, client, broker, request(fetch, 5, nil))
	carry(t, broker, client, response(1, big))
	carry(t, broker, client, response(2, nil))
	carry(t, broker, client, response(3, []byte("…")))
	if proxy.Lost() != 0 {
		t.Errorf("%d acknowledgements are lost too early", proxy.Lost())
	}
	if _, err := broker.Write(response(4, []byte("acknowledged"))); err != nil {
		t.Fatal(err)
	}
	requireEnd(t, client)
	requireEnd(t, broker)
	if proxy.Lost() != 1 {
		t.Errorf("%d acknowledgements are lost, want 1", proxy.Lost())
	}

	client, broker = pair(t, proxy.Proxy, ln) // from now on it is transparent
	carry(t, client, broker, request(produce, 4, []byte("again")))
	carry(t, broker, client, response(4, nil))
	if proxy.Lost() != 1 {
		t.Errorf("%d acknowledgements are lost, want 1", proxy.Lost())
	}
}

// A message that comes in pieces is still one message.
func TestPieces(t *testing.T) {
	ln := listen(t)
	proxy := startAckLoser(t, ln.Addr().String())
	client, broker := pair(t, proxy.Proxy, ln)
	proxy.LoseAcks(0, 1)
	m := request(0, 7, []byte("in pieces"))
	for _, b := range m {
		if _, err := client.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(m))
	if _, err := io.ReadFull(broker, got); err != nil || !bytes.Equal(got, m) {
		t.Fatalf("got %q (%v), want %q", got, err, m)
	}
	for _, b := range response(7, nil) {
		if _, err := broker.Write([]byte{b}); err != nil {
			break // cut when it has seen enough
		}
	}
	requireEnd(t, client)
	if proxy.Lost() != 1 {
		t.Errorf("%d acknowledgements are lost, want 1", proxy.Lost())
	}
}

// What is not Kafka's protocol, a TLS handshake for instance, ends the connection instead of hanging.
func TestAnotherProtocol(t *testing.T) {
	ln := listen(t)
	proxy := startAckLoser(t, ln.Addr().String())
	for _, opening := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x00\x00\x00\x01x-and-more-of-it"} {
		client, broker := pair(t, proxy.Proxy, ln)
		if _, err := io.WriteString(client, opening); err != nil {
			t.Fatal(err)
		}
		requireEnd(t, client)
		requireEnd(t, broker)
	}
}

// One end hangs up, and so does the other; a broker that is down is a connection that breaks.
func TestHangUp(t *testing.T) {
	ln := listen(t)
	proxy := start(t, ln.Addr().String())
	client, broker := pair(t, proxy, ln)
	_ = client.Close()
	requireEnd(t, broker)
	client, broker = pair(t, proxy, ln)
	_ = broker.Close()
	requireEnd(t, client)

	_ = ln.Close()
	client, err := net.Dial("tcp", proxy.Addresses()[ln.Addr().String()])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	requireEnd(t, client)
}

// Close cuts what is open, waits for its goroutines (goleak sees to that) and frees the ports.
func TestClose(t *testing.T) {
	ln, other := listen(t), listen(t)
	proxy := start(t, ln.Addr().String(), other.Addr().String(), ln.Addr().String())
	if len(proxy.Addresses()) != 2 {
		t.Errorf("addresses %v, want two", proxy.Addresses())
	}
	client, broker := pair(t, proxy, ln)
	carry(t, client, broker, request(1, 1, nil))
	proxy.Close()
	proxy.Close()
	requireEnd(t, client)
	requireEnd(t, broker)
	for _, addr := range proxy.Addresses() {
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			t.Errorf("%s still listens", addr)
		}
	}
}
