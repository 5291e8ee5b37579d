// Command leash becomes a command that knows nothing of lessons, and sees to it that the command does not outlive the
// runner of the lesson:
//
//	leash COMMAND [ARGUMENT…]
//
// The runner starts it as the leader of a process group of its own. It leaves a watcher behind in that group and replaces
// itself with the command, which so keeps its process id, its signals and its exit code. When the runner is gone, however
// it went, the watcher kills the group. The runner kills the group too, watcher included, when the command has ended.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"kafkahandson/internal/program"
)

// watch is the argument that makes this the watcher. Its descriptor 3 is at its end when the runner is gone.
const watch = "--watch"

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == watch:
		err = watchRunner(os.NewFile(3, "runner"))
	case len(os.Args) > 1:
		err = become(os.Args[1:])
	default:
		err = fmt.Errorf("usage: leash COMMAND [ARGUMENT…]")
	}
	fmt.Fprintln(os.Stderr, "leash:", err) // it comes here only if that failed
	os.Exit(1)
}

// become starts the watcher and replaces this process with a command.
func become(command []string) error {
	fd, err := strconv.Atoi(os.Getenv(program.EnvParent))
	if err != nil {
		return fmt.Errorf("%s: %w", program.EnvParent, err)
	}
	syscall.CloseOnExec(fd) // it is the watcher's
	self, err := os.Executable()
	if err != nil {
		return err
	}
	watcher := exec.Command(self, watch)
	watcher.ExtraFiles = []*os.File{os.NewFile(uintptr(fd), "runner")}
	if err := watcher.Start(); err != nil {
		return fmt.Errorf("start the watcher: %w", err)
	}
	file, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(file, command, os.Environ())
}

// watchRunner waits for the end of the runner, whatever is done to the group meanwhile, and kills the group.
func watchRunner(runner *os.File) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if _, err := io.Copy(io.Discard, runner); err != nil {
		return fmt.Errorf("watch the runner: %w", err)
	}
	return syscall.Kill(0, syscall.SIGKILL) // the group, and this process with it
}
