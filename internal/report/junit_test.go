package report_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kafkahandson/internal/event"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/report"
)

// A lesson that passes in one variant and fails in another, one that is skipped, one that breaks off in a variant, and
// one that does not begin.
func TestJUnit(t *testing.T) {
	var j report.JUnit
	claim := func(lesson, variant, id string, ok bool) {
		j.Emit(event.Event{Type: event.Claimed, Lesson: lesson, Variant: variant, Claim: &event.Claim{ID: id, Text: i18n.Verbatim("a claim"), OK: ok, Evidence: "1"}})
	}
	ended := func(lesson, variant string) {
		j.Emit(event.Event{Type: event.VariantEnded, Lesson: lesson, Variant: variant})
	}
	claim("one", "right", "all", true)
	ended("one", "right")
	claim("one", "wrong", "all", false)
	ended("one", "wrong")
	j.End("one", 1500*time.Millisecond, nil)

	why := i18n.Text{EN: "why", KO: "이유"}
	j.Emit(event.Event{Type: event.Skipped, Lesson: "two", Need: "mysql", Text: &why})
	j.End("two", time.Second, nil)

	claim("three", "", "first", true)
	ended("three", "")
	claim("three", "", "not judged", true)
	j.End("three", 0, errors.New("broke off"))

	j.End("four", 0, errors.New("no such variant"))

	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="one" tests="2" failures="1" errors="0" skipped="0" time="1.500">
    <testcase classname="one.right" name="all"></testcase>
    <testcase classname="one.wrong" name="all">
      <failure message="a claim: 1"></failure>
    </testcase>
  </testsuite>
  <testsuite name="two" tests="1" failures="0" errors="0" skipped="1" time="1.000">
    <testcase classname="two" name="verdict">
      <skipped message="mysql: why"></skipped>
    </testcase>
  </testsuite>
  <testsuite name="three" tests="2" failures="0" errors="1" skipped="0" time="0.000">
    <testcase classname="three" name="first"></testcase>
    <testcase classname="three" name="verdict">
      <error message="broke off"></error>
    </testcase>
  </testsuite>
  <testsuite name="four" tests="1" failures="0" errors="1" skipped="0" time="0.000">
    <testcase classname="four" name="verdict">
      <error message="no such variant"></error>
    </testcase>
  </testsuite>
</testsuites>`
	file := filepath.Join(t.TempDir(), "new", "junit.xml")
	if err := j.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
}
