package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"kafkahandson/internal/i18n"
)

// MaxReport is how many bytes a report may have, without the end of its line. It bounds what a program can make the
// runner hold.
const MaxReport = 64 << 10

// payload is which fields the events of a type have, besides those that every event may have, by their names in JSON.
type payload struct{ must, may []string }

// reports are the payloads of what programs report.
func reports() map[Type]payload {
	record := payload{must: []string{"record"}}
	recordOfGroup := payload{must: []string{"record"}, may: []string{"group"}} // a consumer without a group has none
	assignment := payload{must: []string{"assignment"}}
	return map[Type]payload{
		Produced:  record,
		Handled:   recordOfGroup,
		Duplicate: recordOfGroup,
		Assigned:  assignment,
		Revoked:   assignment,
		Acquired:  assignment,
		Released:  assignment,
		Committed: {must: []string{"group"}, may: []string{"micros"}},
		Observed:  {must: []string{"observation"}},
		Idle:      {must: []string{"text", "group", "silence"}},
		Error:     {must: []string{"text"}, may: []string{"group"}},
		Held:      {must: []string{"point"}},
		Crashed:   {must: []string{"point"}},
	}
}

// ParseReport reads a line that another process claims to be a report. It accepts only what programs report, complete
// and without anything else, and makes control characters in its strings [Visible]. Which run, variant and program it is
// from is for the caller to know, not for the program to say.
func ParseReport(line []byte) (Event, error) {
	if len(line) > MaxReport {
		return Event{}, fmt.Errorf("%d bytes, more than %d", len(line), MaxReport)
	}
	line, err := visibleJSON(line)
	if err != nil {
		return Event{}, err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var e Event
	if err := d.Decode(&e); err != nil {
		return Event{}, err
	}
	if e.V != Version {
		return Event{}, fmt.Errorf("version %d, not %d", e.V, Version)
	}
	p, ok := reports()[e.Type]
	if !ok {
		return Event{}, fmt.Errorf("programs do not report %q", e.Type)
	}
	has := fieldsOf(e)
	for _, name := range p.must {
		if !slices.Contains(has, name) {
			return Event{}, fmt.Errorf("%s without %s", e.Type, name)
		}
	}
	for _, name := range has {
		if !slices.Contains(p.must, name) && !slices.Contains(p.may, name) {
			return Event{}, fmt.Errorf("%s with %s", e.Type, name)
		}
	}
	if err := e.checkPayload(); err != nil {
		return Event{}, fmt.Errorf("%s: %w", e.Type, err)
	}
	return e, nil
}

// fieldsOf are the names in JSON of the fields that have a value, but those that every event may have.
func fieldsOf(e Event) []string {
	common := []string{"v", "time", "type", "pid"}
	var has []string
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if !v.Field(i).IsZero() && !slices.Contains(common, name) {
			has = append(has, name)
		}
	}
	return has
}

// checkPayload looks into what the event has.
func (e Event) checkPayload() error {
	text := func(name string, t i18n.Text) error {
		if t.EN == "" || t.KO == "" {
			return fmt.Errorf("%s is not in both languages", name)
		}
		return nil
	}
	if e.Text != nil {
		if err := text("text", *e.Text); err != nil {
			return err
		}
	}
	if r := e.Record; r != nil && (r.Topic == "" || r.ID == "" || r.Partition < 0 || r.Offset < 0) {
		return fmt.Errorf("a record needs topic, id, partition and offset, but is %+v", *r)
	}
	if a := e.Assignment; a != nil && (a.Group == "" || a.Member == "" || a.Generation < 0) {
		return fmt.Errorf("an assignment needs group, member and generation, but is %+v", *a)
	}
	if a := e.Assignment; a != nil {
		claims := 0
		for topic, partitions := range a.Claims {
			sorted := slices.Sorted(slices.Values(partitions))
			if len(sorted) > 0 && (sorted[0] < 0 || len(slices.Compact(sorted)) < len(partitions)) {
				return fmt.Errorf("%s has no such partitions", topic)
			}
			claims += len(partitions)
		}
		if moved := e.Type == Acquired || e.Type == Released; moved && claims != 1 {
			return fmt.Errorf("%d partitions, and not the one that moves", claims)
		}
	}
	if e.Micros < 0 {
		return errors.New("micros is negative")
	}
	if m := e.Measurement; m != nil {
		if !idPattern().MatchString(m.ID) {
			return fmt.Errorf("%q is not an id", m.ID)
		}
		return text("name", m.Name)
	}
	if o := e.Observation; o != nil {
		if !idPattern().MatchString(o.Kind) {
			return fmt.Errorf("%q is not a kind", o.Kind)
		}
		if !bytes.HasPrefix(o.Data, []byte("{")) {
			return errors.New("data is not an object")
		}
	}
	if s := e.Silence; s != nil {
		if !idPattern().MatchString(s.Reason) {
			return fmt.Errorf("%q is not a reason", s.Reason)
		}
		for _, ends := range s.Ends {
			for partition, end := range ends {
				if partition < 0 || end < 0 {
					return fmt.Errorf("partition %d does not end at %d", partition, end)
				}
			}
		}
	}
	return nil
}

// idPattern matches what machines know things by.
func idPattern() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`) }

// ValidID tells whether a string can be an id: words of lower-case letters and digits, with hyphens between them.
func ValidID(id string) bool { return idPattern().MatchString(id) }

// visibleJSON makes the control characters of all strings in a JSON value visible.
func visibleJSON(line []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return json.Marshal(visibleIn(value))
}

func visibleIn(value any) any {
	switch v := value.(type) {
	case string:
		return Visible(v)
	case []any:
		for i := range v {
			v[i] = visibleIn(v[i])
		}
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(v)) {
			inner := visibleIn(v[key])
			delete(v, key)
			v[Visible(key)] = inner
		}
	}
	return value
}
