package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"
)

// entry is what a record of __consumer_offsets says. The layouts are those of OffsetCommitKey, GroupMetadataKey and
// OffsetCommitValue in the source of Apache Kafka; all numbers are big-endian.
type entry struct {
	kind       kind
	keyVersion int16
	group      string
	tombstone  bool // the record has no value: what the key names is deleted

	// Of an offsetCommit.
	topic     string
	partition int32
	// And if it is no tombstone.
	valueVersion int16
	offset       int64 // of the next record to read
	leaderEpoch  int32 // of the last record that was read; -1 before version 3
	metadata     string
	committed    time.Time
	expires      time.Time // zero except in version 1
}

type kind int

const (
	unknown       kind = iota // from a newer Kafka
	offsetCommit              // a group's offset in one partition
	groupMetadata             // the group itself: generation, members, who leads
)

// decode reads a record of __consumer_offsets. A nil value is a tombstone. The values of groups are not read.
func decode(key, value []byte) (entry, error) {
	k := &reader{rest: key}
	e := entry{keyVersion: k.int16(), tombstone: value == nil}
	switch e.keyVersion {
	case 0, 1:
		e.kind = offsetCommit
		e.group, e.topic, e.partition = k.string(), k.string(), k.int32()
	case 2:
		e.kind = groupMetadata
		e.group = k.string()
	default: // consumer groups of KIP-848, share groups …
		return e, k.err
	}
	if err := k.end(); err != nil {
		return entry{}, fmt.Errorf("key version %d: %w", e.keyVersion, err)
	}
	if e.kind != offsetCommit || e.tombstone {
		return e, nil
	}

	v := &reader{rest: value}
	e.valueVersion, e.leaderEpoch = v.int16(), -1
	if v.err == nil && (e.valueVersion < 0 || e.valueVersion > 4) {
		return entry{}, fmt.Errorf("value version %d is unknown", e.valueVersion)
	}
	e.offset = v.int64()
	if e.valueVersion >= 3 {
		e.leaderEpoch = v.int32()
	}
	if e.valueVersion >= 4 { // a "flexible" version (KIP-482)
		e.metadata = v.compactString()
	} else {
		e.metadata = v.string()
	}
	e.committed = time.UnixMilli(v.int64())
	if e.valueVersion == 1 {
		e.expires = time.UnixMilli(v.int64())
	}
	if e.valueVersion >= 4 {
		v.skipTags()
	}
	if err := v.end(); err != nil {
		return entry{}, fmt.Errorf("value version %d: %w", e.valueVersion, err)
	}
	return e, nil
}

// reader takes Kafka's primitive types off a byte slice. After the first error everything is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) bytes(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.rest)) {
		r.err = fmt.Errorf("%d bytes wanted, %d left", n, len(r.rest))
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) int16() int16 {
	if b := r.bytes(2); r.err == nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.bytes(4); r.err == nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.bytes(8); r.err == nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) uvarint() int {
	n, size := binary.Uvarint(r.rest)
	if r.err == nil && (size <= 0 || n > 1<<31-1) {
		r.err = errors.New("no unsigned varint")
	}
	if r.err != nil {
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

// string is its length in 16 bits, and its bytes.
func (r *reader) string() string { return string(r.bytes(int(r.int16()))) }

// compactString is its length plus one as a varint, and its bytes.
func (r *reader) compactString() string { return string(r.bytes(r.uvarint() - 1)) }

// skipTags passes over tagged fields: fields that a newer Kafka added to the same version.
func (r *reader) skipTags() {
	for range r.uvarint() {
		r.uvarint() // the tag
		r.bytes(r.uvarint())
		if r.err != nil {
			return
		}
	}
}

func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	return r.err
}

// partitionOf is the partition of __consumer_offsets that has everything about a group: |hashCode| % partitions, as in
// Java. So the broker that leads this partition is the group's coordinator.
func partitionOf(group string, partitions int) int32 {
	hash := javaHash(group)
	if hash == -1<<31 { // Java's abs has no positive for it, so Kafka takes 0
		hash = 0
	}
	return max(hash, -hash) % int32(partitions)
}

// javaHash is Java's String.hashCode.
func javaHash(s string) int32 {
	var hash int32
	for _, unit := range utf16.Encode([]rune(s)) {
		hash = 31*hash + int32(unit)
	}
	return hash
}
