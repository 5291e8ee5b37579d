// Package runs keeps what this computer knows of the runs of lessons: each has a folder, locked while the run goes on, in
// which is written down what it makes on servers that outlive it. So whoever comes next can clear up behind a run that
// was killed, and leaves alone one that lives.
package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"kafkahandson/internal/home"
)

// Folder is that of a run of a lesson, from [Create] to Close. It is for one goroutine at a time.
type Folder struct {
	made
	dir  string
	lock *flock.Flock // held while the run goes on
}

// made is what was made for a run on servers that outlive it.
type made struct {
	Lesson    string   `json:"lesson"`
	Cluster   string   `json:"cluster,omitempty"` // the id of a cluster that goes on after the run
	Topics    []string `json:"topics,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	MySQL     string   `json:"mysql,omitempty"` // where the databases are
	Databases []string `json:"databases,omitempty"`
}

const (
	madeFile = "run.json"
	lockFile = "lock"
	// doorFile is locked for the moment in which a run's folder is made, looked for or removed: whatever folder is then
	// not locked belongs to a run that is over, however it ended.
	doorFile = "door"
)

// lockAll returns the folder of all runs, and keeps others from making one, looking for one or removing one until unlock.
func lockAll() (dir string, unlock func() error, err error) {
	if dir, err = home.Dir("runs"); err != nil {
		return "", nil, err
	}
	door := flock.New(filepath.Join(dir, doorFile))
	if err := door.Lock(); err != nil {
		return "", nil, fmt.Errorf("lock the folder of the runs: %w", err)
	}
	return dir, door.Close, nil
}

// Create makes the folder of a run of a lesson. Before that it sweeps away the folders of killed runs whose servers went
// with them.
func Create(id, lesson string) (_ *Folder, err error) {
	if err := sweep(); err != nil {
		return nil, err
	}
	all, unlock, err := lockAll()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	f := &Folder{made: made{Lesson: lesson}, dir: filepath.Join(all, id)}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of run %s: %w", id, err)
	}
	f.lock = flock.New(filepath.Join(f.dir, lockFile))
	if _, err := f.lock.TryLock(); err != nil {
		return nil, fmt.Errorf("lock the folder of run %s: %w", id, err)
	}
	return f, nil
}

// Dir is the run's folder. What is put there goes with the run.
func (f *Folder) Dir() string { return f.dir }

// StaysOn notes that the run's topics and groups are on a cluster, by its id, that goes on after it.
func (f *Folder) StaysOn(cluster string) error {
	f.Cluster = cluster
	return f.save()
}

// AddTopic notes a topic, before it is created.
func (f *Folder) AddTopic(name string) error {
	f.Topics = append(f.Topics, name)
	return f.save()
}

// AddGroup notes a consumer group, before somebody joins it.
func (f *Folder) AddGroup(name string) error {
	f.Groups = append(f.Groups, name)
	return f.save()
}

// AddDatabase notes a database on a MySQL, before it is created. All databases of a run are on the same one.
func (f *Folder) AddDatabase(server, name string) error {
	f.MySQL = server
	f.Databases = append(f.Databases, name)
	return f.save()
}

// DropDatabases drops the databases of the run, each with drop, and forgets them.
func (f *Folder) DropDatabases(drop func(name string) error) error {
	for _, name := range f.Databases {
		if err := drop(name); err != nil {
			return err
		}
	}
	f.Databases = nil
	return f.save()
}

// Leaves tells whether the run leaves topics or groups on a cluster that goes on.
func (f *Folder) Leaves() bool { return f.Cluster != "" && len(f.Topics)+len(f.Groups) > 0 }

// Close ends the run. The folder goes, unless it is needed to clear up servers later.
func (f *Folder) Close() error {
	if f.Leaves() || len(f.Databases) > 0 {
		return f.lock.Close()
	}
	_, unlock, err := lockAll()
	if err == nil {
		err = errors.Join(os.RemoveAll(f.dir), unlock())
	}
	return errors.Join(err, f.lock.Close())
}

// save writes down what was made. If it is killed meanwhile, what was written down before is still there.
func (f *Folder) save() error {
	file := filepath.Join(f.dir, madeFile)
	data, err := json.Marshal(f.made)
	if err == nil {
		err = os.WriteFile(file+".new", data, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return fmt.Errorf("write down what the run makes: %w", err)
	}
	return nil
}

// read fills in what was written down. What a killed run left half written names nothing.
func (f *Folder) read() {
	if data, err := os.ReadFile(filepath.Join(f.dir, madeFile)); err == nil {
		_ = json.Unmarshal(data, &f.made)
	}
}

// finished returns the runs that are over, locked. Close each.
func finished() (over []*Folder, err error) {
	all, unlock, err := lockAll()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	entries, err := os.ReadDir(all)
	if err != nil {
		return nil, fmt.Errorf("list earlier runs: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(all, e.Name())
		lock := flock.New(filepath.Join(dir, lockFile)) // which it creates if the run was killed before, or while it removed it
		if ok, err := lock.TryLock(); err != nil || !ok {
			_ = lock.Close()
			continue // it goes on, or is being removed right now
		}
		f := &Folder{dir: dir, lock: lock}
		f.read()
		over = append(over, f)
	}
	return over, nil
}

// sweep removes the folders of finished runs that left nothing.
func sweep() error {
	over, err := finished()
	for _, f := range over {
		err = errors.Join(err, f.Close())
	}
	return err
}
