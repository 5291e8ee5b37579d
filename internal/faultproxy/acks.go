package faultproxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// AckLoser is a Proxy in front of each broker of a Kafka that loses acknowledgements: the broker appends the records of a
// Produce request, and the producer never hears of it, as when a cable is pulled at that moment. Its methods may be called
// concurrently.
//
// It understands as much of Kafka's protocol as it needs to tell a Produce request and its response from others: both
// begin with their length (4 bytes); in a request follow API key (2 bytes), API version (2 bytes) and correlation id (4
// bytes), in a response the correlation id. So the connections must not be encrypted.
type AckLoser struct {
	*Proxy

	mu    sync.Mutex
	after int // Produce requests to pass before acknowledgements are lost
	lose  int // how many to lose then
	lost  int
}

// StartAckLoser is [Start] for the brokers of a Kafka. It loses nothing until LoseAcks.
func StartAckLoser(brokers ...string) (*AckLoser, error) {
	l := &AckLoser{}
	var err error
	l.Proxy, err = start(brokers, func(client, broker net.Conn) (requests, responses func() error) {
		c := &connection{loser: l, doomed: map[int32]bool{}}
		return func() error { return c.passRequests(broker, client) }, func() error { return c.passResponses(client, broker) }
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// LoseAcks lets so many Produce requests pass from now on, and then loses the acknowledgements of the next n: each
// request reaches the broker, its response is swallowed, and the connection is cut. What the producer sends again
// counts as a request too. After that the proxy only passes on, as before. A request with acks=0 has no
// acknowledgement to lose, and must not be among the n.
func (l *AckLoser) LoseAcks(after, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.after, l.lose = after, n
}

// Lost is how many acknowledgements the proxy has lost.
func (l *AckLoser) Lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// dooms tells whether the acknowledgement of the next Produce request is to be lost.
func (l *AckLoser) dooms() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.after > 0:
		l.after--
		return false
	case l.lose > 0:
		l.lose--
		return true
	}
	return false
}

// connection is one client's connection to one broker.
type connection struct {
	loser  *AckLoser
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
		if binary.BigEndian.Uint16(header[4:]) == produceKey && c.loser.dooms() {
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
			c.loser.mu.Lock()
			c.loser.lost++
			c.loser.mu.Unlock()
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
