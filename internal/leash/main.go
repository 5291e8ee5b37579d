// Command leash does what must be done when the runner of a lesson is gone, however it went:
//
//	leash run COMMAND [ARGUMENT…]   becomes a command that knows nothing of lessons, and does not outlive the runner
//	leash kill GROUP                kills a process group then: a frozen one cannot look after itself
//	leash mysql DIR                 stops the private MySQL of a folder then, unless somebody else uses it
//
// The runner starts it with a descriptor that is at its end once the runner is gone: see program.EnvParent.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"kafkahandson/internal/mysqld"
	"kafkahandson/internal/program"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 1 && args[0] == "run":
		err = become(args[1:])
	case len(args) == 2 && args[0] == "kill":
		err = kill(args[1])
	case len(args) == 2 && args[0] == "mysql":
		err = stopMySQL(args[1])
	default:
		err = errors.New("usage: leash run COMMAND [ARGUMENT…] | leash kill GROUP | leash mysql DIR")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leash:", err)
		os.Exit(1)
	}
}

// runner is the descriptor that is at its end when the runner is gone.
func runner() (*os.File, error) {
	fd, err := strconv.Atoi(os.Getenv(program.EnvParent))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", program.EnvParent, err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "runner"), nil
}

// become leaves a watcher behind and replaces this process with a command, which so keeps its process id, its signals and
// its exit code. This process leads a process group: the runner kills the group, watcher included, when the command has
// ended, and the watcher kills it when the runner is gone.
func become(command []string) error {
	parent, err := runner()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	watcher := exec.Command(self, "kill", strconv.Itoa(os.Getpid()))
	watcher.ExtraFiles = []*os.File{parent}
	watcher.Env = append(os.Environ(), program.EnvParent+"=3")
	if err := watcher.Start(); err != nil {
		return fmt.Errorf("start the watcher: %w", err)
	}
	file, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	if err := os.Unsetenv(program.EnvParent); err != nil { // that descriptor is the watcher's
		return err
	}
	return syscall.Exec(file, command, os.Environ())
}

// waitForRunner returns when the runner is gone, whatever is done to this process meanwhile.
func waitForRunner() error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	parent, err := runner()
	if err == nil {
		_, err = io.Copy(io.Discard, parent)
	}
	return err
}

// kill kills a process group when the runner is gone. It may be this process's own.
func kill(group string) error {
	leader, err := strconv.Atoi(group)
	if err != nil || leader < 2 {
		return fmt.Errorf("%q is not a process group", group)
	}
	if err := waitForRunner(); err != nil {
		return err
	}
	return syscall.Kill(-leader, syscall.SIGKILL)
}

// patience is how long another process may be busy with the server.
const patience = time.Minute

// stopMySQL stops the private MySQL of a folder when the runner is gone and nobody else uses it.
func stopMySQL(dir string) error {
	if err := waitForRunner(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return mysqld.StopUnused(ctx, dir)
}
