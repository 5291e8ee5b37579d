// Package process starts programs of a clone as child processes, hears everything that they say, and sees to it that none
// outlives whoever started it: programs of the course look after that themselves, internal/leash does for all others.
package process

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"kafkahandson/internal/home"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// Launcher builds and starts the programs of a clone. Its methods may be called concurrently.
type Launcher struct {
	// Root is the folder of the clone. Programs run there.
	Root string
	// Slow is called when a build takes more than a second. Default: nobody is told.
	Slow func()

	mu    sync.Mutex
	leash string // the file of internal/leash, once it is built
}

// slow is how long a build may take before somebody is told about it.
const slow = time.Second

// Build compiles programs into the cache folder and returns their files by package. The go command does the work only
// when a source has changed, so that a second run starts at once. Builds wait for each other, also for those of other
// processes.
func (l *Launcher) Build(ctx context.Context, packages []string) (map[string]string, error) {
	if l.Slow != nil {
		tell := time.AfterFunc(slow, l.Slow)
		defer tell.Stop()
	}
	sum := sha256.Sum256([]byte(l.Root)) // clones side by side have programs of their own
	kind := "plain"
	if raceEnabled { // the race detector watches the programs where it watches the tests
		kind = "race"
	}
	bin, err := home.Dir("bin", hex.EncodeToString(sum[:6]), kind)
	if err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(bin, "lock"))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another build: %w", err)
	}
	defer func() { _ = lock.Close() }() // the lock ends with the file

	return l.compile(ctx, bin, packages)
}

// compile compiles programs into a folder and returns their files by package. flags are more flags for go build.
func (l *Launcher) compile(ctx context.Context, bin string, packages []string, flags ...string) (map[string]string, error) {
	if raceEnabled {
		flags = append(flags, "-race")
	}
	byFolder := map[string][]string{} // programs of different chapters may share a name
	files := map[string]string{}
	for _, pkg := range packages {
		folder := filepath.Join(bin, filepath.FromSlash(filepath.Dir(pkg)))
		byFolder[folder] = append(byFolder[folder], "./"+pkg)
		files[pkg] = filepath.Join(folder, filepath.Base(pkg))
	}
	for folder, pkgs := range byFolder {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("create the folder of the programs: %w", err)
		}
		slices.Sort(pkgs)
		args := slices.Concat([]string{"build", "-o", folder + string(filepath.Separator)}, flags, pkgs)
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = l.Root
		cmd.WaitDelay = time.Second // at Ctrl-C, the compilers that go has started may hold the pipe longer than go
		out, err := cmd.CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			return nil, problem.Environment(err, i18n.Text{EN: "the go command is missing", KO: "go 명령이 없습니다"},
				i18n.Text{EN: "install Go (go.mod says which version) and put it on the PATH", KO: "Go를 설치하고(버전은 go.mod 참고) PATH에 추가하세요"})
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, &problem.Problem{
				What:  i18n.Text{EN: "the programs of the lesson do not compile:\n%s", KO: "레슨 프로그램이 컴파일되지 않습니다:\n%s"}.With(bytes.TrimSpace(out)),
				Solve: []i18n.Text{{EN: "fix the source at the line named above, or take it back with git checkout", KO: "위에 표시된 줄을 고치거나 git checkout으로 되돌리세요"}},
				Cause: err,
			}
		}
	}
	return files, nil
}
