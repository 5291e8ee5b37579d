package main

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rogpeppe/go-internal/testscript"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/localport/localporttest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	testscript.Main(m, map[string]func(){"lab": main})
}

// keptDir is where lab up --embedded keeps its Kafka in a script.
func keptDir(work string) string { return filepath.Join(work, "home", "embedded", "kafka") }

// TestScripts runs the command as a person types it: see testdata/script. In a script,
//
//	exits 2 lab lsit
//	member readers
//	xml picture.svg
//	widest 50 60 ttyout
//
// runs a command and checks its exit code, waits until a consumer group of the kept Kafka has a member, checks that a file
// is XML, and checks how many columns the widest line of a file takes.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "testdata/script"
	scripts, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	// Scripts run at the same time: each has ports of its own, or one would find the Kafka of another.
	ports := make(chan int, 3*len(scripts))
	for _, port := range localporttest.Free(t, cap(ports)) {
		ports <- port
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Defer(func() { // a script that failed half-way has not done it
				if _, err := embedded.StopKafka(context.Background(), keptDir(env.WorkDir)); err != nil {
					t.Error(err)
				}
			})
			env.Setenv("KAFKAHANDSON_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("KAFKAHANDSON_STACK", "embedded") // whatever else runs on this computer
			for i := range 3 {
				env.Setenv(fmt.Sprintf("KAFKA%d_PORT", i+1), strconv.Itoa(<-ports))
			}
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"} { // the programs are built with the caches there are
				value, err := exec.Command("go", "env", name).Output()
				if err != nil {
					return err
				}
				env.Setenv(name, string(value[:len(value)-1]))
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: exits CODE COMMAND…")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				got := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					var exit *exec.ExitError
					if !errors.As(err, &exit) {
						ts.Fatalf("%v", err)
					}
					got = exit.ExitCode()
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			"xml": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: xml FILE")
				}
				ts.Check(xml.Unmarshal([]byte(ts.ReadFile(args[0])), new(struct{})))
			},
			"widest": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 3 {
					ts.Fatalf("usage: widest LEAST MOST FILE")
				}
				least, err := strconv.Atoi(args[0])
				ts.Check(err)
				most, err := strconv.Atoi(args[1])
				ts.Check(err)
				widest, columns := "", 0
				for line := range strings.Lines(ts.ReadFile(args[2])) {
					line = strings.TrimRight(line, "\r\n")
					if w := text.StringWidthWithoutEscSequences(line); w > columns {
						widest, columns = line, w
					}
				}
				if columns < least || columns > most {
					ts.Fatalf("the widest line takes %d columns, want %d to %d:\n%s", columns, least, most, widest)
				}
			},
			"member": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: member GROUP")
				}
				state, ok := embedded.RunningKafka(keptDir(ts.Getenv("WORK")))
				if !ok {
					ts.Fatalf("no Kafka is kept up")
				}
				admin, err := admin.Connect(t.Context(), kafka.Config{Brokers: state.Addresses})
				ts.Check(err)
				defer func() { ts.Check(admin.Close()) }()
				ctx, cancel := context.WithTimeout(t.Context(), await.Patience)
				defer cancel()
				ts.Check(await.Until(ctx, func(ctx context.Context) error {
					group, err := admin.DescribeGroup(ctx, args[0])
					if err == nil && (group.State != "Stable" || len(group.Members) == 0) {
						err = fmt.Errorf("the group is %+v", group)
					}
					return err
				}))
			},
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
