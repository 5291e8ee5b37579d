package lesson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/IBM/sarama"
	"github.com/gofrs/flock"

	"kafkahandson/internal/home"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// record is what a run leaves on a shared cluster, written down before it is made, in a folder of the run. The folder's
// lock is held while the run goes on, so that nobody clears up behind a living run.
type record struct {
	names
	lock *flock.Flock
}

// names is what is made for a run on servers that outlive it.
type names struct {
	Lesson    string   `json:"lesson"`
	Cluster   string   `json:"cluster,omitempty"` // the id of a cluster that goes on after the run
	Topics    []string `json:"topics,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	MySQL     string   `json:"mysql,omitempty"` // where the databases are
	Databases []string `json:"databases,omitempty"`

	dir string
}

const (
	recordFile = "run.json"
	lockFile   = "lock"
	// doorFile is locked for the moment in which a run's folder is made, looked for or removed: whatever folder is then
	// not locked belongs to a run that is over, however it ended.
	doorFile = "door"
)

// lockRuns returns the folder of all runs, and keeps others from making one, looking for one or removing one until unlock.
func lockRuns() (dir string, unlock func() error, err error) {
	if dir, err = home.Dir("runs"); err != nil {
		return "", nil, err
	}
	door := flock.New(filepath.Join(dir, doorFile))
	if err := door.Lock(); err != nil {
		return "", nil, fmt.Errorf("lock the folder of the runs: %w", err)
	}
	return dir, door.Close, nil
}

func newRecord(id, lesson string) (_ *record, err error) {
	if err := sweepRuns(); err != nil {
		return nil, err
	}
	runs, unlock, err := lockRuns()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	r := &record{names: names{Lesson: lesson, dir: filepath.Join(runs, id)}}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of run %s: %w", id, err)
	}
	r.lock = flock.New(filepath.Join(r.dir, lockFile))
	if _, err := r.lock.TryLock(); err != nil {
		return nil, fmt.Errorf("lock the folder of run %s: %w", id, err)
	}
	return r, nil
}

// add writes a name down, before what it names is made.
func (n *names) add(to *[]string, name string) error {
	*to = append(*to, name)
	return n.save()
}

// save writes the names down. If it is killed meanwhile, those that were written down before are still there.
func (n *names) save() error {
	file := filepath.Join(n.dir, recordFile)
	data, err := json.Marshal(n)
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
func (n *names) read() {
	if data, err := os.ReadFile(filepath.Join(n.dir, recordFile)); err == nil {
		_ = json.Unmarshal(data, n)
	}
}

// nothingLeft tells whether no server has anything of the run any more.
func (n *names) nothingLeft() bool {
	return len(n.Topics)+len(n.Groups)+len(n.Databases) == 0 || n.Cluster == "" && len(n.Databases) == 0
}

// close ends the run. The folder goes, unless it is needed to clear up servers later.
func (r *record) close() error {
	return r.release(r.nothingLeft())
}

// release lets the folder go, or removes it.
func (r *record) release(remove bool) (err error) {
	if remove {
		_, unlock, err := lockRuns()
		if err == nil {
			err = errors.Join(os.RemoveAll(r.dir), unlock())
		}
		return errors.Join(err, r.lock.Close())
	}
	return r.lock.Close()
}

// finishedRun is a run that is over and whose names are still on a cluster.
type finishedRun struct{ record }

// finishedRuns returns the runs that are over, locked. Close each with its release method.
func finishedRuns() (finished []finishedRun, err error) {
	runs, unlock, err := lockRuns()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	entries, err := os.ReadDir(runs)
	if err != nil {
		return nil, fmt.Errorf("list earlier runs: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(runs, e.Name())
		lock := flock.New(filepath.Join(dir, lockFile)) // which it creates if the run was killed before, or while it removed it
		if ok, err := lock.TryLock(); err != nil || !ok {
			_ = lock.Close()
			continue // it goes on, or is being removed right now
		}
		run := finishedRun{record{lock: lock, names: names{dir: dir}}}
		run.read()
		finished = append(finished, run)
	}
	return finished, nil
}

// sweepRuns removes the folders of killed runs whose Kafka went with them.
func sweepRuns() error {
	runs, err := finishedRuns()
	for _, run := range runs {
		err = errors.Join(err, run.release(run.nothingLeft()))
	}
	return err
}

// lockCluster takes a place on a cluster, alone or beside others. lock is nil if there is no place; then others are the
// runs that are there, as far as they have said so: "ch3-rebalance (r36uzg)".
func lockCluster(id string, alone bool) (lock *flock.Flock, others []string, err error) {
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
	others, err = runsOn(id)
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

// runsOn are the runs that go on on a cluster.
func runsOn(cluster string) ([]string, error) {
	runs, err := home.Dir("runs")
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(runs)
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var living []string
	for _, e := range entries {
		n := names{dir: filepath.Join(runs, e.Name())}
		n.read()
		if n.Cluster != cluster {
			continue
		}
		lock := flock.New(filepath.Join(n.dir, lockFile), flock.SetFlag(os.O_RDWR))
		if ok, err := lock.TryRLock(); err == nil && !ok {
			living = append(living, fmt.Sprintf("%s (%s)", n.Lesson, e.Name()))
		}
		_ = lock.Close()
	}
	return living, nil
}

// Removed is what [Reset] removed.
type Removed struct{ Topics, Groups []string }

// Reset removes the topics and groups that earlier runs of a lesson left on a cluster, "" for all lessons. A run that
// goes on is left alone.
func Reset(ctx context.Context, cfg kafka.Config, lesson string) (Removed, error) {
	admin, err := admin.Connect(ctx, cfg)
	if err != nil {
		return Removed{}, err
	}
	removed, err := reset(ctx, admin, lesson)
	return removed, errors.Join(err, admin.Close())
}

func reset(ctx context.Context, admin *admin.Client, lesson string) (removed Removed, err error) {
	// By its id and not by its addresses: another cluster may have them at another time.
	cluster, err := admin.ClusterID(ctx)
	if err != nil {
		return Removed{}, err
	}
	runs, err := finishedRuns()
	if err != nil {
		return Removed{}, err
	}
	for _, run := range runs {
		if run.Cluster != cluster || (lesson != "" && run.Lesson != lesson) {
			err = errors.Join(err, run.release(false))
			continue
		}
		runErr := run.remove(ctx, admin, &removed)
		if runErr == nil {
			run.Cluster, run.Topics, run.Groups = "", nil, nil
			runErr = run.save()
		}
		err = errors.Join(err, runErr, run.release(run.nothingLeft()))
	}
	return removed, err
}

func (f *finishedRun) remove(ctx context.Context, admin *admin.Client, removed *Removed) error {
	for _, topic := range f.Topics {
		switch err := admin.DeleteTopic(ctx, topic); {
		case err == nil:
			removed.Topics = append(removed.Topics, topic)
		case !errors.Is(err, sarama.ErrUnknownTopicOrPartition):
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	existing, err := admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	for _, group := range f.Groups {
		if !slices.Contains(existing, group) {
			continue
		}
		if err := deleteGroup(ctx, admin, group); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
		removed.Groups = append(removed.Groups, group)
	}
	return nil
}

// deleteGroup deletes a group whose programs have ended, although the broker may still count some as members: static
// ones, and those that were killed, until their session timeout.
func deleteGroup(ctx context.Context, admin *admin.Client, group string) error {
	g, err := admin.DescribeGroup(ctx, group)
	if err != nil {
		return err
	}
	for _, m := range g.Members {
		if err := admin.RemoveMember(ctx, group, m.ID); err != nil {
			return err
		}
	}
	return admin.DeleteGroup(ctx, group)
}
