package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kafkahandson/internal/console"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// A pipe whose reader has gone is a quiet end, as after `| head -1`. What nobody can see is not committed, and the group
// has no member left that others would wait for.
func TestClosedPipeIsAQuietEnd(t *testing.T) {
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	cfg := kafka.Config{Brokers: server.Brokers()}
	cluster, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := cluster.EnsureTopic(t.Context(), "t", 1); err != nil {
		t.Fatal(err)
	}
	if err := (console.Produce{Topic: "t", Samples: true}).Run(t.Context(), cfg, console.Streams{Err: t.Output()}); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, args := range [][]string{
		{"list"},
		{"topic", "describe", "--topic", "t"},
		{"consume", "--topic", "t", "--from-beginning"},
		{"consume", "--topic", "t", "--from-beginning", "--group", "g"},
		{"run", "ch3-manual-commit"},
		{"run", "ch3-manual-commit", "--json"},
	} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("lab", append(args, "--brokers", strings.Join(server.Brokers(), ","))...)
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "KAFKAHANDSON_HOME="+home, "KAFKAHANDSON_STACK=auto")
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = writer, &stderr
		_ = cmd.Run() // the exit code tells
		_ = writer.Close()
		if got := cmd.ProcessState.ExitCode(); got != closedPipe {
			t.Errorf("%v: exit code %d, want %d", args, got, closedPipe)
		}
		// Besides where Kafka is.
		if said := strings.Count(stderr.String(), "\n"); said > 1 {
			t.Errorf("%v: it says\n%s", args, &stderr)
		}
	}
	group, err := cluster.DescribeGroup(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := cluster.Committed(t.Context(), "g", "t")
	if err != nil {
		t.Fatal(err)
	}
	if len(group.Members) > 0 || committed[0] > 0 {
		t.Errorf("members %v, committed %v", group.Members, committed)
	}
}
