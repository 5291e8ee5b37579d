// Package shape has what the programs and the lesson of a chapter like chapter 4 share.
package shape

import (
	"encoding/json"
	"fmt"
)

// Change is the message of a record: a row was written.
type Change struct {
	Event string `json:"event"` // its id
	Row   uint64 `json:"row"`
	Name  string `json:"name"`
}

func (c Change) MessageID() string { return c.Event }
func (c Change) String() string    { return fmt.Sprintf("row %d: %s", c.Row, c.Name) }

// Encode is the value of a record.
func (c Change) Encode() ([]byte, error) { return json.Marshal(c) }

// Decode reads the value of a record.
func Decode(value []byte) (c Change, err error) {
	if err := json.Unmarshal(value, &c); err != nil {
		return Change{}, fmt.Errorf("decode change: %w", err)
	}
	return c, nil
}

// Row is what the API writes. Its table is campus_….rows_written.
type Row struct {
	ID   uint64
	Name string `gorm:"size:40;uniqueIndex"`
}

// TableName avoids a reserved word.
func (Row) TableName() string { return "rows_written" }

// Listening: the API takes requests at an address.
type Listening struct {
	Addr string `json:"addr"`
}

// RolledBack: a row was taken back after its event had been sent.
type RolledBack struct {
	Event string `json:"event"`
}

func (Listening) Kind() string  { return "listening" }
func (RolledBack) Kind() string { return "rolled-back" }
