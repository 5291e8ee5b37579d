// Package observation types what only chapter 3's programs report, for its lessons to find: lesson.Observed[Reading](p).
// schema.json describes the same for machines.
package observation

// Reading: a consumer knows where it begins to read a partition.
type Reading struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Offset is sarama's: -1 for the newest and -2 for the oldest record, if the group has no committed offset that can
	// be used.
	Offset int64 `json:"offset"`
}

// Derived: the broker acknowledged a record that was made of another one. Its message has the same id.
type Derived struct {
	ID        string `json:"id"`
	Topic     string `json:"topic"` // where the new record is
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Fenced: the broker refused what a producer sent, because its work is somebody else's now.
type Fenced struct{}

// OffsetFound: a program found a group's offset in Kafka's own memory.
type OffsetFound struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"` // of the next record to read, or Forgotten
}

// Sending: a producer is connected, and begins to send.
type Sending struct {
	Records int `json:"records"`
}

// Sent: a producer knows what became of its records.
type Sent struct {
	Acknowledged int `json:"acknowledged"`
	Requests     int `json:"requests"` // that carried them
}

// Forgotten is the offset of a partition in which a group has none, as in OffsetFetch.
const Forgotten = -1

// Kind is the observation's stable name.
func (Reading) Kind() string     { return "reading" }
func (Derived) Kind() string     { return "derived" }
func (Fenced) Kind() string      { return "fenced" }
func (OffsetFound) Kind() string { return "offset-found" }
func (Sending) Kind() string     { return "sending" }
func (Sent) Kind() string        { return "sent" }
