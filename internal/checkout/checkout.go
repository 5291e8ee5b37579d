// Package checkout finds the clone of the course that a command runs in.
package checkout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Root returns the folder of the course's go.mod, at or above the working directory.
func Root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the course: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module kafkahandson\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", &NotFoundError{Dir: start}
		}
	}
}

// NotFoundError is a folder that is not inside a clone of the course.
type NotFoundError struct{ Dir string }

func (e *NotFoundError) Error() string { return e.Dir + " is not inside a clone of the course" }
