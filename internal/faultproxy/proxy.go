// Package faultproxy puts a TCP proxy in front of each broker of a cluster and loses acknowledgements on purpose: the
// broker appends the records of a Produce request, and the producer never hears of it, as when a cable is pulled at
// that moment. It works the same with any Kafka, because it needs nothing of the broker.
package faultproxy

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"
)

// Proxy is a proxy in front of each broker. Its methods may be called concurrently.
//
// It passes everything on unchanged until LoseAcks tells it otherwise. It understands as much of Kafka's protocol as
// it needs to tell a Produce request and its response from others: both begin with their length (4 bytes); in a
// request follow API key (2 bytes), API version (2 bytes) and correlation id (4 bytes), in a response the correlation
// id. So the connections must not be encrypted.
type Proxy struct {
	addresses map[string]string // broker to proxy
	listeners []net.Listener
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	after int // Produce requests to pass before acknowledgements are lost
	lose  int // how many to lose then
	lost  int
}

// Start listens on 127.0.0.1 in front of each broker address (host:port). Close it after use.
func Start(brokers []string) (*Proxy, error) {
	p := &Proxy{addresses: map[string]string{}, conns: map[net.Conn]struct{}{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	for _, broker := range brokers {
		if p.addresses[broker] != "" {
			continue
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("listen in front of broker %s: %w", broker, err)
		}
		p.listeners = append(p.listeners, ln)
		p.addresses[broker] = ln.Addr().String()
		p.wg.Go(func() { p.accept(ln, broker) })
	}
	return p, nil
}

// Addresses are the addresses to dial in place of the brokers', by the broker's address.
func (p *Proxy) Addresses() map[string]string { return maps.Clone(p.addresses) }

// LoseAcks lets so many Produce requests pass from now on, and then loses the acknowledgements of the next n: each
// request reaches the broker, its response is swallowed, and the connection is cut. What the producer sends again
// counts as a request too. After that the proxy only passes on, as before. A request with acks=0 has no
// acknowledgement to lose, and must not be among the n.
func (p *Proxy) LoseAcks(after, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after, p.lose = after, n
}

// Lost is how many acknowledgements the proxy has lost.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Close cuts all connections and waits until nothing of the proxy is left. Closing it again does nothing.
func (p *Proxy) Close() {
	p.stop()
	for _, ln := range p.listeners {
		_ = ln.Close() // what matters is that it is gone
	}
	p.mu.Lock()
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) accept(ln net.Listener, broker string) {
	for {
		client, err := ln.Accept()
		if err != nil {
			return // closed
		}
		if !p.track(client) {
			return
		}
		p.wg.Go(func() {
			defer p.cut(client)
			p.serve(client, broker)
		})
	}
}

// serve connects a client to its broker until one of the two hangs up, or the connection is cut.
func (p *Proxy) serve(client net.Conn, broker string) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(p.ctx, "tcp", broker)
	if err != nil || !p.track(server) {
		return // the client sees a connection that breaks, as it does with a broker that is down
	}
	c := &connection{proxy: p, doomed: map[int32]bool{}}
	var wg sync.WaitGroup
	for _, flow := range []func() error{
		func() error { return c.passRequests(server, client) },
		func() error { return c.passResponses(client, server) },
	} {
		wg.Go(func() {
			_ = flow() // whatever ended it ends the other direction too
			p.cut(client)
			p.cut(server)
		})
	}
	wg.Wait()
}

// track remembers a connection, so that Close can cut it. It returns false when that has happened already.
func (p *Proxy) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *Proxy) cut(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close() // it may be closed already
}

// dooms tells whether the acknowledgement of the next Produce request is to be lost.
func (p *Proxy) dooms() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.after > 0:
		p.after--
		return false
	case p.lose > 0:
		p.lose--
		return true
	}
	return false
}

// connection is one client's connection to one broker.
type connection struct {
	proxy  *Proxy
	mu     sync.Mutex
	doomed map[int32]bool // requests whose response is to be lost, by correlation id
}

const (
	produceKey    = 0
	requestHeader = 8 // API key, API version, correlation id
	maxMessage    = 1 << 30
)

func (c *connection) passRequests(broker io.Writer, client io.Reader) error {
	for {
		header, rest, err := readHeader(client, requestHeader)
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint16(header[4:]) == produceKey && c.proxy.dooms() {
			c.mu.Lock()
			c.doomed[int32(binary.BigEndian.Uint32(header[8:]))] = true
			c.mu.Unlock()
		}
		if err := pass(broker, header, client, rest); err != nil {
			return err
		}
	}
}

var errCut = errors.New("the connection is cut on purpose")

func (c *connection) passResponses(client io.Writer, broker io.Reader) error {
	for {
		header, rest, err := readHeader(broker, 4)
		if err != nil {
			return err
		}
		c.mu.Lock()
		doomed := c.doomed[int32(binary.BigEndian.Uint32(header[4:]))]
		c.mu.Unlock()
		if doomed { // the broker has answered, so the records are in its log
			c.proxy.mu.Lock()
			c.proxy.lost++
			c.proxy.mu.Unlock()
			return errCut
		}
		if err := pass(client, header, broker, rest); err != nil {
			return err
		}
	}
}

// readHeader reads a message's length and the first n bytes after it, and returns them together with how many bytes
// follow.
func readHeader(r io.Reader, n int) (header []byte, rest int64, err error) {
	header = make([]byte, 4+n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, 0, err
	}
	length := int64(binary.BigEndian.Uint32(header))
	if length < int64(n) || length > maxMessage {
		return nil, 0, fmt.Errorf("a message of %d bytes: this is not Kafka's protocol, or it is encrypted", length)
	}
	return header, length - int64(n), nil
}

func pass(w io.Writer, header []byte, r io.Reader, rest int64) error {
	if _, err := w.Write(header); err != nil {
		return err
	}
	_, err := io.CopyN(w, r, rest)
	return err
}
