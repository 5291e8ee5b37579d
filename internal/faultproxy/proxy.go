// Package faultproxy breaks connections on purpose: a TCP proxy in front of each server, which can be cut and restored
// ([Proxy]). It works with Kafka and MySQL, wherever they come from, because it needs nothing of them. In front of Kafka's
// brokers it can lose acknowledgements as well ([AckLoser]).
package faultproxy

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"
)

// Proxy is a TCP proxy in front of each of some servers. It passes everything on unchanged, encrypted or not, until it is
// cut. Its methods may be called concurrently.
type Proxy struct {
	addresses map[string]string // server to proxy
	listeners []net.Listener
	flows     flows
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	outage   Outage
	restored chan struct{} // closed by Restore; nil while nothing is cut
}

// flows returns what carries a connection, from the client and to it. Each returns when there is nothing more to carry.
type flows func(client, server net.Conn) (requests, responses func() error)

// Outage is how a Proxy that is cut meets who connects.
type Outage int

const (
	// Refuse ends a new connection as soon as it is made: the server is down.
	Refuse Outage = iota + 1
	// Hang accepts a new connection, and nothing comes of it: the server is frozen, or packets get lost. What the client
	// has sent by the time of Restore is passed on then.
	Hang
)

// Start listens on 127.0.0.1 in front of each server's address (host:port). Close it after use.
func Start(servers ...string) (*Proxy, error) {
	return start(servers, func(client, server net.Conn) (requests, responses func() error) {
		return func() error { _, err := io.Copy(server, client); return err },
			func() error { _, err := io.Copy(client, server); return err }
	})
}

func start(servers []string, flows flows) (*Proxy, error) {
	p := &Proxy{addresses: map[string]string{}, flows: flows, conns: map[net.Conn]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	for _, server := range servers {
		if p.addresses[server] != "" {
			continue
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("listen in front of %s: %w", server, err)
		}
		p.listeners = append(p.listeners, ln)
		p.addresses[server] = ln.Addr().String()
		p.wg.Go(func() { p.accept(ln, server) })
	}
	return p, nil
}

// Addresses are the addresses to dial in place of the servers', by the server's address.
func (p *Proxy) Addresses() map[string]string { return maps.Clone(p.addresses) }

// Cut ends all connections at once, and says what becomes of new ones until Restore. The servers go on: they see their
// clients vanish.
func (p *Proxy) Cut(outage Outage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outage = outage
	if p.restored == nil {
		p.restored = make(chan struct{})
	}
	p.cutAll()
}

// Restore ends a Cut. It does nothing where nothing is cut.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outage = 0
	if p.restored != nil {
		close(p.restored)
		p.restored = nil
	}
}

// Close cuts all connections and waits until nothing of the proxy is left. Closing it again does nothing.
func (p *Proxy) Close() {
	p.stop()
	for _, ln := range p.listeners {
		_ = ln.Close() // what matters is that it is gone
	}
	p.mu.Lock()
	p.cutAll()
	p.mu.Unlock()
	p.wg.Wait()
}

// cutAll ends all connections. The caller holds mu.
func (p *Proxy) cutAll() {
	for conn := range p.conns {
		abort(conn)
	}
	clear(p.conns)
}

func (p *Proxy) accept(ln net.Listener, server string) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return // closed
		}
		restored, ok := p.track(client)
		if !ok {
			continue
		}
		p.wg.Go(func() {
			defer p.cut(client)
			if restored != nil {
				select {
				case <-restored:
				case <-p.ctx.Done():
					return
				}
			}
			p.serve(client, server)
		})
	}
}

// serve connects a client to its server until one of the two hangs up, or the connection is cut.
func (p *Proxy) serve(client net.Conn, address string) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(p.ctx, "tcp", address)
	if err != nil {
		return // the client sees a connection that breaks, as it does with a server that is down
	}
	if _, ok := p.track(server); !ok {
		return
	}
	requests, responses := p.flows(client, server)
	var wg sync.WaitGroup
	for _, flow := range []func() error{requests, responses} {
		wg.Go(func() {
			_ = flow() // whatever ended it ends the other direction too
			p.cut(client)
			p.cut(server)
		})
	}
	wg.Wait()
}

// track remembers a connection, so that it can be cut. It returns false, and ends it, if it is not to be. restored is nil
// unless the connection is to hang until then.
func (p *Proxy) track(conn net.Conn) (restored <-chan struct{}, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || p.outage == Refuse {
		abort(conn)
		return nil, false
	}
	p.conns[conn] = struct{}{}
	return p.restored, true
}

func (p *Proxy) cut(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close() // it may be closed already
}

// abort ends a connection, and what is still on its way through it is lost.
func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be closed already
	}
	_ = conn.Close()
}
