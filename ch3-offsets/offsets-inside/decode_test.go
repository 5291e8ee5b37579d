package main

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"
	"time"
)

// record puts together what a broker writes: numbers big-endian, everything else byte by byte.
func record(parts ...any) []byte {
	b := []byte{} // not nil: a record with an empty value is no tombstone
	for _, p := range parts {
		switch p := p.(type) {
		case int16:
			b = binary.BigEndian.AppendUint16(b, uint16(p))
		case int32:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case int64:
			b = binary.BigEndian.AppendUint64(b, uint64(p))
		case string:
			b = append(b, p...)
		case byte:
			b = append(b, p)
		}
	}
	return b
}

const committedAt, expiresAt = int64(1_790_000_000_123), int64(1_790_000_600_123)

// keyV1 is {1, "g", "orders", 2}.
var keyV1 = record(int16(1), int16(1), "g", int16(6), "orders", int32(2))

func TestDecode(t *testing.T) {
	commit := func(keyVersion, valueVersion int16, change func(*entry)) entry {
		e := entry{kind: offsetCommit, keyVersion: keyVersion, group: "g", topic: "orders", partition: 2,
			valueVersion: valueVersion, offset: 42, leaderEpoch: -1, metadata: "hi", committed: time.UnixMilli(committedAt)}
		change(&e)
		return e
	}
	same := func(*entry) {}
	for _, tc := range []struct {
		name       string
		key, value []byte
		want       entry
	}{
		{"key 0, value 0", record(int16(0), int16(1), "g", int16(6), "orders", int32(2)),
			record(int16(0), int64(42), int16(2), "hi", committedAt), commit(0, 0, same)},
		{"value 1 expires", keyV1, record(int16(1), int64(42), int16(2), "hi", committedAt, expiresAt),
			commit(1, 1, func(e *entry) { e.expires = time.UnixMilli(expiresAt) })},
		{"value 2", keyV1, record(int16(2), int64(42), int16(2), "hi", committedAt), commit(1, 2, same)},
		{"value 3 has a leader epoch", keyV1, record(int16(3), int64(42), int32(7), int16(2), "hi", committedAt),
			commit(1, 3, func(e *entry) { e.leaderEpoch = 7 })},
		{"value 4 is compact", keyV1, record(int16(4), int64(42), int32(7), byte(3), "hi", committedAt, byte(0)),
			commit(1, 4, func(e *entry) { e.leaderEpoch = 7 })},
		{"value 4 with tagged fields of a newer Kafka", keyV1,
			record(int16(4), int64(42), int32(7), byte(3), "hi", committedAt, byte(2), byte(0), byte(2), "xy", byte(9), byte(0)),
			commit(1, 4, func(e *entry) { e.leaderEpoch = 7 })},
		{"no metadata", keyV1, record(int16(3), int64(0), int32(-1), int16(0), committedAt),
			commit(1, 3, func(e *entry) { e.offset, e.metadata = 0, "" })},
		{"tombstone", keyV1, nil, entry{kind: offsetCommit, keyVersion: 1, group: "g", topic: "orders", partition: 2, tombstone: true}},
		{"group", record(int16(2), int16(6), "결제"), record(int16(3), "whatever"), entry{kind: groupMetadata, keyVersion: 2, group: "결제"}},
		{"group, tombstone", record(int16(2), int16(1), "g"), nil, entry{kind: groupMetadata, keyVersion: 2, group: "g", tombstone: true}},
		{"a kind of a newer Kafka", record(int16(3), int16(1), "g"), record(int16(0)), entry{kind: unknown, keyVersion: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := decode(tc.key, tc.value)
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, tc.want)
			}
		})
	}
}

func TestDecodeMalformed(t *testing.T) {
	valueV3 := record(int16(3), int64(42), int32(7), int16(2), "hi", committedAt)
	for _, tc := range []struct {
		name       string
		key, value []byte
		err        string
	}{
		{"no key", nil, nil, "2 bytes wanted, 0 left"},
		{"half a version", []byte{0}, nil, "2 bytes wanted, 1 left"},
		{"the key's group is too long", record(int16(1), int16(9), "g"), nil, "9 bytes wanted, 1 left"},
		{"the key's group is null", record(int16(1), int16(-1), int16(1), "t", int32(0)), nil, "-1 bytes wanted"},
		{"the key goes on", append(bytes.Clone(keyV1), 0), nil, "key version 1: 1 bytes too many"},
		{"an empty value", keyV1, record(), "2 bytes wanted, 0 left"},
		{"a value of version 5", keyV1, record(int16(5), int64(42)), "value version 5 is unknown"},
		{"a value of version -1", keyV1, record(int16(-1)), "value version -1 is unknown"},
		{"the value goes on", keyV1, append(bytes.Clone(valueV3), 0), "value version 3: 1 bytes too many"},
		{"compact metadata is null", keyV1, record(int16(4), int64(42), int32(7), byte(0), committedAt, byte(0)), "-1 bytes wanted"},
		{"a varint without an end", keyV1, record(int16(4), int64(42), int32(7), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "no unsigned varint"},
		{"a varint beyond 32 bits", keyV1, record(int16(4), int64(42), int32(7), "\xff\xff\xff\xff\xff\x01"), "no unsigned varint"},
		{"more tagged fields than bytes", keyV1, record(int16(4), int64(42), int32(7), byte(1), committedAt, "\xff\xff\xff\xff\x07"), "no unsigned varint"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e, err := decode(tc.key, tc.value); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%+v, error %v, want %q", e, err, tc.err)
			}
		})
	}
	for n := range valueV3 {
		if e, err := decode(keyV1, valueV3[:n:n]); err == nil {
			t.Errorf("%d of %d bytes decode to %+v", n, len(valueV3), e)
		}
	}
}

// Whatever a broker sends, decode returns.
func FuzzDecode(f *testing.F) {
	f.Add(keyV1, record(int16(1), int64(42), int16(2), "hi", committedAt, expiresAt), false)
	f.Add(keyV1, record(int16(3), int64(42), int32(7), int16(2), "hi", committedAt), false)
	f.Add(keyV1, record(int16(4), int64(42), int32(7), byte(3), "hi", committedAt, byte(1), byte(0), byte(2), "xy"), false)
	f.Add(record(int16(2), int16(1), "g"), []byte{}, true)
	f.Fuzz(func(t *testing.T, key, value []byte, null bool) {
		if null {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		e, err := decode(key, value)
		if err == nil && e.tombstone != null {
			t.Errorf("%+v, but the value is null: %v", e, null)
		}
	})
}

// The hash codes are Java's: "…".hashCode().
func TestPartitionOf(t *testing.T) {
	for _, tc := range []struct {
		group string
		hash  int32
		of50  int32
	}{
		{"", 0, 0},
		{"a", 97, 47},
		{"hello", 99162322, 22},
		{"polygenelubricants", -1 << 31, 0}, // Math.abs of it is negative
		{"안녕", 0xc548*31 + 0xb155, (0xc548*31 + 0xb155) % 50},
		{"😀", 0xd83d*31 + 0xde00, (0xd83d*31 + 0xde00) % 50}, // two UTF-16 units
	} {
		if got := javaHash(tc.group); got != tc.hash {
			t.Errorf("javaHash(%q) = %d, want %d", tc.group, got, tc.hash)
		}
		if got := partitionOf(tc.group, 50); got != tc.of50 {
			t.Errorf("partitionOf(%q, 50) = %d, want %d", tc.group, got, tc.of50)
		}
	}
	for i := range 1000 { // half of the hash codes are negative
		if p := partitionOf(strings.Repeat("z", i), 50); p < 0 || p >= 50 {
			t.Fatalf("partition %d for %d z", p, i)
		}
	}
}
