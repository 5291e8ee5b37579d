package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"kafkahandson/internal/await"
	"kafkahandson/internal/program"
)

// envLeash makes the binary of these tests leash itself: nothing has to be built.
const envLeash = "KAFKAHANDSON_TEST_LEASH"

func TestMain(m *testing.M) {
	if os.Getenv(envLeash) == "1" {
		main()
		return
	}
	m.Run()
}

// start starts leash as the runner does. Closing hold is the end of the runner.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, stdout *bufio.Reader, hold *os.File) {
	t.Helper()
	leash, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(leash, args...)
	cmd.ExtraFiles = []*os.File{parent}
	cmd.Env = append(os.Environ(), program.EnvParent+"=3", envLeash+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly nobody is left
		_ = hold.Close()
	})
	return cmd, bufio.NewReader(out), hold
}

// The command is the process that was started: its id, its exit code, its signals.
func TestBecomesTheCommand(t *testing.T) {
	cmd, stdout, _ := start(t, "run", "sh", "-c", "echo $$; exit 7")
	line, err := stdout.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(line)); err != nil || pid != cmd.Process.Pid {
		t.Errorf("it is process %s, started was %d", line, cmd.Process.Pid)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ended with %v", err)
	}
}

// What the command starts must not take the watcher's descriptor for its own.
func TestTheCommandKnowsNothingOfTheRunner(t *testing.T) {
	cmd, stdout, _ := start(t, "run", "sh", "-c", "echo ${"+program.EnvParent+":-nothing}")
	if line, err := stdout.ReadString('\n'); err != nil || line != "nothing\n" {
		t.Errorf("it knows of %q (%v)", line, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// When the runner is gone nothing of the group is left, whatever its members ignore.
func TestTheGroupEndsWithTheRunner(t *testing.T) {
	cmd, stdout, hold := start(t, "run", "sh", "-c", "trap '' TERM INT HUP; sleep 300 & echo $!; wait")
	line, err := stdout.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := hold.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
	await.NoError(t, func() error {
		if err := syscall.Kill(child, 0); err == nil && !zombie(child) {
			return fmt.Errorf("process %d is still there", child)
		}
		return nil
	})
}

// zombie tells of a dead process that nobody has waited for: in a container there may be no init to do it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestMistakes(t *testing.T) {
	for _, args := range [][]string{nil, {"run"}, {"mysql"}, {"kill"}, {"kill", "0"}, {"kill", "me"}, {"walk", "the dog"}, {"run", "no-such-command-here"}} {
		cmd, _, _ := start(t, args...)
		if err := cmd.Wait(); err == nil {
			t.Errorf("%q: it ended well", args)
		}
	}
}
