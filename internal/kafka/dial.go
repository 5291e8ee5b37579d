package kafka

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// deadlineDialer dials connections that end at a deadline, whatever happens on them. sarama limits the wait for each
// answer, and tries up to three requests; it does not limit the TLS handshake.
type deadlineDialer struct {
	ctx     context.Context // of the dialling; sarama passes none
	timeout time.Duration
}

func (d *deadlineDialer) Dial(network, addr string) (net.Conn, error) {
	deadline := time.Now().Add(d.timeout)
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(d.ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return deadlineConn{conn}, conn.SetDeadline(deadline)
}

// deadlineConn keeps the deadline it has.
type deadlineConn struct{ net.Conn }

func (deadlineConn) SetDeadline(time.Time) error      { return nil }
func (deadlineConn) SetReadDeadline(time.Time) error  { return nil }
func (deadlineConn) SetWriteDeadline(time.Time) error { return nil }

// breakableDialer dials connections that can be broken, which ends every wait for an answer on them. sarama's JoinGroup
// waits for the other members and knows no context.
type breakableDialer struct {
	dialer interface {
		Dial(network, addr string) (net.Conn, error)
	}
	mu    sync.Mutex
	conns []net.Conn
}

// newBreakableDialer dials as sc says, and makes sc dial through it.
func newBreakableDialer(sc *sarama.Config) *breakableDialer {
	d := &breakableDialer{dialer: &net.Dialer{Timeout: sc.Net.DialTimeout, KeepAlive: sc.Net.KeepAlive, LocalAddr: sc.Net.LocalAddr}}
	if sc.Net.Proxy.Enable {
		d.dialer = sc.Net.Proxy.Dialer
	}
	sc.Net.Proxy.Enable, sc.Net.Proxy.Dialer = true, d
	return d
}

func (d *breakableDialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := d.dialer.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, conn)
	return conn, nil
}

// breakAll closes the connections of now. New ones can be dialled.
func (d *breakableDialer) breakAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.conns {
		_ = conn.Close() // it may be closed already
	}
	d.conns = nil
}
