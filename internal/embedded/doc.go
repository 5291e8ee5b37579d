// Package embedded starts a Kafka that needs no Docker: inside this process (kfake, which speaks the protocol of a real
// cluster).
//
// The embedded Kafka has topics, partitions, groups, offsets, transactions and idempotence. It has no replication: no
// ISR, no min.insync.replicas, no offline partitions, no __consumer_offsets, no ZooKeeper or KRaft.
package embedded
