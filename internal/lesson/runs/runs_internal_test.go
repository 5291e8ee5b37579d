package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"

	"kafkahandson/internal/home"
)

// Runs that begin and end at the same time do not get in each other's way, and the folder is empty in the end.
func TestRunsThatComeAndGo(t *testing.T) {
	t.Setenv(home.Env, t.TempDir())
	var all errgroup.Group
	for g := range 8 {
		all.Go(func() error {
			for i := range 100 {
				f, err := Create(fmt.Sprintf("r%d-%d", g, i), "come-and-go")
				if err != nil {
					return err
				}
				if err := f.AddTopic("t"); err != nil { // of a Kafka that goes with the run
					return err
				}
				if err := f.Close(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	runs, err := home.Dir("runs")
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(runs, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != doorFile {
		t.Errorf("left: %v (%v)", left, err)
	}
}

// What a run has written down survives a kill while it writes more.
func TestNamesAreNotForgotten(t *testing.T) {
	f := Folder{made: made{Lesson: "x"}, dir: t.TempDir()}
	if err := f.AddTopic("one"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, madeFile+".new"), []byte(`{"lesson":"x","topics":["on`), 0o600); err != nil {
		t.Fatal(err)
	}
	found := Folder{dir: f.dir}
	found.read()
	if len(found.Topics) != 1 || found.Lesson != "x" {
		t.Errorf("%+v", found.made)
	}
}
