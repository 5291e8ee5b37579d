package embedded_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
)

// startFaulty starts a Kafka with the topics "orders" and "other", and its control.
func startFaulty(t *testing.T) (*embedded.Kafka, *embedded.Control) {
	t.Helper()
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
	admin := newAdmin(t, server.Brokers())
	for _, topic := range []string{"orders", "other"} {
		if err := admin.CreateTopic(t.Context(), topic, 1, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	return server, embedded.NewControl(server.State())
}

func inject(t *testing.T, control *embedded.Control, f embedded.Fault) *embedded.Injected {
	t.Helper()
	injected, err := control.Inject(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return injected
}

func requireHits(t *testing.T, fault *embedded.Injected, want int) {
	t.Helper()
	if hits, err := fault.Hits(t.Context()); err != nil || hits != want {
		t.Errorf("%d hits (%v), want %d", hits, err, want)
	}
}

// once is a producer that is not idempotent and tries this often.
func once(t *testing.T, server *embedded.Kafka, tries int) sarama.SyncProducer {
	t.Helper()
	sc := kafkaConfig(t, server.Brokers())
	sc.Producer.Idempotent = false
	sc.Producer.Retry.Max, sc.Producer.Retry.Backoff = tries-1, time.Millisecond
	producer, err := kafka.NewSyncProducer(t.Context(), kafka.Config{Brokers: server.Brokers()}, sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := producer.Close(); err != nil {
			t.Error(err)
		}
	})
	return producer
}

func send(producer sarama.SyncProducer, topic string) error {
	_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x")})
	return err
}

func stored(t *testing.T, server *embedded.Kafka, topic string) int64 {
	t.Helper()
	d, err := newAdmin(t, server.Brokers()).DescribeTopic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return d.Records()
}

func TestDropAck(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	fault := inject(t, control, embedded.Fault{Kind: embedded.DropAck, Topic: "orders", Count: 2})
	producer := once(t, server, 1)
	for range 2 {
		if err := send(producer, "orders"); !errors.Is(err, sarama.ErrRequestTimedOut) {
			t.Errorf("got %v", err)
		}
	}
	if err := send(producer, "orders"); err != nil { // used up
		t.Error(err)
	}
	requireHits(t, fault, 2)
	if n := stored(t, server, "orders"); n != 3 {
		t.Errorf("%d records are stored, want 3: the acknowledgement is lost, not the record", n)
	}
}

func TestNotLeader(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	fault := inject(t, control, embedded.Fault{Kind: embedded.NotLeader, Topic: "orders", Count: 1})
	producer := once(t, server, 1)
	if err := send(producer, "other"); err != nil {
		t.Errorf("the fault is for another topic: %v", err)
	}
	requireHits(t, fault, 0)
	if err := send(producer, "orders"); !errors.Is(err, sarama.ErrNotLeaderForPartition) {
		t.Errorf("got %v", err)
	}
	if err := send(producer, "orders"); err != nil {
		t.Error(err)
	}
	requireHits(t, fault, 1)
	if n := stored(t, server, "orders"); n != 1 {
		t.Errorf("%d records are stored, want 1", n)
	}
}

func TestFaultsAreRemoved(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	all := inject(t, control, embedded.Fault{Kind: embedded.NotLeader}) // every topic, every time
	producer := once(t, server, 1)
	for _, topic := range []string{"orders", "other", "orders"} {
		if err := send(producer, topic); !errors.Is(err, sarama.ErrNotLeaderForPartition) {
			t.Errorf("%s: got %v", topic, err)
		}
	}
	requireHits(t, all, 3)
	for range 2 {
		if err := all.Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := send(producer, "orders"); err != nil {
		t.Errorf("the fault is removed: %v", err)
	}
	if hits, err := all.Hits(t.Context()); err == nil {
		t.Errorf("a removed fault has %d hits", hits)
	}
}

func TestSlow(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	const delay = 300 * time.Millisecond
	fault := inject(t, control, embedded.Fault{Kind: embedded.Slow, Topic: "orders", Count: 2, Delay: delay})
	producer := once(t, server, 1)
	if err := send(producer, "other"); err != nil {
		t.Fatal(err)
	}
	requireHits(t, fault, 0)
	for range 2 {
		start := time.Now()
		if err := send(producer, "orders"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < delay {
			t.Errorf("it took %v, want %v or more", took, delay)
		}
	}
	requireHits(t, fault, 2)
	if err := send(producer, "orders"); err != nil {
		t.Error(err)
	}
	requireHits(t, fault, 2) // used up
}

func TestSlowTwice(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	const delay = 20 * time.Millisecond
	first := inject(t, control, embedded.Fault{Kind: embedded.Slow, Delay: delay})
	second := inject(t, control, embedded.Fault{Kind: embedded.Slow, Topic: "orders", Delay: delay})
	producer := once(t, server, 1)
	for range 10 {
		start := time.Now()
		if err := send(producer, "orders"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*delay {
			t.Errorf("it took %v: the delays add up to %v", took, 2*delay)
		}
	}
	if err := send(producer, "other"); err != nil {
		t.Error(err)
	}
	requireHits(t, first, 11)
	requireHits(t, second, 10)
}

func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	server, control := startFaulty(t)
	sendKafka(t, server.Brokers(), "orders", time.Time{}, "x")
	fault := inject(t, control, embedded.Fault{Kind: embedded.Slow, Topic: "orders", Delay: time.Hour})
	consumer, err := sarama.NewConsumerFromClient(kafkaClient(t, server.Brokers(), nil))
	if err != nil {
		t.Fatal(err)
	}
	records, err := consumer.ConsumePartition("orders", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	await.NoError(t, func() error {
		if hits, err := fault.Hits(t.Context()); err != nil || hits == 0 {
			return errors.Join(err, errors.New("nothing is slow"))
		}
		return nil
	})
	if len(records.Messages()) != 0 {
		t.Error("the record is there in no time")
	}
	if err := fault.Remove(t.Context()); err != nil { // wakes what it holds up
		t.Fatal(err)
	}
	<-records.Messages()
	if err := errors.Join(records.Close(), consumer.Close()); err != nil {
		t.Error(err)
	}
}

func TestUnknownFaults(t *testing.T) {
	t.Parallel()
	_, control := startFaulty(t)
	for want, f := range map[string]embedded.Fault{
		`unknown fault "earthquake"`: {Kind: "earthquake"},
		"needs a delay":              {Kind: embedded.Slow},
	} {
		if _, err := control.Inject(t.Context(), f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v", f, err)
		}
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	server, _ := startFaulty(t)
	state := server.State()
	state.Token = "guessed"
	stranger := embedded.NewControl(state)
	_, injectErr := stranger.Inject(t.Context(), embedded.Fault{Kind: embedded.NotLeader})
	for what, err := range map[string]error{
		"inject":   injectErr,
		"stop":     stranger.StopBroker(t.Context(), 0),
		"start":    stranger.StartBroker(t.Context(), 0),
		"shutdown": stranger.Shutdown(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), server.State().Token) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	resp, err := http.Get("http://" + state.Control + "/")
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a token: %s", resp.Status)
	}
	select {
	case <-server.ShutdownRequested():
		t.Error("a stranger has shut it down")
	default:
	}
	if err := send(once(t, server, 1), "orders"); err != nil {
		t.Errorf("a stranger has broken something: %v", err)
	}
}

// TestShutdown closes the Kafka as soon as it is asked to, as `lab up --embedded` does: the one who asks gets an answer
// all the same.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for range 20 {
		server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
		closed := make(chan error)
		go func() {
			<-server.ShutdownRequested()
			closed <- server.Close()
		}()
		if err := embedded.NewControl(server.State()).Shutdown(t.Context()); err != nil {
			t.Errorf("ask: %v", err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
}
