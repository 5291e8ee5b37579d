package report

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"kafkahandson/internal/event"
)

// The part of JUnit's XML that CI servers read: a suite for each lesson, a case for each claim.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"` // seconds
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// JUnit collects the verdicts of lessons, one after another: feed it the events of each, and then [JUnit.End]. The zero
// value is ready for use.
type JUnit struct {
	suites junitSuites
	now    junitSuite  // of the lesson that runs
	claims []junitCase // of the variant that runs: they count when it has ended
}

// Emit takes in an event of the lesson that runs.
func (j *JUnit) Emit(e event.Event) {
	switch e.Type {
	case event.Claimed:
		c := junitCase{Class: e.Lesson, Name: e.Claim.ID}
		if e.Variant != "" {
			c.Class += "." + e.Variant
		}
		if !e.Claim.OK {
			c.Failure = &junitMessage{e.Claim.Text.EN + ": " + e.Claim.Evidence}
		}
		j.claims = append(j.claims, c)
	case event.VariantEnded:
		j.now.Cases = append(j.now.Cases, j.claims...)
		j.claims = nil
	case event.Skipped:
		j.now.Cases = append(j.now.Cases, junitCase{Class: e.Lesson, Name: noVerdict, Skipped: &junitMessage{e.Need + ": " + e.Text.EN}})
	}
}

// noVerdict is the name of the case that says why a lesson has no verdict.
const noVerdict = "verdict"

// End ends the suite of a lesson. err is why it came to no verdict, nil if it came to one or was skipped.
func (j *JUnit) End(lesson string, took time.Duration, err error) {
	s := j.now
	j.now, j.claims = junitSuite{}, nil
	s.Name, s.Time = lesson, fmt.Sprintf("%.3f", took.Seconds())
	if err != nil {
		s.Cases = append(s.Cases, junitCase{Class: lesson, Name: noVerdict, Error: &junitMessage{err.Error()}})
	}
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	j.suites.Suites = append(j.suites.Suites, s)
}

// Write writes the suites to a file, whose folder it creates.
func (j *JUnit) Write(file string) error {
	data, err := xml.MarshalIndent(j.suites, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, append([]byte(xml.Header), data...), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the verdicts to %s: %w", file, err)
	}
	return nil
}
