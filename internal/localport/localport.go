// Package localport tells who has the TCP ports of this computer.
package localport

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	psnet "github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// Taken tells whether another program has a TCP port of 127.0.0.1. Who may listen there is not alone for sure: macOS
// allows it beside a program that listens on all addresses. So it looks for an answer, too.
func Taken(port int) bool {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return true
	}
	_ = ln.Close() // it was free
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close() // that it came up is the answer
	return true
}

// Holder names the process that listens on a TCP port: "nginx (pid 812)". It is "" when the system does not tell,
// as for processes of other users.
func Holder(ctx context.Context, port int) string {
	conns, err := psnet.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return ""
	}
	for _, c := range conns {
		if c.Status != "LISTEN" || int(c.Laddr.Port) != port || c.Pid == 0 {
			continue
		}
		name := "?"
		if p, err := process.NewProcessWithContext(ctx, c.Pid); err == nil {
			if n, err := p.NameWithContext(ctx); err == nil {
				name = n
			}
		}
		return fmt.Sprintf("%s (pid %d)", name, c.Pid)
	}
	return ""
}
