package doctor_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkahandson/internal/compose"
	"kafkahandson/internal/doctor"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/localport/localporttest"
	"kafkahandson/internal/mysql"
	"kafkahandson/internal/mysql/mysqltest"
	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/problem"
)

// want is a finding, by what it is about, with a part of its detail and of its cures.
type want struct {
	level  doctor.Level
	detail string
	cure   string
}

// require checks findings. What is not named must be good, and what is not good must come with a cure.
func require(t *testing.T, findings []doctor.Finding, wants map[string]want) {
	t.Helper()
	found := map[string]bool{}
	for _, f := range findings {
		found[f.What] = true
		w := wants[f.What]
		var cures []string
		for _, c := range f.Solve {
			if c.EN == "" || c.KO == "" {
				t.Errorf("%s has a cure that is not in both languages: %+v", f.What, c)
			}
			cures = append(cures, c.EN)
		}
		if f.Level != w.level || !strings.Contains(f.Detail.EN, w.detail) || !strings.Contains(strings.Join(cures, "\n"), w.cure) {
			t.Errorf("got %+v, want %+v", f, w)
		}
		if f.Level != doctor.Good && len(f.Solve) == 0 {
			t.Errorf("%s has no cure: %+v", f.What, f)
		}
		if f.Detail.EN == "" || f.Detail.KO == "" {
			t.Errorf("%s is not told in both languages: %+v", f.What, f.Detail)
		}
	}
	for what := range wants {
		if !found[what] {
			t.Errorf("nothing is said of %s: %+v", what, findings)
		}
	}
}

// fakeDocker puts a docker command first on PATH, or one that is not there.
type fakeDocker struct {
	absent      bool
	version     string // of the engine; "": it does not answer
	says        string // of an engine that does not answer
	compose     string // its version; "": there is none
	resources   string
	ps          string // what compose ps prints; "-": it fails
	publishedBy string // the container that docker ps knows of for any port
}

func (d fakeDocker) install(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if d.absent {
		return
	}
	fail := func(what string) string { return "echo '" + what + "' >&2; exit 1" }
	print := func(what string) string { return "echo '" + what + "'" }
	answer := func(ok bool, yes, no string) string {
		if ok {
			return print(yes)
		}
		return fail(no)
	}
	script := `#!/bin/sh
case "$*" in
"version "*) ` + answer(d.version != "", d.version, d.says) + ` ;;
"compose version "*) ` + answer(d.compose != "", d.compose, "no such command") + ` ;;
"info "*) ` + answer(d.resources != "", d.resources, "no info") + ` ;;
"compose --profile * ps "*) ` + answer(d.ps != "-", d.ps, "Invalid template") + ` ;;
"ps "*) ` + print(d.publishedBy) + ` ;;
*) ` + fail("unexpected") + ` ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestMachine(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	well := fakeDocker{version: "28.0.4", compose: "v2.35.1", resources: "8000000000 aarch64"}
	with := func(change func(*fakeDocker)) fakeDocker {
		d := well
		change(&d)
		return d
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().(*net.TCPAddr).Port
	takenPort := "port " + strconv.Itoa(taken)

	for name, test := range map[string]struct {
		docker fakeDocker
		noGo   bool
		port   int // of Kafka Connect. The other ports are 0, which nobody has
		want   map[string]want
	}{
		"all is well":     {docker: well, want: map[string]want{"docker memory": {detail: "7.5 GiB, aarch64"}, "ports": {detail: "free"}}},
		"no Go":           {docker: well, noGo: true, want: map[string]want{"go": {doctor.Bad, "", "install Go"}}},
		"no Docker":       {docker: fakeDocker{absent: true}, want: map[string]want{"docker": {doctor.Warning, "no docker command", "install Docker"}, "ports": {}}},
		"Docker is down":  {docker: fakeDocker{says: "Cannot connect"}, want: map[string]want{"docker": {doctor.Warning, "Cannot connect", "start Docker"}, "ports": {}}},
		"no permission":   {docker: fakeDocker{says: "permission denied"}, want: map[string]want{"docker": {doctor.Warning, "permission denied", "usermod"}}},
		"an old engine":   {docker: with(func(d *fakeDocker) { d.version = "24.0.7" }), want: map[string]want{"docker": {doctor.Bad, "24.0.7", "25 or newer"}}},
		"a packaged one":  {docker: with(func(d *fakeDocker) { d.version = "26.1.5+dfsg1" }), want: map[string]want{"docker": {detail: "26.1.5"}}},
		"little memory":   {docker: with(func(d *fakeDocker) { d.resources = "4000000000 aarch64" }), want: map[string]want{"docker memory": {doctor.Warning, "3.7 GiB", "6 GB"}}},
		"unknown memory":  {docker: with(func(d *fakeDocker) { d.resources = "" }), want: map[string]want{"docker memory": {doctor.Warning, "docker info", "6 GB"}}},
		"no Compose":      {docker: with(func(d *fakeDocker) { d.compose = "" }), want: map[string]want{"docker compose": {doctor.Warning, "no such command", "plugin"}, "ports": {}}},
		"an old Compose":  {docker: with(func(d *fakeDocker) { d.compose = "2.20.3" }), want: map[string]want{"docker compose": {doctor.Bad, "2.20.3", "2.23.1"}}},
		"a broken .env":   {docker: with(func(d *fakeDocker) { d.ps = "-" }), want: map[string]want{"compose stack": {doctor.Bad, "Invalid template", "git diff"}, "ports": {}}},
		"a port is taken": {docker: well, port: taken, want: map[string]want{takenPort: {doctor.Warning, "pid " + strconv.Itoa(os.Getpid()), "end that process"}}},
		"without Docker":  {docker: fakeDocker{absent: true}, port: taken, want: map[string]want{"docker": {level: doctor.Warning}, takenPort: {doctor.Warning, "taken by", ".env"}}},
		"by a container": {docker: with(func(d *fakeDocker) { d.publishedBy = "java-course-kafka" }), port: taken,
			want: map[string]want{takenPort: {doctor.Warning, "java-course-kafka", "docker stop java-course-kafka"}}},
		"by the stack itself": {docker: with(func(d *fakeDocker) {
			d.ps = `{"Service":"mysql","Publishers":null}` + "\n" + `{"Service":"connect","Publishers":[{"URL":"127.0.0.1","TargetPort":8083,"PublishedPort":` + strconv.Itoa(taken) + `}]}`
		}), port: taken, want: map[string]want{"ports": {detail: "the compose stack has " + strconv.Itoa(taken)}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.docker.install(t)
			if !test.noGo {
				if err := os.Symlink(goCommand, filepath.Join(os.Getenv("PATH"), "go")); err != nil {
					t.Fatal(err)
				}
			}
			findings := doctor.Machine(t.Context(), compose.Stack{Dir: t.TempDir()}, compose.Ports{Connect: test.port})
			ofThisComputer := func(f doctor.Finding) bool { return f.What == "memory" }
			require(t, slices.DeleteFunc(findings, ofThisComputer), test.want)
		})
	}
}

func TestKafka(t *testing.T) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	all := server.Brokers()
	if err := server.StopBroker(0); err != nil {
		t.Fatal(err)
	}
	nobody, mute := localporttest.Closed(t), hangUp(t)
	down := want{doctor.Bad, all[0], "start the broker"}

	for name, test := range map[string]struct {
		addrs   []string
		brokers int
		want    map[string]want
	}{
		"those that are up":             {all[1:], 2, map[string]want{"broker 1": {detail: "answers"}, "broker 2": {}, "group coordinator": {}, "topics": {}}},
		"one that is not named":         {all[1:2], 0, map[string]want{"broker 2": {detail: all[2]}}},
		"one is down":                   {all, 3, map[string]want{all[0]: down, "brokers": {doctor.Bad, "2 of 3", "make up"}}},
		"one is down, nobody counts":    {all, 0, map[string]want{all[0]: down}},
		"too few":                       {all[1:], 3, map[string]want{"brokers": {doctor.Bad, "2 of 3", "make up"}}},
		"one accepts, and says nothing": {append(all[1:3:3], mute), 2, map[string]want{mute: {doctor.Bad, "does not answer as Kafka", "start the broker"}}},
		"none":                          {[]string{nobody}, 0, map[string]want{"kafka": {doctor.Bad, nobody, "make up"}}},
		"no address":                    {nil, 0, map[string]want{"kafka": {doctor.Bad, "no broker addresses", "KAFKA_BROKERS"}}},
	} {
		t.Run(name, func(t *testing.T) {
			require(t, doctor.Kafka(t.Context(), kafka.Config{Brokers: test.addrs}, test.brokers), test.want)
		})
	}
}

// hangUp accepts connections and ends them at once, as Docker's proxy does for a container whose server is dead.
func hangUp(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() }) // which ends the goroutine
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return ln.Addr().String()
}

func TestMySQL(t *testing.T) {
	dir := t.TempDir()
	require(t, []doctor.Finding{doctor.PrivateMySQL(dir)}, map[string]want{"mysql": {detail: "not running"}})
	server, err := mysqld.Start(t.Context(), mysqld.Options{Dir: dir})
	mysqltest.Need(t, err)
	defer func() {
		if err := server.Release(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	require(t, []doctor.Finding{doctor.PrivateMySQL(dir)}, map[string]want{"mysql": {detail: "in use"}})
	require(t, doctor.MySQL(t.Context(), mysql.Config{DSN: server.DSN()}), map[string]want{"mysql": {detail: "campus"}, "binlog": {detail: "ROW"}})

	nobody := localporttest.Closed(t)
	require(t, doctor.MySQL(t.Context(), mysql.Config{DSN: "ann:secret@tcp(" + nobody + ")/shop"}), map[string]want{"mysql": {doctor.Bad, nobody, "make up"}})
	require(t, doctor.MySQL(t.Context(), mysql.Config{Database: "campus", OpenTimeout: -1}), map[string]want{"mysql": {doctor.Bad, "OpenTimeout", "docker compose logs mysql"}})

	file := filepath.Join(dir, "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	require(t, []doctor.Finding{doctor.PrivateMySQL(file)}, map[string]want{"mysql": {doctor.Warning, "", file}})
}

func TestPages(t *testing.T) {
	for name, test := range map[string]struct {
		status int // 0: nobody listens
		want   want
	}{
		"it answers":         {200, want{detail: "http://localhost:"}},
		"it wants a login":   {401, want{}},
		"it has an error":    {503, want{doctor.Bad, "503", "docker compose logs cmak"}},
		"it does not answer": {0, want{doctor.Bad, "refused", "docker compose logs cmak"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, port, err := net.SplitHostPort(localporttest.Closed(t))
			if err != nil {
				t.Fatal(err)
			}
			if test.status != 0 {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) }))
				defer server.Close()
				_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
			}
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			require(t, []doctor.Finding{doctor.Page{Name: "CMAK", Service: "cmak", Port: number}.Check(t.Context())}, map[string]want{"CMAK": test.want})
		})
	}
	var services []string
	for _, p := range doctor.Pages(compose.Ports{}) {
		services = append(services, p.Service)
	}
	if !slices.Equal(services, []string{"cmak", "redpanda-console", "kafka-ui", "connect"}) {
		t.Errorf("pages of %v", services)
	}
}

func TestFailed(t *testing.T) {
	cure := doctor.NoKafka().Detail
	plain := doctor.Failed("x", doctor.Bad, context.Canceled, cure)
	if len(plain.Solve) != 1 || plain.Solve[0] != cure {
		t.Errorf("%+v has not the cure for plain errors", plain)
	}
	own := doctor.Failed("x", doctor.Bad, problem.Usage(cure, cure, cure), plain.Detail)
	if len(own.Solve) != 2 || own.Detail != cure {
		t.Errorf("%+v is not what the problem says", own)
	}
	without := doctor.Failed("x", doctor.Bad, problem.Environment(context.Canceled, cure), cure)
	if len(without.Solve) != 1 || !strings.Contains(without.Detail.KO, "canceled") {
		t.Errorf("%+v", without)
	}
}
