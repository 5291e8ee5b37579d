package lesson_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/program"
	"kafkahandson/internal/stack"
)

// BenchmarkLesson runs the same three programs bare and in a lesson, in turn, on embedded Kafkas. The lesson adds its
// own Kafka, the check that the programs are built, events, accounting and claims; lesson/bare is what that costs.
func BenchmarkLesson(b *testing.B) {
	l := lesson.Lesson{
		Name: "bench", Programs: []string{producer, consumer},
		Run: func(r *lesson.Run) {
			topic := r.Topic("t", 1)
			r.Program(producer, "-topic", topic).Run()
			r.Program(consumer, "-topic", topic, "-group", r.Group("g1")).CrashAt("after-handle", 15).Run()
			r.Program(consumer, "-topic", topic, "-group", r.Group("g2")).CrashAt("after-handle", 30).Run()
			r.Claim("all", text("all came"), lesson.Equal(len(r.Handled()), 45))
		},
	}
	play := func() {
		result, err := lesson.Play(b.Context(), l, lesson.Options{Stack: stack.Own})
		if err != nil || !result.Passed {
			b.Fatal(result, err)
		}
	}
	play() // builds the programs
	bin := filepath.Join(b.TempDir(), "bin")
	build := exec.Command("go", "build", "-o", bin+"/", "./"+producer, "./"+consumer)
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}

	var lessons, bare time.Duration
	for b.Loop() {
		start := time.Now()
		play()
		lessons += time.Since(start)
		bare += bareRun(b, bin)
	}
	b.ReportMetric(float64(lessons.Milliseconds())/float64(b.N), "lesson-ms/op")
	b.ReportMetric(float64(bare.Milliseconds())/float64(b.N), "bare-ms/op")
	b.ReportMetric(lessons.Seconds()/bare.Seconds(), "lesson/bare")
}

// bareRun starts the programs as a shell would and returns how long they took.
func bareRun(b *testing.B, bin string) time.Duration {
	b.Helper()
	k, err := embedded.StartKafka(embedded.KafkaOptions{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = k.Close() }()
	cfg := kafka.Config{Brokers: k.Brokers()}
	cluster, err := admin.Connect(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	if err := cluster.EnsureTopic(b.Context(), "t", 1); err != nil {
		b.Fatal(err)
	}
	first, second := apart(b, cluster, "t", "g1"), apart(b, cluster, "t", "g2")
	start := time.Now()
	for _, c := range []struct {
		name, crash string
		args        []string
	}{
		{"producer", "", []string{"-topic", "t"}},
		{"manual-commit", "after-handle:15", []string{"-topic", "t", "-group", first}},
		{"manual-commit", "after-handle:30", []string{"-topic", "t", "-group", second}},
	} {
		cmd := exec.Command(filepath.Join(bin, c.name), c.args...)
		cmd.Env = append(append(os.Environ(), cfg.Environ()...), program.EnvCrash+"="+c.crash, stack.EnvStack+"="+string(stack.Env))
		err := cmd.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			err = nil // at its crash point
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// apart is the name of a group whose coordinator does not lead the topic's partition, as the groups of a lesson are: commits
// and fetches would wait for each other on one connection.
func apart(b *testing.B, cluster *admin.Client, topic, name string) string {
	b.Helper()
	t, err := cluster.DescribeTopic(b.Context(), topic)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		group := fmt.Sprintf("%s-%d", name, i)
		coordinator, err := cluster.Coordinator(group)
		if err != nil {
			b.Fatal(err)
		}
		if coordinator != t.Partitions[0].Leader {
			return group
		}
	}
	b.Fatal("every group has the topic's leader for a coordinator")
	return ""
}
