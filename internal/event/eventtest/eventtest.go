// Package eventtest holds events against their JSON Schema (2020-12), and observations against that of their chapter. It
// makes events, too.
package eventtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
)

// Schema checks events. Its methods may be called concurrently.
type Schema struct {
	event *jsonschema.Schema
	// observations by the folder of a chapter, and by kind.
	observations map[string]map[string]*jsonschema.Schema
}

// Load compiles internal/event/schema.json, and the file observation/schema.json of each chapter that has one.
func Load() (*Schema, error) {
	root, err := checkout.Root()
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s := &Schema{observations: map[string]map[string]*jsonschema.Schema{}}
	if s.event, err = c.Compile(filepath.Join(root, "internal", "event", "schema.json")); err != nil {
		return nil, err
	}
	chapters, err := filepath.Glob(filepath.Join(root, "ch*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range chapters {
		file := filepath.Join(dir, "observation", "schema.json")
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var kinds struct {
			Defs map[string]json.RawMessage `json:"$defs"`
		}
		if err := json.Unmarshal(text, &kinds); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		of := map[string]*jsonschema.Schema{}
		for kind := range kinds.Defs {
			if of[kind], err = c.Compile(file + "#/$defs/" + kind); err != nil {
				return nil, err
			}
		}
		s.observations[filepath.Base(dir)] = of
	}
	return s, nil
}

// Check tells what is wrong with an event, as `lab run --json` would print it; nil if nothing is.
func (s *Schema) Check(e event.Event) error {
	var line bytes.Buffer
	if err := event.Write(&line, e); err != nil {
		return err
	}
	if err := s.CheckLine(line.Bytes()); err != nil {
		return fmt.Errorf("%s: %w", bytes.TrimSpace(line.Bytes()), err)
	}
	return nil
}

// CheckLine is Check for a line of JSON.
func (s *Schema) CheckLine(line []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return err
	}
	if err := s.event.Validate(value); err != nil {
		return err
	}
	var e event.Event
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if e.Observation == nil {
		return nil
	}
	for dir, kinds := range s.observations {
		chapter, _, _ := strings.Cut(dir, "-")
		if !strings.HasPrefix(e.Lesson, chapter+"-") {
			continue
		}
		schema, ok := kinds[e.Observation.Kind]
		if !ok {
			return fmt.Errorf("%s/observation/schema.json does not know %q", dir, e.Observation.Kind)
		}
		data, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Observation.Data))
		if err != nil {
			return err
		}
		return schema.Validate(data)
	}
	return nil // of a lesson that is no chapter's: a test's
}
