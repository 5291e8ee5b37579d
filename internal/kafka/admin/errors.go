package admin

import (
	"fmt"
	"strings"
)

// TopicExistsError is a topic that cannot be created, as it is there.
type TopicExistsError struct {
	Topic string
	Err   error // the broker's
}

func (e *TopicExistsError) Error() string {
	return fmt.Sprintf("topic %s is there: %v", e.Topic, e.Err)
}
func (e *TopicExistsError) Unwrap() error { return e.Err }

// TopicNameError is a name that no topic can have.
type TopicNameError struct {
	Topic string
	Err   error // the broker's
}

func (e *TopicNameError) Error() string { return fmt.Sprintf("topic name %q: %v", e.Topic, e.Err) }
func (e *TopicNameError) Unwrap() error { return e.Err }

// PartitionCountError is a number of partitions that a topic cannot have.
type PartitionCountError struct {
	Topic      string
	Have, Want int32 // Have is 0 for a topic that is not there yet
}

func (e *PartitionCountError) Error() string {
	return fmt.Sprintf("topic %s of %d partitions cannot have %d", e.Topic, e.Have, e.Want)
}

// ReplicationFactorError is a number of replicas that the brokers cannot have.
type ReplicationFactorError struct {
	Topic   string
	Want    int16
	Brokers int   // how many there are
	Err     error // the broker's
}

func (e *ReplicationFactorError) Error() string {
	return fmt.Sprintf("topic %s cannot have %d replicas on %d brokers: %v", e.Topic, e.Want, e.Brokers, e.Err)
}
func (e *ReplicationFactorError) Unwrap() error { return e.Err }

// TopicConfigError is a setting that no topic can have: an unknown name, or a value of another kind. Which one, Err tells.
type TopicConfigError struct {
	Topic string
	Err   error // the broker's
}

func (e *TopicConfigError) Error() string {
	return fmt.Sprintf("settings of topic %s: %v", e.Topic, e.Err)
}
func (e *TopicConfigError) Unwrap() error { return e.Err }

// PartitionNotFoundError is a partition that a topic does not have.
type PartitionNotFoundError struct {
	Topic      string
	Partition  int32
	Partitions int // how many it has, from 0 on
}

func (e *PartitionNotFoundError) Error() string {
	return fmt.Sprintf("topic %s has %d partitions, and no partition %d", e.Topic, e.Partitions, e.Partition)
}

// NoCommittedOffsetError is a partition in which a group has committed nothing.
type NoCommittedOffsetError struct {
	Topic     string
	Partition int32
}

func (e *NoCommittedOffsetError) Error() string {
	return fmt.Sprintf("no committed offset in %s, partition %d", e.Topic, e.Partition)
}

// GroupNotFoundError is a group that nobody uses and that has committed nothing.
type GroupNotFoundError struct {
	Group string
	Err   error // the broker's
}

func (e *GroupNotFoundError) Error() string {
	return fmt.Sprintf("there is no group %s: %v", e.Group, e.Err)
}
func (e *GroupNotFoundError) Unwrap() error { return e.Err }

// GroupActiveError is a group whose offsets belong to its members.
type GroupActiveError struct {
	Group   string
	Members []Member
}

func (e *GroupActiveError) Error() string {
	var members []string
	for _, m := range e.Members {
		members = append(members, m.String())
	}
	return fmt.Sprintf("group %s is active: %s", e.Group, strings.Join(members, ", "))
}
