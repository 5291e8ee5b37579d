package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"kafkahandson/internal/home"
)

// EnterCluster takes a place on a cluster that several runs use, alone or beside others, until the lock is closed. lock is
// nil if there is no place; then others are the runs that are there, as far as they have said so: "ch3-rebalance (r36uzg)".
func EnterCluster(id string, alone bool) (lock *flock.Flock, others []string, err error) {
	clusters, err := home.Dir("clusters")
	if err != nil {
		return nil, nil, err
	}
	lock = flock.New(filepath.Join(clusters, fileName(id)))
	try := lock.TryRLock
	if alone {
		try = lock.TryLock
	}
	ok, err := try()
	if err != nil {
		return nil, nil, fmt.Errorf("lock the cluster %s: %w", id, err)
	}
	if ok {
		return lock, nil, nil
	}
	others, err = on(id)
	return nil, others, errors.Join(err, lock.Close())
}

// fileName is an id as the name of a file: ids of clusters are any text.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '.'
	}, id)
}

// on are the runs that go on on a cluster.
func on(cluster string) ([]string, error) {
	all, err := home.Dir("runs")
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(all)
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var living []string
	for _, e := range entries {
		f := Folder{dir: filepath.Join(all, e.Name())}
		f.read()
		if f.Cluster != cluster {
			continue
		}
		lock := flock.New(filepath.Join(f.dir, lockFile), flock.SetFlag(os.O_RDWR))
		if ok, err := lock.TryRLock(); err == nil && !ok {
			living = append(living, fmt.Sprintf("%s (%s)", f.Lesson, e.Name()))
		}
		_ = lock.Close()
	}
	return living, nil
}
