// Package embedded starts servers that need no Docker: a Kafka inside this process (kfake, which speaks the protocol
// of a real cluster) and a private MariaDB or MySQL server beside it.
//
// The embedded Kafka has topics, partitions, groups, offsets, transactions and idempotence. It has no replication: no
// ISR, no min.insync.replicas, no offline partitions, no __consumer_offsets, no ZooKeeper or KRaft.
package embedded
