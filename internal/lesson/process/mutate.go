package process

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Mutation changes one place in the source of the clone's programs, for tests: a lesson must notice what it breaks.
type Mutation struct {
	// File is in the clone: "ch3-offsets/manual-commit/main.go".
	File string
	// Old is what stands there now, exactly once, and New what takes its place.
	Old, New string
}

// MutationError is a mutation whose place is not there, or not the only one: the source has changed.
type MutationError struct {
	Mutation
	Places int
}

func (e *MutationError) Error() string {
	return fmt.Sprintf("%s has %d places like this, want 1:\n%s", e.File, e.Places, e.Old)
}

// BuildMutated compiles programs from mutated source into a folder, and returns their files by package. Programs that no
// mutation concerns are those of [Launcher.Build]. The clone stays as it is.
func (l *Launcher) BuildMutated(ctx context.Context, folder string, packages []string, mutations []Mutation) (map[string]string, error) {
	sources := map[string]string{} // by file of the clone
	for _, m := range mutations {
		file := filepath.Join(l.Root, filepath.FromSlash(m.File))
		if sources[file] == "" {
			source, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("mutate: %w", err)
			}
			sources[file] = string(source)
		}
		if n := strings.Count(sources[file], m.Old); n != 1 {
			return nil, &MutationError{Mutation: m, Places: n}
		}
		sources[file] = strings.Replace(sources[file], m.Old, m.New, 1)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	for file, source := range sources {
		mutated := filepath.Join(folder, fmt.Sprintf("%d.go", len(overlay.Replace)))
		if err := os.WriteFile(mutated, []byte(source), 0o600); err != nil {
			return nil, fmt.Errorf("mutate: %w", err)
		}
		overlay.Replace[file] = mutated
	}
	content, err := json.Marshal(overlay)
	if err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	list := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(list, content, 0o600); err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	concerned, others := split(packages, mutations)
	files, err := l.Build(ctx, others)
	if err != nil {
		return nil, err
	}
	mutated, err := l.compile(ctx, filepath.Join(folder, "bin"), concerned, "-overlay", list, "-ldflags", "-w") // nobody debugs it: it links faster
	if err != nil {
		return nil, err
	}
	maps.Copy(files, mutated)
	return files, nil
}

// split tells the programs that mutations concern from the others: all, if one is in a file that programs share.
func split(packages []string, mutations []Mutation) (concerned, others []string) {
	folders := map[string]bool{}
	for _, m := range mutations {
		folder := path.Dir(m.File)
		if !slices.Contains(packages, folder) {
			return packages, nil
		}
		folders[folder] = true
	}
	for _, p := range packages {
		if folders[p] {
			concerned = append(concerned, p)
		} else {
			others = append(others, p)
		}
	}
	return concerned, others
}
