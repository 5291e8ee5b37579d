package compose_test

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/remedy"
)

// javaCourse is where everything is unless somebody says otherwise.
func javaCourse() compose.Ports {
	return compose.Ports{Kafka: []int{9092, 9093, 9094}, ZooKeeper: 2181, MySQL: 3306, CMAK: 9000, Console: 8989, UI: 8081, Connect: 8083}
}

func TestReadPorts(t *testing.T) {
	moved := func(change func(*compose.Ports)) compose.Ports {
		p := javaCourse()
		change(&p)
		return p
	}
	for name, test := range map[string]struct {
		file string // "-": there is none
		env  map[string]string
		want compose.Ports
	}{
		"no file":           {"-", nil, javaCourse()},
		"an empty file":     {"", nil, javaCourse()},
		"a file":            {"# moved\nMYSQL_PORT=3307 # 3306 is taken\nKAFKA2_PORT=\"19093\"\n", nil, moved(func(p *compose.Ports) { p.MySQL, p.Kafka[1] = 3307, 19093 })},
		"the environment":   {"-", map[string]string{"CMAK_PORT": "19000"}, moved(func(p *compose.Ports) { p.CMAK = 19000 })},
		"both":              {"MYSQL_PORT=3307\nCONNECT_PORT=18083\n", map[string]string{"MYSQL_PORT": "3308"}, moved(func(p *compose.Ports) { p.MySQL, p.Connect = 3308, 18083 })},
		"each of them":      {"KAFKA1_PORT=1\nKAFKA2_PORT=2\nKAFKA3_PORT=3\nZOOKEEPER_PORT=4\nMYSQL_PORT=5\nCMAK_PORT=6\nCONSOLE_PORT=7\nKAFKA_UI_PORT=8\nCONNECT_PORT=65535\n", nil, compose.Ports{Kafka: []int{1, 2, 3}, ZooKeeper: 4, MySQL: 5, CMAK: 6, Console: 7, UI: 8, Connect: 65535}},
		"something else":    {"KAFKA_IMAGE=x\nPORT=1\n", map[string]string{"PORT": "2"}, javaCourse()},
		"nothing at all":    {"MYSQL_PORT=\n", nil, javaCourse()},
		"a file for shells": {"export MYSQL_PORT=3307\n", nil, moved(func(p *compose.Ports) { p.MySQL = 3307 })},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := compose.ReadPorts(folder(t, test.file), func(name string) string { return test.env[name] })
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v (%v), want %+v", got, err, test.want)
			}
		})
	}
}

// folder is a new one with a file .env in it, unless its content is "-".
func folder(t *testing.T, env string) string {
	t.Helper()
	dir := t.TempDir()
	if env != "-" {
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadPortsNamesWhatIsNoPort(t *testing.T) {
	for _, value := range []string{"0", "-1", "65536", "nine", "3306/tcp", "33 06"} {
		for where, read := range map[string]func() (compose.Ports, error){
			"file":        func() (compose.Ports, error) { return compose.ReadPorts(folder(t, "MYSQL_PORT="+value), noEnv) },
			"environment": func() (compose.Ports, error) { return compose.ReadPorts(folder(t, "-"), only("MYSQL_PORT", value)) },
		} {
			_, err := read()
			requireProblem(t, err, problem.ExitUsage, "MYSQL_PORT="+value)
			if t.Failed() {
				t.Fatalf("in the %s: %v", where, err)
			}
		}
	}
}

func TestReadPortsSaysThatItCannotReadTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := compose.ReadPorts(dir, noEnv); err == nil || !strings.Contains(err.Error(), ".env") {
		t.Errorf("got %v", err)
	}
}

func noEnv(string) string { return "" }

func only(name, value string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

// requireProblem checks that an error is one a learner can act on in both languages, and that it names something.
func requireProblem(t *testing.T, err error, exit int, name string) {
	t.Helper()
	var p *problem.Problem
	if !errors.As(remedy.Of(err), &p) || p.Exit != exit {
		t.Fatalf("got %v, want a problem with the exit code %d", err, exit)
	}
	if !strings.Contains(p.What.EN, name) || !strings.Contains(p.What.KO, name) || p.What.EN == p.What.KO || len(p.Solve) == 0 {
		t.Errorf("%+v does not name %s in both languages, with a remedy", p, name)
	}
}

// The stack is described twice: in .env and docker-compose.yml for Docker Compose, in this package for the course.
func TestPortsAgreeWithTheComposeFile(t *testing.T) {
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := compose.ReadPorts(root, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(ports, javaCourse()) {
		t.Errorf(".env has %+v, the Java course %+v", ports, javaCourse())
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	names := func(pattern, text string) []string {
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			found[m[1]] = true
		}
		return slices.Sorted(maps.Keys(found))
	}
	file := read("docker-compose.yml")
	if set, used := names(`(?m)^([A-Z0-9_]+)=`, read(".env")), names(`\$\{([A-Z0-9_]+)`, file); !slices.Equal(set, used) {
		t.Errorf(".env sets %v, docker-compose.yml uses %v", set, used)
	}
	published := regexp.MustCompile(`(?m)^\s+ports: \["(.*)"\]$`).FindAllStringSubmatch(file, -1)
	if len(published) != 9 {
		t.Errorf("%d services publish a port, want the 9 of compose.Ports", len(published))
	}
	for _, m := range published {
		if !strings.HasPrefix(m[1], "127.0.0.1:${") {
			t.Errorf("%s is published to more than this machine", m[1])
		}
	}
	for _, image := range regexp.MustCompile(`(?m)^\s+image: (.*)$`).FindAllStringSubmatch(file, -1) {
		if !strings.HasPrefix(image[1], "${") {
			t.Errorf("the image %s is pinned in docker-compose.yml, and not in .env", image[1])
		}
	}
}

func TestWithoutDockerThereIsAWayOut(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	requireProblem(t, compose.Available(t.Context()), problem.ExitEnvironment, "docker")
	requireProblem(t, compose.Stack{Dir: t.TempDir(), Out: io.Discard}.Up(t.Context()), problem.ExitEnvironment, "docker")
}

func TestADockerThatDoesNotAnswerIsNamed(t *testing.T) {
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("there is no docker command, which is another problem")
	}
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	err := compose.Available(t.Context())
	requireProblem(t, err, problem.ExitEnvironment, "Docker")
	if !strings.Contains(err.Error(), "nobody.sock") {
		t.Errorf("%v does not say where it was looked for", err)
	}
}
