package faultproxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/IBM/sarama"
	driver "github.com/go-sql-driver/mysql"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/faultproxy"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
)

// Whatever it is, it passes in both directions, until it is cut; what is made anew after Restore passes again.
func TestCutAndRestore(t *testing.T) {
	ln, other := listen(t), listen(t)
	proxy := start(t, ln.Addr().String(), other.Addr().String())
	for range 2 {
		client, server := pair(t, proxy, ln)
		otherClient, otherServer := pair(t, proxy, other)
		carry(t, client, server, []byte("\x16\x03no protocol of any kind"))
		carry(t, server, client, []byte("and back"))
		for range 2 { // to cut what is cut is no mistake
			proxy.Cut(faultproxy.Refuse)
		}
		for _, conn := range []net.Conn{client, server, otherClient, otherServer} {
			requireEnd(t, conn)
		}
		requireRefused(t, proxy, ln)
		requireRefused(t, proxy, other)
		for range 2 {
			proxy.Restore()
		}
	}
	client, server := pair(t, proxy, ln)
	carry(t, client, server, []byte("as before"))
}

// requireRefused connects, and requires that nothing comes of it.
func requireRefused(t *testing.T, proxy *faultproxy.Proxy, ln net.Listener) {
	t.Helper()
	conn, err := net.Dial("tcp", proxy.Addresses()[ln.Addr().String()])
	if err != nil {
		return // it has been faster than the dialler
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	requireEnd(t, conn)
}

// Who connects meanwhile is served after Restore, unless something else ends it before.
func TestHang(t *testing.T) {
	ln := listen(t)
	proxy := start(t, ln.Addr().String())
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", proxy.Addresses()[ln.Addr().String()])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	before, server := pair(t, proxy, ln)
	proxy.Cut(faultproxy.Hang)
	requireEnd(t, before)
	requireEnd(t, server)
	client := dial()
	if _, err := io.WriteString(client, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := ln.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if conn, err := ln.Accept(); err == nil {
		t.Errorf("%v has reached the server", conn.RemoteAddr())
	}
	if err := ln.(*net.TCPListener).SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	proxy.Restore()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	hello := make([]byte, 5)
	if _, err := io.ReadFull(server, hello); err != nil || string(hello) != "hello" {
		t.Errorf("the server was told %q (%v)", hello, err)
	}
	carry(t, server, client, []byte("welcome"))

	for _, end := range []func(){func() { proxy.Cut(faultproxy.Refuse) }, proxy.Close} {
		proxy.Cut(faultproxy.Hang)
		client := dial()
		end()
		requireEnd(t, client)
	}
}

// A producer and a consumer outlast the cut, and nothing that was acknowledged is missing.
func TestKafkaIsCutAndRestored(t *testing.T) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	direct := kafka.Config{Brokers: server.Brokers()}
	if err := admin.EnsureTopic(t.Context(), direct, "orders", 1); err != nil {
		t.Fatal(err)
	}
	proxy := start(t, server.Brokers()...)
	through := kafka.Config{Brokers: server.Brokers(), Proxies: proxy.Addresses()}
	producer, outside := syncProducer(t, through), syncProducer(t, direct)
	consumer, err := sarama.NewConsumerFromClient(client(t, through))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = consumer.Close() }()
	records, err := consumer.ConsumePartition("orders", 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	requireNext := func(want string) {
		t.Helper()
		if m := await.Value(t, "record "+want, records.Messages()); m == nil || string(m.Value) != want {
			t.Fatalf("got %+v, want %q", m, want)
		}
	}

	send(t, producer, "before")
	requireNext("before")
	for _, outage := range []faultproxy.Outage{faultproxy.Refuse, faultproxy.Hang} {
		proxy.Cut(outage)
		if id, err := kafka.ClusterID(t.Context(), proxy.Addresses()[server.Brokers()[0]]); err == nil {
			t.Errorf("through the proxy cluster %s answers", id)
		}
		send(t, outside, "meanwhile") // the broker goes on
		sent := make(chan error, 1)
		go func() {
			_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "orders", Value: sarama.StringEncoder("after")})
			sent <- err
		}()
		if len(sent)+len(records.Messages()) != 0 {
			t.Error("something has passed")
		}
		proxy.Restore()
		if err := <-sent; err != nil {
			t.Errorf("send: %v", err)
		}
		requireNext("meanwhile")
		requireNext("after")
	}
}

func client(t *testing.T, cfg kafka.Config) sarama.Client {
	t.Helper()
	client, err := kafka.NewClient(t.Context(), cfg, patient(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func syncProducer(t *testing.T, cfg kafka.Config) sarama.SyncProducer {
	t.Helper()
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, patient(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return producer
}

// patient tries again quickly, and as often as it takes.
func patient(t *testing.T, cfg kafka.Config) *sarama.Config {
	t.Helper()
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Producer.Retry.Max, sc.Producer.Retry.Backoff = 1000, 20*time.Millisecond
	sc.Metadata.Retry.Backoff, sc.Consumer.Retry.Backoff = 20*time.Millisecond, 20*time.Millisecond
	sc.Consumer.MaxWaitTime = 20 * time.Millisecond
	return sc
}

func send(t *testing.T, producer sarama.SyncProducer, value string) {
	t.Helper()
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "orders", Value: sarama.StringEncoder(value)}); err != nil {
		t.Fatal(err)
	}
}

// A transaction under way is lost with its connection, and the pool that lived through it goes on after Restore.
func TestMySQLIsCutAndRestored(t *testing.T) {
	db, direct := mysqltest.Database(t, mysqltest.Server(t))
	type row struct{ ID int }
	if err := mysql.Migrate(t.Context(), db, &row{}); err != nil {
		t.Fatal(err)
	}
	dsn, err := direct.FormatDSN()
	if err != nil {
		t.Fatal(err)
	}
	dc, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	proxy := start(t, dc.Addr)
	dc.Addr = proxy.Addresses()[dc.Addr]
	through := mysqltest.Open(t, mysql.Config{DSN: dc.FormatDSN()})

	var want []row
	for i, outage := range []faultproxy.Outage{faultproxy.Refuse, faultproxy.Hang} {
		lost := through.Begin()
		if err := lost.Create(&row{ID: -1}).Error; err != nil {
			t.Fatal(err)
		}
		proxy.Cut(outage)
		if err := lost.Commit().Error; !mysql.IsConnectionLost(err) {
			t.Errorf("the transaction ends with %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := through.WithContext(ctx).Create(&row{ID: -2}).Error
		cancel()
		switch {
		case outage == faultproxy.Refuse && !mysql.IsConnectionLost(err):
			t.Errorf("refused: %v", err)
		case outage == faultproxy.Hang && !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("hanging: %v", err)
		}
		if err := db.Create(&row{ID: 2*i + 1}).Error; err != nil { // the server goes on
			t.Error(err)
		}
		proxy.Restore()
		if err := through.Create(&row{ID: 2*i + 2}).Error; err != nil {
			t.Errorf("after the cut: %v", err)
		}
		want = append(want, row{2*i + 1}, row{2*i + 2})
	}
	var got []row
	if err := db.Order("id").Find(&got).Error; err != nil || len(got) != len(want) {
		t.Errorf("stored %v (%v), want %v", got, err, want)
	}
}
