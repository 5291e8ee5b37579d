package parallel

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/IBM/sarama"
)

// modelRecord is a record as the model of the window sees it.
type modelRecord struct {
	offset int64
	key    string
	state  state // waiting means only: not started
}

// model is the window's contract, written without regard to cost.
type model struct {
	mode        Mode
	records     []*modelRecord // in flight, by offset
	committable int64
	halted      bool
}

// ordered tells whether x must be done before y, a later record, is started.
func (m *model) ordered(x, y *modelRecord) bool {
	return m.mode == Partition || m.mode == Key && x.key == y.key
}

// ready are the offsets of the records that may be started.
func (m *model) ready() []int64 {
	var offsets []int64
	if m.halted {
		return nil
	}
	for i, r := range m.records {
		if r.state == waiting && !slices.ContainsFunc(m.records[:i], func(before *modelRecord) bool {
			return before.state != done && m.ordered(before, r)
		}) {
			offsets = append(offsets, r.offset)
		}
	}
	return offsets
}

func (m *model) find(offset int64) *modelRecord {
	i := slices.IndexFunc(m.records, func(r *modelRecord) bool { return r.offset == offset })
	return m.records[i]
}

func (m *model) finish(r *modelRecord) {
	r.state = done
	for len(m.records) > 0 && m.records[0].state == done {
		m.committable = m.records[0].offset + 1
		m.records = m.records[1:]
	}
}

func (m *model) forget() {
	for n := len(m.records); n > 0 && m.records[n-1].state == waiting; n-- {
		m.records = m.records[:n-1]
	}
}

// TestWindow does the same random things to a window and to the model.
func TestWindow(t *testing.T) {
	for _, mode := range []Mode{Key, Partition, Unordered} {
		t.Run(string(mode), func(t *testing.T) {
			for seed := range uint64(2000) {
				if err := compareWithModel(mode, rand.New(rand.NewPCG(seed, 0))); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

func compareWithModel(mode Mode, random *rand.Rand) error {
	size := 1 + random.IntN(12)
	w, m := newWindow(mode, size), &model{mode: mode, committable: -1}
	keys := [][]byte{nil, {}, []byte("a"), []byte("b"), []byte("c"), []byte("d")}
	started := map[int64]int{} // slots by offset
	offset := random.Int64N(1000)
	check := func() error {
		var ready []int64
		for i := w.firstReady; i != none; i = w.slots[i].next {
			ready = append(ready, w.slots[i].message.Offset)
		}
		slices.Sort(ready)
		if want := m.ready(); !slices.Equal(ready, want) {
			return fmt.Errorf("ready are %v, want %v", ready, want)
		}
		if w.committable != m.committable {
			return fmt.Errorf("committable is %d, want %d", w.committable, m.committable)
		}
		if got, want := w.room(), size-len(m.records); got != want {
			return fmt.Errorf("room is %d, want %d", got, want)
		}
		if got, want := w.quiet(), len(started) == 0 && len(m.ready()) == 0; got != want {
			return fmt.Errorf("quiet is %v, want %v", got, want)
		}
		return nil
	}
	start := func() {
		i, record := w.start()
		m.find(record.Offset).state = running
		started[record.Offset] = i
	}
	end := func(isDone bool) {
		offsets := make([]int64, 0, len(started))
		for o := range started {
			offsets = append(offsets, o)
		}
		slices.Sort(offsets) // so that a seed repeats
		o := offsets[random.IntN(len(offsets))]
		if isDone {
			w.finish(started[o])
			m.finish(m.find(o))
		} else {
			w.fail()
		}
		delete(started, o)
	}
	for range 30 + random.IntN(100) {
		switch action := random.IntN(3); {
		case action == 0 && w.room() > 0:
			offset += 1 + random.Int64N(3)/2 // compaction and transactions leave gaps
			key := keys[random.IntN(len(keys))]
			w.add(&sarama.ConsumerMessage{Offset: offset, Key: key})
			m.records = append(m.records, &modelRecord{offset: offset, key: string(key)})
		case action == 1 && w.hasReady():
			start()
		case action == 2 && len(started) > 0:
			end(true)
		}
		if err := check(); err != nil {
			return err
		}
	}

	// The end: calm, or a record fails, or the time runs out.
	calm := random.IntN(2) == 0
	if !calm {
		w.halt()
		m.halted = true
	}
	w.forget()
	m.forget()
	for {
		if err := check(); err != nil {
			return fmt.Errorf("at the end (calm: %v): %w", calm, err)
		}
		switch {
		case w.hasReady() && random.IntN(2) == 0:
			start()
		case len(started) > 0:
			end(calm || random.IntN(2) == 0)
		case w.hasReady():
			start()
		default:
			if calm && len(m.records) > 0 {
				return fmt.Errorf("%d records are left after a calm end", len(m.records))
			}
			return nil
		}
	}
}

// TestWindowDoesNotAllocate handles records of ever new keys.
func TestWindowDoesNotAllocate(t *testing.T) {
	const size = 1000
	w := newWindow(Key, size)
	records := make([]sarama.ConsumerMessage, size)
	var key uint64
	pass := func() {
		for i := range records {
			r := &records[i]
			key++
			r.Key = binary.BigEndian.AppendUint64(r.Key[:0], key)
			w.add(r)
		}
		for w.hasReady() {
			i, _ := w.start()
			w.finish(i)
		}
	}
	for range 100 { // the map and the keys' memory find their sizes
		pass()
	}
	if n := testing.AllocsPerRun(100, pass); n > 0 {
		t.Errorf("%v allocations for %d records, want none", n, size)
	}
}

// TestNoRecordAfterAFailure adds records that were read before a failure and come too late.
func TestNoRecordAfterAFailure(t *testing.T) {
	p := &pool{claims: map[*claim]struct{}{}, failure: make(chan struct{})}
	p.fail()
	c := &claim{window: newWindow(Key, 10)}
	if _, ok := p.add(t.Context(), c, []*sarama.ConsumerMessage{{Offset: 1}}); ok || c.window.hasReady() {
		t.Error("a record is to be started after a failure")
	}
}
