package parallel

import (
	"hash/maphash"
	"slices"

	"github.com/IBM/sarama"
)

// window holds the records of one partition that are in flight, from the first that is not done to the last that was
// read, and knows which of them may be started. Its memory does not grow after newWindow. It is not safe for
// concurrent use.
type window struct {
	slots []slot // a ring
	head  int    // the slot of the first record
	count int    // of records

	// A hash table of the last record in flight of each key, chained through slot.chain. A key is known by its 64-bit
	// hash: two keys that share one wait for each other, which harms nobody. nil: records need no order.
	buckets []int
	byKey   bool // the keys are the records' own, else all records have one key
	seed    maphash.Seed

	firstReady, lastReady int // a list through slot.next
	running               int

	committable int64 // the offset up to which all records are done, -1 at the start
}

// slot is a record in flight. A slot is its index in the ring.
type slot struct {
	message *sarama.ConsumerMessage
	key     uint64
	next    int // in the list of ready records
	after   int // the next record of the same key
	chain   int // in the hash table
	state   state
}

type state uint8

const (
	waiting state = iota // until the record before it, of the same key, is done
	ready
	running
	done
)

const none = -1 // instead of a slot

func newWindow(mode Mode, size int) *window {
	w := &window{slots: make([]slot, size), firstReady: none, lastReady: none, committable: -1}
	switch mode {
	case Key:
		w.byKey, w.seed = true, maphash.MakeSeed()
		w.buckets = slices.Repeat([]int{none}, size)
	case Partition:
		w.buckets = []int{none}
	}
	return w
}

func (w *window) room() int { return len(w.slots) - w.count }

// add puts the next record of the partition into the window. There must be room.
func (w *window) add(m *sarama.ConsumerMessage) {
	i := w.index(w.count)
	w.count++
	s := &w.slots[i]
	*s = slot{message: m, next: none, after: none, chain: none}
	if w.byKey {
		s.key = maphash.Bytes(w.seed, m.Key)
	}
	if w.buckets == nil {
		w.makeReady(i)
		return
	}
	last := w.last(s.key)
	if *last == none {
		w.makeReady(i)
	} else {
		before := &w.slots[*last]
		before.after = i
		s.chain = before.chain
	}
	*last = i
}

// last is where the hash table has the last record in flight of a key, or would have it.
func (w *window) last(key uint64) *int {
	at := &w.buckets[key%uint64(len(w.buckets))]
	for *at != none && w.slots[*at].key != key {
		at = &w.slots[*at].chain
	}
	return at
}

func (w *window) hasReady() bool { return w.firstReady != none }

// start takes the longest ready record.
func (w *window) start() (i int, m *sarama.ConsumerMessage) {
	i = w.firstReady
	s := &w.slots[i]
	w.firstReady = s.next
	if w.firstReady == none {
		w.lastReady = none
	}
	s.state = running
	w.running++
	return i, s.message
}

// finish says that a started record is done.
func (w *window) finish(i int) {
	w.running--
	s := &w.slots[i]
	s.state = done
	if s.after != none {
		w.makeReady(s.after)
	} else if w.buckets != nil {
		if last := w.last(s.key); *last == i {
			*last = s.chain
		}
	}
	for w.count > 0 && w.slots[w.head].state == done {
		first := &w.slots[w.head]
		w.committable = first.message.Offset + 1
		first.message = nil
		w.head = w.index(1)
		w.count--
	}
}

// fail says that a started record ended and is not done. It stays in the window.
func (w *window) fail() { w.running-- }

// forget takes the records out of the window that are above all started ones, as if they had not been read. Nothing
// may be added afterwards.
func (w *window) forget() {
	for w.count > 0 {
		s := &w.slots[w.index(w.count-1)]
		if s.state != waiting && s.state != ready {
			break
		}
		s.message = nil
		w.count--
	}
	w.firstReady, w.lastReady = none, none
	for n := range w.count {
		i := w.index(n)
		s := &w.slots[i]
		if s.after != none && w.slots[s.after].message == nil {
			s.after = none
		}
		if s.state == ready {
			w.makeReady(i)
		}
	}
}

// halt makes that no record is started any more. Nothing may be added afterwards.
func (w *window) halt() {
	w.firstReady, w.lastReady = none, none
	for n := range w.count {
		s := &w.slots[w.index(n)]
		s.after = none
		if s.state == ready {
			s.state = waiting
		}
	}
}

// quiet tells whether nothing runs and nothing can be started. All records are done then, unless halt was called or a
// record failed.
func (w *window) quiet() bool { return w.running == 0 && !w.hasReady() }

func (w *window) makeReady(i int) {
	w.slots[i].state, w.slots[i].next = ready, none
	if w.lastReady == none {
		w.firstReady = i
	} else {
		w.slots[w.lastReady].next = i
	}
	w.lastReady = i
}

// index is the slot of the nth record, from 0.
func (w *window) index(n int) int {
	if i := w.head + n; i < len(w.slots) {
		return i
	}
	return w.head + n - len(w.slots)
}
