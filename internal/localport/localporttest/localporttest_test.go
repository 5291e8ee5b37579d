package localporttest_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"kafkahandson/internal/localport/localporttest"
)

func TestClosed(t *testing.T) {
	addr := localporttest.Closed(t)
	if conn, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialing says %v (%v)", err, conn)
	}
	if ln, err := net.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening says %v (%v)", err, ln)
	}
}
