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

// TestFullBacklog connects to a listener that accepts nothing and whose queue is full, so that the connection is
// neither made nor refused, as behind a firewall. Linux drops what does not fit into the queue.
func TestFullBacklog(t *testing.T) {
	t.Parallel()
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
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}

	start := time.Now()
	err = connect(t, kafka.Config{Brokers: []string{addr.String()}})
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
	requireProblem(t, err, "no Kafka answers", addr.String(), "no answer within 2s")
}
