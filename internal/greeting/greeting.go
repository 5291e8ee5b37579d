// Package greeting is the one domain of the course: a person of some age says hello.
package greeting

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Greeting is the value of a record. Records are keyed by age, so that greetings of people of one age share a
// partition and keep their order.
type Greeting struct {
	ID      int64  `json:"id"`
	Age     int    `json:"age"`
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Key is the record key: the age in decimal digits.
func (g Greeting) Key() string { return strconv.Itoa(g.Age) }

// MessageID is the id in decimal digits: what the accounting of a lesson knows a greeting by.
func (g Greeting) MessageID() string { return strconv.FormatInt(g.ID, 10) }

// String is the greeting in a line, for a person.
func (g Greeting) String() string { return fmt.Sprintf("#%d %s: %s", g.ID, g.Name, g.Content) }

// Encode returns the greeting as JSON, the value of its record.
func (g Greeting) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(g); err != nil {
		return nil, fmt.Errorf("encode greeting %d: %w", g.ID, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Decode reads a record value. Unknown fields are ignored, so that a producer may add one before its consumers know
// it; a value that is not a JSON object, or has no id, is an error.
func Decode(value []byte) (Greeting, error) {
	var g Greeting
	if err := json.Unmarshal(value, &g); err != nil {
		return Greeting{}, fmt.Errorf("decode greeting: %w", err)
	}
	if g.ID == 0 {
		return Greeting{}, errors.New("decode greeting: no id")
	}
	return g, nil
}

// Samples returns the 30 greetings of greetings.txt, with the ids 1 to 30 in this order.
func Samples() ([]Greeting, error) {
	var all []Greeting
	for i, line := range strings.Split(strings.TrimSpace(sampleLines), "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("greetings.txt:%d: no key before the first colon", i+1)
		}
		g, err := Decode([]byte(value))
		if err != nil {
			return nil, fmt.Errorf("greetings.txt:%d: %w", i+1, err)
		}
		if g.Key() != key {
			return nil, fmt.Errorf("greetings.txt:%d: key %s, but age %d", i+1, key, g.Age)
		}
		all = append(all, g)
	}
	return all, nil
}

//go:embed greetings.txt
var sampleLines string

// SampleLines returns greetings.txt: one record a line as key:json, which kafka-console-producer reads with
// parse.key=true and key.separator=: .
func SampleLines() string { return sampleLines }

// Numbered returns n greetings with the ids first, first+1 …: the samples, again and again with new ids.
func Numbered(first, n int) ([]Greeting, error) {
	samples, err := Samples()
	if err != nil {
		return nil, err
	}
	all := make([]Greeting, n)
	for i := range all {
		all[i] = samples[(first-1+i)%len(samples)]
		all[i].ID = int64(first + i)
	}
	return all, nil
}
