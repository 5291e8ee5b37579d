package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
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

func writeJUnit(file string, outcomes []outcome) error {
	var suites junitSuites
	for _, o := range outcomes {
		s := junitSuite{Name: o.lesson.Name, Time: fmt.Sprintf("%.3f", o.took.Seconds())}
		for _, v := range o.result.Variants {
			for _, c := range v.Claims {
				claim := junitCase{Class: o.lesson.Name, Name: c.ID}
				if v.Name != "" {
					claim.Class += "." + v.Name
				}
				if !c.OK {
					claim.Failure = &junitMessage{c.Text.EN + ": " + c.Evidence}
					s.Failures++
				}
				s.Cases = append(s.Cases, claim)
			}
		}
		if o.err != nil {
			s.Cases = append(s.Cases, junitCase{Class: o.lesson.Name, Name: "verdict", Error: &junitMessage{o.err.Error()}})
			s.Errors++
		}
		if o.result.Skipped != nil {
			s.Cases = append(s.Cases, junitCase{Class: o.lesson.Name, Name: "verdict", Skipped: &junitMessage{o.result.Skipped.Need + ": " + o.result.Skipped.Why.EN}})
			s.Skipped++
		}
		s.Tests = len(s.Cases)
		suites.Suites = append(suites.Suites, s)
	}
	data, err := xml.MarshalIndent(suites, "", "  ")
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
