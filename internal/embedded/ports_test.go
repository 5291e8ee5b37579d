package embedded_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/localport"
	"kafkahandson/internal/localport/localporttest"
)

// startOnPorts starts a Kafka on preferred ports that nobody else has.
func startOnPorts(t *testing.T) (*embedded.Kafka, []int) {
	t.Helper()
	ports := localporttest.Free(t, 3)
	return startKafka(t, embedded.KafkaOptions{Dir: t.TempDir(), Ports: ports}), ports
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPreferredPorts(t *testing.T) {
	t.Parallel()
	first, ports := startOnPorts(t)
	for i, addr := range first.Brokers() {
		if portOf(t, addr) != ports[i] {
			t.Errorf("broker %d is at %s, want port %d", i, addr, ports[i])
		}
	}

	second := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir(), Ports: ports})
	if second.TakenPort != ports[0] {
		t.Errorf("the taken port is %d, want %d", second.TakenPort, ports[0])
	}
	for _, addr := range second.Brokers() {
		if slices.Contains(ports, portOf(t, addr)) {
			t.Errorf("%s belongs to the first", addr)
		}
	}
	for _, server := range []*embedded.Kafka{first, second} { // both work
		newAdmin(t, server.Brokers())
	}

	if holder := localport.Holder(t.Context(), second.TakenPort); !strings.HasSuffix(holder, fmt.Sprintf(" (pid %d)", os.Getpid())) || strings.HasPrefix(holder, "?") {
		t.Errorf("port %d is said to be held by %q", second.TakenPort, holder)
	}
	if holder := localport.Holder(t.Context(), localporttest.Free(t, 1)[0]); holder != "" {
		t.Errorf("a free port is said to be held by %q", holder)
	}
}

func TestOnePortIsTaken(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := portOf(t, ln.Addr().String())
	ports := append(localporttest.Free(t, 2), taken)
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir(), Ports: ports})
	if server.TakenPort != taken {
		t.Errorf("the taken port is %d, want %d", server.TakenPort, taken)
	}
	newAdmin(t, server.Brokers())
}
