package kafka

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// contextDialer dials connections that break when a context ends, whatever happens on them. sarama passes no context,
// limits the wait for each answer while it tries up to three requests, and does not limit the TLS handshake.
type contextDialer struct{ ctx context.Context }

func (d contextDialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(d.ctx, network, addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(d.ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // fails on a closed connection only
	return &contextConn{Conn: conn, stop: stop}, nil
}

// contextConn has the deadline of its context and takes no other.
type contextConn struct {
	net.Conn
	stop func() bool
}

func (c *contextConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

func (*contextConn) SetDeadline(time.Time) error      { return nil }
func (*contextConn) SetReadDeadline(time.Time) error  { return nil }
func (*contextConn) SetWriteDeadline(time.Time) error { return nil }

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
