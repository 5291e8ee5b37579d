// Package localporttest has ports for tests, which no other test gets meanwhile.
package localporttest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Systems hand out ports above these by themselves.
const (
	first = 12_000
	last  = 32_000
)

// Free returns n ports of 127.0.0.1 at which nobody listens. Until the end of the test they are its own: to listen at, or
// not. A port that was only free a moment ago may be the next that a server gets, in this process or in another.
func Free(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	start := rand.IntN(last - first)
	for i := range last - first {
		if len(ports) == n {
			return ports
		}
		port := first + (start+i)%(last-first)
		if claim(t, port) {
			ports = append(ports, port)
		}
	}
	t.Fatalf("%d free ports, want %d", len(ports), n)
	return nil
}

// claim tells whether a port is free and nobody has claimed it yet. Who has the UDP port of the same number has the claim.
func claim(t testing.TB, port int) bool {
	t.Helper()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		_ = udp.Close() // nothing was sent
		return false
	}
	_ = ln.Close() // it was free
	t.Cleanup(func() {
		if err := udp.Close(); err != nil {
			t.Error(err)
		}
	})
	return true
}

// Closed returns an address of 127.0.0.1 at which nobody listens until the end of the test.
func Closed(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Free(t, 1)[0]))
}
