package kafka_test

import (
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"kafkahandson/internal/kafka"
)

func TestProxiesAreReadBack(t *testing.T) {
	t.Parallel()
	want := map[string]string{"localhost:9092": "127.0.0.1:19092", "[::1]:9093": "127.0.0.1:19093"}
	env := map[string]string{}
	for _, assignment := range (kafka.Config{Proxies: want}).Environ() {
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
	}
	if got, err := kafka.FromEnv(getenv(env)); err != nil || !reflect.DeepEqual(got.Proxies, want) {
		t.Errorf("got %v (%v), want %v", got.Proxies, err, want)
	}
	for _, bad := range []string{"localhost:9092", "=127.0.0.1:19092", "localhost:9092=", "a=b,c"} {
		_, err := kafka.FromEnv(getenv(map[string]string{kafka.EnvProxies: bad}))
		requireProblem(t, err, kafka.EnvProxies, bad, "broker=proxy")
	}
}

// A broker with a proxy is reached through it, whatever its own address; one without is dialled directly.
func TestProxiesAreDialled(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	addr := ln.Addr().String()
	sc, err := kafka.Config{
		Brokers: []string{"broker.invalid:9092"},
		Proxies: map[string]string{"broker.invalid:9092": addr},
	}.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range []string{"broker.invalid:9092", addr} {
		conn, err := sc.Net.Proxy.Dialer.Dial("tcp", broker)
		if err != nil {
			t.Fatalf("dial %s: %v", broker, err)
		}
		if conn.RemoteAddr().String() != addr {
			t.Errorf("%s is reached at %s, want %s", broker, conn.RemoteAddr(), addr)
		}
		accepted, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		if _, err := accepted.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("read: %v, want %v", err, io.EOF)
		}
		_ = accepted.Close()
	}
	if sc, err := (kafka.Config{Brokers: []string{addr}}).Sarama(); err != nil || sc.Net.Proxy.Enable {
		t.Errorf("without proxies there is no dialer: %v, %v", sc.Net.Proxy.Enable, err)
	}
}
