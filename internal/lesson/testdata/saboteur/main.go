// Command saboteur reports three records as produced and handled, and breaks one rule between programs and runner: -how
// says which.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/program"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "grandchild" { // holds its standard output open, and hears nothing
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		time.Sleep(time.Minute)
		return
	}
	program.Main(run)
}

// message is what the records carry.
type message string

func (m message) MessageID() string { return string(m) }
func (m message) String() string    { return "#" + string(m) }

func run(ctx context.Context, p *program.Program) error {
	topic := p.String("topic", "t", i18n.Verbatim("topic"))
	group := p.String("group", "g", i18n.Verbatim("group"))
	how := p.String("how", "", i18n.Verbatim("how"))
	if _, err := p.Ready(ctx); err != nil {
		return err
	}
	handled := func(topic, group string, i int) {
		p.Member(group).Handled(&sarama.ConsumerMessage{Topic: topic, Offset: int64(i)}, message(fmt.Sprint(i)))
	}
	for i := range 3 {
		p.Produced(&sarama.ProducerMessage{Topic: *topic, Offset: int64(i)}, message(fmt.Sprint(i)))
	}
	switch *how {
	case "handles another topic's":
		for i := range 3 {
			handled("another-topic", *group, i)
		}
		return nil
	case "handles for another group":
		for i := range 3 {
			handled(*topic, "another-group", i)
		}
		return nil
	case "two groups share the work": // one record for one group is lost, for the other two
		handled(*topic, *group, 0)
		handled(*topic, *group, 1)
		handled(*topic, "another-group", 2)
		return nil
	case "dies in the middle of a report":
		handled(*topic, *group, 0)
		handled(*topic, *group, 1)
		write(fmt.Sprintf(`{"v":2,"type":"handled","group":%q,"record":{"topic":%q,"part`, *group, *topic))
		p.Print(i18n.Verbatim("in the middle"))
		<-ctx.Done()
		return nil
	}
	for i := range 3 {
		handled(*topic, *group, i)
		p.CrashPoint("after-handle")
	}
	defer runtime.KeepAlive(p) // or it would close the way to the runner
	return sabotage(ctx, *how, *topic)
}

// events is the way to the runner. There is one *os.File for it: one that nobody knows any more closes it.
var events = os.NewFile(3, "events")

// write writes to the runner what no program of the course would.
func write(s string) {
	if _, err := events.WriteString(s); err != nil {
		panic(err)
	}
}

func sabotage(ctx context.Context, how, topic string) error {
	switch how {
	case "":
	case "claims":
		write(`{"v":2,"type":"claim","claim":{"id":"all-is-well","text":{"en":"all","ko":"다"},"ok":true,"evidence":"3"}}` + "\n")
	case "ends the run":
		write(`{"v":2,"type":"run-ended","ok":true}` + "\n")
	case "accounts":
		write(`{"v":2,"type":"accounting","tallies":[{"id":"lost","name":{"en":"lost","ko":"유실"},"value":0}]}` + "\n")
	case "speaks for another variant":
		write(`{"v":2,"type":"held","point":"x","variant":"another"}` + "\n")
	case "leaves the record out":
		write(`{"v":2,"type":"handled"}` + "\n")
	case "speaks of version 1":
		write(`{"v":1,"type":"held","point":"x"}` + "\n")
	case "writes what is no JSON":
		write("handled everything, I swear\n")
	case "writes what is no JSON and goes on":
		write("handled everything, I swear\n")
		<-ctx.Done()
	case "owns a partition often":
		line := `{"v":2,"type":"acquired","assignment":{"group":"g","member":"m","generation":1,"claims":{"t":[0` + strings.Repeat(",0", 32_000) + "]}}}\n"
		for range 300 {
			write(line)
		}
	case "reports a line without an end":
		for range 64 {
			write(strings.Repeat("x", 1<<20))
		}
	case "reports without an end":
		out := bufio.NewWriterSize(events, 1<<16)
		key := strings.Repeat("k", 8<<10) // few and large ones, so that it does not take long to hear them
		for range 10_000 {
			_, _ = fmt.Fprintf(out, `{"v":2,"type":"handled","record":{"topic":%q,"partition":0,"offset":0,"key":%q,"id":"0"}}`+"\n", topic, key)
		}
		return out.Flush()
	case "prints a line without an end":
		for range 256 {
			fmt.Print(strings.Repeat("x", 1<<20))
		}
	case "prints without an end":
		out := bufio.NewWriter(os.Stdout)
		for i := range 300_000 {
			_, _ = fmt.Fprintf(out, "%d lines\n", i)
		}
		return out.Flush()
	case "prints what a terminal obeys":
		fmt.Print("\x1b[2J\x1b[31mPASS\x1b[0m\rclaims ✓\n")
	case "exits with 1":
		return errors.New("I give up")
	case "panics":
		panic("lost my head")
	case "kills itself":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "hangs":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		time.Sleep(time.Hour)
	case "hangs with a grandchild":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		if err := fork(nil); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	case "leaves a grandchild":
		return fork(nil)
	case "leaves a grandchild in a session of its own":
		return fork(&syscall.SysProcAttr{Setsid: true})
	case "waits to be asked":
		<-ctx.Done()
	case "closes the door":
		_ = events.Close()
	default:
		return fmt.Errorf("how is that: %q", how)
	}
	return nil
}

// fork starts a process that outlives this one and holds its standard output and the events open.
func fork(attr *syscall.SysProcAttr) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "grandchild")
	cmd.Stdout = os.Stdout
	cmd.ExtraFiles = []*os.File{events}
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Println("grandchild", cmd.Process.Pid)
	return nil
}
