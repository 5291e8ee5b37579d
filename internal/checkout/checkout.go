// Package checkout finds the clone of the course that a command runs in.
package checkout

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
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
			return "", problem.Environment(nil,
				i18n.Text{EN: "%s is not inside a clone of the course, so there are no programs to build", KO: "%s은(는) 강의 저장소 안이 아니라서 빌드할 프로그램이 없습니다"}.With(start),
				i18n.Text{EN: "change into the folder that you cloned", KO: "복제한 저장소 폴더로 이동하세요"})
		}
	}
}
