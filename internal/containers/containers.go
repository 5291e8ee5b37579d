// Package containers starts Apache Kafka and MySQL in containers that end with the test, by testcontainers: the very
// images of the compose stack (.env), for tests for which the embedded servers are not enough.
//
// # When a test runs
//
// It runs where a Docker engine answers; elsewhere it is skipped, with the reason, and with
// KAFKAHANDSON_REQUIRE_DOCKER=1 (CI) it fails. An image that is missing is pulled, as testcontainers does; where that
// cannot be done, offline for example, it is as without an engine. KAFKA_IMAGE and MYSQL_IMAGE in the environment win
// over .env.
//
// # How it differs from testcontainers' defaults
//
//   - No reaper (TESTCONTAINERS_RYUK_DISABLED): it is one more image to pull, and a container that may do anything to
//     the engine. Instead a file lock tells which containers a killed test has left; the next test removes them.
//   - A test that starts a container cannot be parallel itself; its sub-tests can.
//   - Ports are published on 127.0.0.1 only, and used there. So the engine has to be on this machine (Docker Desktop's
//     counts), and TESTCONTAINERS_HOST_OVERRIDE has no effect: testcontainers takes a machine with a /.dockerenv for a
//     container beside the engine, and would otherwise need telling that its ports are here.
package containers

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/gofrs/flock"
	"github.com/joho/godotenv"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"kafkahandson/internal/await"
	"kafkahandson/internal/checkout"
	"kafkahandson/internal/home"
)

// EnvRequire is the environment variable that, set to 1, makes a test fail that would be skipped.
const EnvRequire = "KAFKAHANDSON_REQUIRE_DOCKER"

const (
	startLimit = 2 * time.Minute // of a container whose image is here
	pullLimit  = 7 * time.Minute // of an image; `go test` gives all tests of a package 10 minutes

	labelHome = "kafkahandson.home" // whose lock tells whether the container's test is alive, see lease
	labelPID  = "kafkahandson.pid"  // of the test; testcontainers' session is that of all packages of one `go test`
)

// start runs a container until the end of the test. image is the environment variable that names its image, port the
// one that it serves, which is published on 127.0.0.1.
func start(t testing.TB, image string, port network.Port, memory int64, opts ...testcontainers.ContainerCustomizer) *testcontainers.DockerContainer {
	t.Helper()
	engine := connect(t)
	name := imageName(t, image)
	requireImage(t, engine, name)
	homeDir := lease(t, engine)

	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := testcontainers.Run(ctx, name, append(opts,
		testcontainers.WithLogger(log.TestLogger(t)),
		testcontainers.WithLabels(map[string]string{labelHome: homeDir, labelPID: strconv.Itoa(os.Getpid())}),
		testcontainers.WithExposedPorts(port.String()),
		testcontainers.WithHostConfigModifier(func(hc *container.HostConfig) {
			hc.PortBindings = network.PortMap{port: {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
			hc.Memory = memory
		}))...)
	t.Cleanup(func() {
		if t.Failed() {
			showLog(t, c)
		}
		if err := testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0)); err != nil { // nobody needs its data
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return c
}

// connect returns a client of the Docker engine that testcontainers uses.
func connect(t testing.TB) *testcontainers.DockerClient {
	t.Helper()
	t.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // read once, with the first client
	engine, err := testcontainers.NewDockerClientWithOpts(t.Context())
	if err != nil {
		missing(t, fmt.Errorf("no Docker engine answers: %w", err))
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// missing skips the test for want of Docker, or of an image that cannot be had; it fails where these are required.
func missing(t testing.TB, why error) {
	t.Helper()
	if os.Getenv(EnvRequire) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// imageName is the name of an image in the environment, else in .env.
func imageName(t testing.TB, variable string) string {
	t.Helper()
	dir, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	file, err := godotenv.Read(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	name := cmp.Or(os.Getenv(variable), file[variable])
	if name == "" {
		t.Fatalf("%s is neither in the environment nor in .env", variable)
	}
	return name
}

// requireImage pulls an image that is not here. testcontainers would, too, but within startLimit and without a word.
func requireImage(t testing.TB, engine *testcontainers.DockerClient, name string) {
	t.Helper()
	_, err := engine.ImageInspect(t.Context(), name)
	if err == nil {
		return
	}
	if !errdefs.IsNotFound(err) {
		t.Fatal(err)
	}
	t.Logf("pulling %s", name)
	ctx, cancel := context.WithTimeout(t.Context(), pullLimit)
	defer cancel()
	pull, err := engine.ImagePull(ctx, name, client.ImagePullOptions{})
	if err == nil {
		err = pull.Wait(ctx)
	}
	if err != nil {
		missing(t, fmt.Errorf("the image %s is not on this machine and cannot be pulled (try: docker pull %[1]s): %w", name, err))
	}
}

// lease keeps the containers of this test from being taken for leftovers, until its end. Every test with containers
// holds the lock of the course's home shared; the kernel takes it from a process that dies. Who gets it alone removes
// what is labelled with this home, which it returns.
func lease(t testing.TB, engine *testcontainers.DockerClient) (homeDir string) {
	t.Helper()
	dir, err := home.Dir("containers")
	if err != nil {
		t.Fatal(err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	t.Cleanup(func() {
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	})
	alone, err := lock.TryLock()
	if err != nil {
		t.Fatal(err)
	}
	if alone {
		removeAll(t, engine, labelHome+"="+dir)
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	if err := lock.RLock(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// removeAll removes the containers with a label.
func removeAll(t testing.TB, engine *testcontainers.DockerClient, label string) {
	t.Helper()
	left, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", label)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range left.Items {
		t.Logf("removing %s, which a test that was killed has left", c.ID[:12])
		if _, err := engine.ContainerRemove(t.Context(), c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// published is the port on 127.0.0.1 at which a container's port is reached.
func published(t testing.TB, c *testcontainers.DockerContainer, port network.Port) int {
	t.Helper()
	p, err := c.MappedPort(t.Context(), port.String())
	if err != nil {
		t.Fatal(err)
	}
	return int(p.Num())
}

// awaitAnswer waits until the server in a container answers.
func awaitAnswer(t testing.TB, c *testcontainers.DockerContainer, answers func(context.Context) error) {
	t.Helper()
	await.NoErrorWithin(t.Context(), t, startLimit, func(ctx context.Context) error {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		if state, stateErr := c.State(ctx); stateErr == nil && !state.Running {
			t.Fatalf("%s ended with exit code %d: %v", c.Image, state.ExitCode, err)
		}
		return fmt.Errorf("%s has not answered: %w", c.Image, err)
	})
}

// showLog logs the last that a container has said.
func showLog(t testing.TB, c *testcontainers.DockerContainer) {
	if c == nil {
		return
	}
	logs, err := c.Logs(context.Background())
	if err != nil {
		t.Log(err)
		return
	}
	defer logs.Close()
	said, err := io.ReadAll(logs)
	if err != nil {
		t.Log(err)
	}
	lines := bytes.Split(bytes.TrimSpace(said), []byte("\n"))
	t.Logf("%s said:\n%s", c.Image, bytes.Join(lines[max(0, len(lines)-40):], []byte("\n")))
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
