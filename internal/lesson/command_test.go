package lesson_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/lesson"
	"kafkahandson/internal/lesson/lessontest"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/stack"
)

// A student pastes what a lesson shows into a shell: it runs, and it reaches the lesson's Kafka, also where that had to
// take other ports than the course's.
func TestShownCommandsCanBePasted(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays a lesson, and then types its commands")
	}
	t.Parallel()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	l := roundTrip()
	l.Programs = append(l.Programs, "cmd/lab")
	run := l.Run
	l.Run = func(r *lesson.Run) {
		run(r)
		r.Program("cmd/lab", "topic", "list").Run()
		cat := r.Command("sh", "-c", "echo 'it''s me'; head -n 1").Input("README.md").Run()
		r.Claim("output", text("it prints"), lesson.Equal(len(cat.Lines()), 2))
	}
	opts := lesson.Options{Stack: stack.Own, Emit: func(e event.Event) {
		if e.Type == event.Started && !slices.Contains(commands, e.Command) {
			commands = append(commands, e.Command)
		}
	}}
	opts.Keep = func(ctx context.Context, k stack.Kafka) error {
		admin, err := admin.Connect(ctx, k.Config)
		if err != nil {
			return err
		}
		defer func() { _ = admin.Close() }()
		for _, c := range commands {
			paste(t, root, c)
		}
		topics, err := admin.ListTopics(ctx)
		if err != nil {
			return err
		}
		topic, err := admin.DescribeTopic(ctx, topics[0])
		if err != nil {
			return err
		}
		if topic.Records() != 120 {
			t.Errorf("after the pasted producer %s holds %d records, want 120", topics[0], topic.Records())
		}
		return nil
	}
	result, err := lesson.Play(t.Context(), l, opts)
	if err != nil || !result.Passed {
		t.Fatal(result, err)
	}
	if len(commands) != 4 || commands[3] != `sh -c 'echo '"'"'it'"'"''"'"'s me'"'"'; head -n 1' < README.md` {
		t.Errorf("%d commands: %q", len(commands), commands)
	}
}

// paste runs a command as a shell in the clone's folder does. A consumer is ended when it has handled something.
func paste(t *testing.T, root, command string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "KAFKAHANDSON_STACK=") || strings.HasPrefix(v, "KAFKA_")
	})
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for s := bufio.NewScanner(out); s.Scan(); lines++ {
		if strings.HasPrefix(s.Text(), "joined") {
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	err = cmd.Wait()
	if consumes := strings.Contains(command, consumer); lines == 0 || err != nil && !consumes { // go run ends with the signal
		t.Errorf("%s: %d lines, %v", command, lines, err)
	}
}

// A command that is not the course's runs in a process group of its own, with whatever it starts.
func TestForeignCommand(t *testing.T) {
	t.Parallel()
	var grandchild string
	lessontest.Pass(t, lesson.Lesson{
		Name: "foreign",
		Run: func(r *lesson.Run) {
			shell := func(script string) *lesson.Process { return r.Command("sh", "-c", script).Start() }
			code, lines := shell("echo one; echo two >&2; exit 7").WaitFailed()
			r.Claim("exit-code", text("its exit code is known"), lesson.Equal(code, 7))
			r.Claim("lines", text("and what it said"), lesson.Equal(len(lines), 2))

			p := shell("trap '' TERM; sleep 300 & echo child $!; trap - TERM; wait")
			p.WaitLine("child")
			grandchild = strings.TrimPrefix(p.Lines()[0], "child ")
			p.Stop()

			alive := shell("echo ready; sleep 300")
			alive.WaitLine("ready")
			alive.Freeze()
			alive.Resume()
			alive.Kill()
			shell("echo ready; sleep 300") // the run's end looks after it
		},
	})
	checkLines(t, "", []string{"grandchild " + grandchild})
}

// What a foreign command is waited for, and does not do, is told at once.
func TestForeignCommandThatEndsEarly(t *testing.T) {
	t.Parallel()
	_, err := lessontest.Play(t, lesson.Lesson{
		Name: "early",
		Run: func(r *lesson.Run) {
			p := r.Command("sh", "-c", "echo no; exit 3").Start()
			r.Wait(lesson.Wait{For: text("for a yes"), Of: p, Until: func() (bool, string) { return false, "0/1" }, Hint: text("ask again")})
		},
	}, lesson.Options{})
	var wait *lesson.WaitError
	var p *problem.Problem
	if !errors.As(err, &wait) || wait.End != lesson.Ended || wait.State != "0/1" || !errors.As(err, &p) || !strings.Contains(p.What.EN, "    no") {
		t.Errorf("error %v", err)
	}
}
