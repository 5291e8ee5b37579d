package containers

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"go.uber.org/goleak"

	"kafkahandson/internal/conformance"
	"kafkahandson/internal/home"
	"kafkahandson/internal/mysql/mysqltest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "16"); err != nil { // the tests wait much and compute little
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

func TestKafkaConforms(t *testing.T) {
	leavesNothing(t)
	conformance.Run(t, conformance.Backend{Kafka: StartKafka(t), Lacks: map[conformance.Feature]string{
		conformance.DroppedAcknowledgements: "no faults can be injected into a container",
	}})
}

func TestMySQLConforms(t *testing.T) {
	leavesNothing(t)
	mysqltest.RunConformance(t, StartMySQL(t))
}

// leavesNothing checks, when all else is cleaned up, that no container of this run is left.
func leavesNothing(t *testing.T) {
	t.Cleanup(func() {
		if t.Skipped() {
			return
		}
		if left := containersOf(t, os.Getpid()); len(left) > 0 {
			t.Errorf("containers are left: %v", left)
		}
	})
}

// containersOf returns the containers that testcontainers started for a process.
func containersOf(t *testing.T, pid int) []string {
	t.Helper()
	engine, err := testcontainers.NewDockerClientWithOpts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	list, err := engine.ContainerList(context.Background(), client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", "org.testcontainers=true", labelPID+"="+strconv.Itoa(pid)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range list.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

// envVictim makes TestVictim run, in a process of its own, and end as it says: "failed" or "killed".
const (
	envVictim   = "KAFKAHANDSON_CONTAINERS_VICTIM"
	victimReady = "the container runs"
)

func TestVictim(t *testing.T) {
	end := os.Getenv(envVictim)
	if end == "" {
		t.Skip("it is run by the tests below")
	}
	StartMySQL(t)
	fmt.Println(victimReady)
	if end == "failed" {
		t.Fatal("as asked")
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
}

func TestAFailedTestsContainerIsRemoved(t *testing.T) {
	victim := startVictim(t, "failed")
	var exit *exec.ExitError
	if err := victim.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("the test that was to fail ended with %v", err)
	}
	if left := containersOf(t, victim.Process.Pid); len(left) > 0 {
		t.Errorf("containers are left: %v", left)
	}
}

func TestAKilledTestsContainerIsRemovedByTheNext(t *testing.T) {
	leavesNothing(t)
	t.Setenv(home.Env, t.TempDir()) // others use the lock of the usual one meanwhile, and nothing is removed then
	victim := startVictim(t, "killed")
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	if left := containersOf(t, victim.Process.Pid); len(left) != 1 {
		t.Fatalf("containers %v are left, want one", left)
	}
	StartMySQL(t)
	if left := containersOf(t, victim.Process.Pid); len(left) > 0 {
		t.Errorf("containers are left: %v", left)
	}
}

// startVictim runs TestVictim until its container runs. The caller waits for its end.
func startVictim(t *testing.T, end string) *exec.Cmd {
	t.Helper()
	requireImage(t, connect(t), imageName(t, "MYSQL_IMAGE"))
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.v")
	cmd.Env = append(os.Environ(), envVictim+"="+end)
	stdin, err := cmd.StdinPipe() // open as long as this process lives
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() }) // not before: what it says later must go somewhere
	cmd.Stdout, cmd.Stderr = write, write
	if err := errors.Join(cmd.Start(), write.Close()); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if lines.Text() == victimReady {
			return cmd
		}
		said = append(said, lines.Text())
	}
	t.Fatalf("the test in another process has started no container (%v):\n%s", cmd.Wait(), strings.Join(said, "\n"))
	return nil
}
