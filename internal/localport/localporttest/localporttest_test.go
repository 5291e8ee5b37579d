package localporttest_test

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"

	"kafkahandson/internal/localport/localporttest"
)

func TestFree(t *testing.T) {
	seen := map[int]bool{}
	for range 10 {
		for _, port := range localporttest.Free(t, 100) {
			if seen[port] {
				t.Fatalf("port %d is given twice", port)
			}
			seen[port] = true
		}
	}
	for port := range seen {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What a test has claimed is another's when the test has ended.
func TestClaimsEnd(t *testing.T) {
	for range 201 { // more than there are ports, in all
		t.Run("", func(t *testing.T) { localporttest.Free(t, 100) })
	}
}

func TestClosed(t *testing.T) {
	if conn, err := net.Dial("tcp", localporttest.Closed(t)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialing says %v (%v)", err, conn)
	}
}
