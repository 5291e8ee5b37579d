package kafka_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"kafkahandson/internal/kafka"
)

// blackHole returns an address that neither makes nor refuses a connection, as behind a firewall: that of a listener
// which accepts nothing and whose queue is full. Linux drops what does not fit into the queue.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Close(fd); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for { // fill the queue
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
		cancel()
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return addr.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func TestBlackHole(t *testing.T) {
	t.Parallel()
	addr := blackHole(t)
	start := time.Now()
	err := connect(t, kafka.Config{Brokers: []string{addr}})
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
	requireProblem(t, err, "no Kafka answers", addr, "no answer within 2s")
}

// TestSilentSeedAndBlackHole has both waits: for a seed that does not answer, and for a broker that cannot be reached.
func TestSilentSeedAndBlackHole(t *testing.T) {
	t.Parallel()
	advertised := blackHole(t)
	seed := startMisadvertised(t, advertised)
	start := time.Now()
	err := connect(t, kafka.Config{Brokers: []string{silentPort(t), seed}})
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
	requireProblem(t, err, seed, advertised+": no answer within", "advertised.listeners")
}
