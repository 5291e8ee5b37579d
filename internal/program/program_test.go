package program_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/shirou/gopsutil/v4/process"
	"go.uber.org/goleak"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/embedded/embeddedtest"
	"kafkahandson/internal/event"
	"kafkahandson/internal/greeting"
	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
	"kafkahandson/internal/program"
	"kafkahandson/internal/stack"
)

// envRole makes the test binary one of the programs below: what kills a process is tested on a process.
const envRole = "PROGRAM_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(envRole); role != "" {
		program.Main(play(role))
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

func say(p *program.Program, format string, args ...any) {
	p.Print(i18n.Verbatim(fmt.Sprintf(format, args...)))
}

// swan is an observation.
type swan struct {
	Color string `json:"color"`
}

func (swan) Kind() string { return "swan" }

// play is the program of a role.
func play(role string) func(context.Context, *program.Program) error {
	return map[string]func(context.Context, *program.Program) error{
		// walk passes a crash point five times.
		"walk": func(_ context.Context, p *program.Program) error {
			for i := range 5 {
				say(p, "%d", i+1)
				p.CrashPoint("after-handle")
			}
			return nil
		},
		// crowd has goroutines that report as fast as they can while another one comes to the crash point.
		"crowd": func(ctx context.Context, p *program.Program) error {
			for range 4 {
				go func() { // until the crash
					for ctx.Err() == nil {
						p.Observe(i18n.Text{}, swan{})
					}
				}()
			}
			for {
				p.CrashPoint("after-handle")
			}
		},
		// relay has two goroutines that come to the crash point, one after the other, and one that does not.
		"relay": func(_ context.Context, p *program.Program) error {
			var wg sync.WaitGroup
			first := make(chan struct{})
			wg.Go(func() {
				p.CrashPoint("before-handle")
				close(first)
				p.CrashPoint("before-handle")
				say(p, "first is through")
			})
			wg.Go(func() {
				<-first
				p.CrashPoint("before-handle")
				say(p, "second is through")
			})
			wg.Go(func() { say(p, "third goes its own way") })
			wg.Wait()
			return nil
		},
		"wait for the context": func(ctx context.Context, p *program.Program) error {
			say(p, "ready")
			<-ctx.Done()
			return fmt.Errorf("give up: %w", ctx.Err())
		},
		"fork": func(_ context.Context, p *program.Program) error {
			grandchild := exec.Command("sleep", "300")
			if err := grandchild.Start(); err != nil {
				return err
			}
			say(p, "%d", grandchild.Process.Pid)
			select {}
		},
		"wait for ever": func(_ context.Context, p *program.Program) error {
			say(p, "ready")
			select {}
		},
		"parse": func(ctx context.Context, p *program.Program) error {
			p.Usage(i18n.Text{EN: "It parses.", KO: "파싱합니다."})
			p.Choice("color", i18n.Text{EN: "a color", KO: "색"}, "red", "blue")
			p.Count("count", 3, 2, i18n.Text{EN: "a number", KO: "수"})
			p.Duration("pause", time.Second, i18n.Text{EN: "a time", KO: "시간"})
			p.Topic("topic", "orders", 5)
			config, err := p.Ready(ctx)
			if err != nil {
				return err
			}
			say(p, "%s as %s", strings.Join(p.Kafka.Brokers, ","), config.ClientID)
			p.Handled(&sarama.ConsumerMessage{Topic: "orders"}, greeting.Greeting{ID: 7})
			return nil
		},
		"consume": func(ctx context.Context, p *program.Program) error {
			topic, group := p.Topic("topic", "orders", 1), p.Group("shop")
			config, err := p.Ready(ctx)
			if err != nil {
				return err
			}
			config.Consumer.Offsets.Initial = sarama.OffsetOldest
			return kafka.ConsumeGroup(ctx, p.Kafka, config, *group, []string{*topic}, consumer{program: p}, p.Observer(*group))
		},
		"no kafka": func(_ context.Context, p *program.Program) error {
			p.Usage(i18n.Text{EN: "It needs no Kafka.", KO: "Kafka가 필요 없습니다."})
			if err := p.ReadyWithoutKafka(); err != nil {
				return err
			}
			p.Print(i18n.Text{EN: "hello", KO: "안녕하세요"})
			return nil
		},
		"report": func(_ context.Context, p *program.Program) error {
			g, in := greeting.Greeting{ID: 7, Age: 3, Name: "Ann", Content: "hello"}, &sarama.ConsumerMessage{Topic: "orders", Partition: 1, Offset: 5, Key: []byte("3")}
			p.Produced(&sarama.ProducerMessage{Topic: "orders", Partition: 1, Offset: 5, Key: sarama.StringEncoder("3")}, g)
			p.Produced(&sarama.ProducerMessage{Topic: "orders", Partition: 1, Offset: 6}, g) // without a key
			p.Handled(in, g)
			p.Member("shop").Handled(in, g)
			p.Duplicate(in, g) // of the only group by now
			p.Observe(i18n.Text{EN: "a swan", KO: "백조"}, swan{Color: "black"})
			p.Observe(i18n.Text{}, swan{})
			return nil
		},
		// two groups consume in one program.
		"two groups": func(_ context.Context, p *program.Program) error {
			g, in := greeting.Greeting{ID: 7}, &sarama.ConsumerMessage{Topic: "orders"}
			p.Member("shop").Handled(in, g)
			p.Member("audit").Handled(in, g)
			p.Handled(in, g)
			return nil
		},
	}[role]
}

// consumer commits each record that it has handled.
type consumer struct {
	kafka.HandlerDefaults
	program *program.Program
}

func (h consumer) ConsumeClaim(s sarama.ConsumerGroupSession, c sarama.ConsumerGroupClaim) error {
	for m := range c.Messages() {
		h.program.Handled(m, greeting.Greeting{ID: m.Offset})
		s.MarkMessage(m, "")
		s.Commit()
	}
	return nil
}

// child is a program that runs in a process of its own.
type child struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr strings.Builder
	events *json.Decoder // nil unless a lesson listens
	parent *os.File      // closing it is the end of the parent
}

type options struct {
	env    []string
	args   []string
	lesson bool     // connect it as the runner of a lesson does
	stdout *os.File // default: what the test reads
}

func start(t *testing.T, role string, opts options) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.CommandContext(t.Context(), exe, opts.args...)}
	c.cmd.Stderr = &c.stderr
	if opts.stdout != nil {
		c.cmd.Stdout, c.stdout = opts.stdout, bufio.NewReader(strings.NewReader(""))
	} else {
		stdout, err := c.cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		c.stdout = bufio.NewReader(stdout)
	}
	c.cmd.Env = append(os.Environ(), envRole+"="+role, i18n.EnvLang+"=en", kafka.EnvBrokers+"=", stack.EnvStack+"=",
		program.EnvEvents+"=", program.EnvParent+"=", program.EnvCrash+"=")
	if opts.lesson {
		events, report := pipe(t)
		lease, parent := pipe(t)
		c.events, c.parent = json.NewDecoder(events), parent
		c.cmd.ExtraFiles = []*os.File{report, lease} // 3 and 4
		c.cmd.Env = append(c.cmd.Env, program.EnvEvents+"=3", program.EnvParent+"=4")
		c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	c.cmd.Env = append(c.cmd.Env, opts.env...)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.cmd.ExtraFiles { // they are the child's now
		_ = f.Close()
	}
	return c
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	return r, w
}

// line waits for the next line of output.
func (c *child) line(t *testing.T) string {
	t.Helper()
	line, err := c.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("%v, after %q; %s", err, line, &c.stderr)
	}
	return strings.TrimSuffix(line, "\n")
}

// next waits for the next event.
func (c *child) next(t *testing.T) event.Event {
	t.Helper()
	var e event.Event
	if err := c.events.Decode(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

// rest waits for the events until the end of the child.
func (c *child) rest(t *testing.T) []event.Event {
	t.Helper()
	var all []event.Event
	for {
		var e event.Event
		err := c.events.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// end waits for the end of the child. It returns the rest of its output and how it ended.
func (c *child) end(t *testing.T) (lines []string, status syscall.WaitStatus) {
	t.Helper()
	out, err := io.ReadAll(c.stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), c.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exits waits for the end of the child and checks its exit code and what it says on stderr.
func (c *child) exits(t *testing.T, code int, stderr ...string) {
	t.Helper()
	if _, status := c.end(t); !status.Exited() || status.ExitStatus() != code {
		t.Errorf("it ended with %v, want exit code %d", c.cmd.ProcessState, code)
	}
	for _, want := range stderr {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("it does not say %q but %q", want, &c.stderr)
		}
	}
}

func killed(status syscall.WaitStatus) bool {
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

func types(events []event.Event) []event.Type {
	var all []event.Type
	for _, e := range events {
		all = append(all, e.Type)
	}
	return all
}

func TestCrashPointKillsAtItsPass(t *testing.T) {
	t.Parallel()
	for crash, passes := range map[string]int{"after-handle:1": 1, "after-handle:3": 3, "after-handle:5": 5} {
		c := start(t, "walk", options{lesson: true, env: []string{program.EnvCrash + "=" + crash}})
		events := c.rest(t)
		lines, status := c.end(t)
		if !killed(status) || len(lines) != passes {
			t.Errorf("%s: %v after %q, want SIGKILL after %d", crash, c.cmd.ProcessState, lines, passes)
		}
		if len(events) != 1 || events[0].Type != event.Crashed || events[0].Point != "after-handle" || events[0].PID != c.cmd.Process.Pid {
			t.Errorf("%s: it reported %+v", crash, events)
		}
	}
}

func TestCrashPointIsPassedOtherwise(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]options{
		"by hand":       {},
		"in a lesson":   {lesson: true},
		"crashes later": {env: []string{program.EnvCrash + "=after-handle:6"}},
		"elsewhere":     {env: []string{program.EnvCrash + "=before-handle:1"}},
	} {
		c := start(t, "walk", opts)
		if lines, status := c.end(t); status != 0 || len(lines) != 5 {
			t.Errorf("%s: %v after %q", name, c.cmd.ProcessState, lines)
		}
	}
}

// A learner can pull the plug by hand, too.
func TestCrashPointByHand(t *testing.T) {
	t.Parallel()
	c := start(t, "walk", options{env: []string{program.EnvCrash + "=after-handle:2"}})
	if lines, status := c.end(t); !killed(status) || len(lines) != 2 {
		t.Errorf("%v after %q", c.cmd.ProcessState, lines)
	}
}

func TestNothingIsReportedAfterACrash(t *testing.T) {
	t.Parallel()
	c := start(t, "crowd", options{lesson: true, env: []string{program.EnvCrash + "=after-handle:1000"}})
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, c.stdout) // it would wait for a reader
	}()
	events := types(c.rest(t))
	<-drained
	if _, status := c.end(t); !killed(status) {
		t.Errorf("it ended with %v", c.cmd.ProcessState)
	}
	if i := slices.Index(events, event.Crashed); i != len(events)-1 {
		t.Errorf("%d of %d events come after the crash", len(events)-1-i, len(events))
	}
}

func TestHoldAndResume(t *testing.T) {
	t.Parallel()
	c := start(t, "relay", options{lesson: true, env: []string{program.EnvCrash + "=before-handle:2:hold"}})
	if held := c.next(t); held.Type != event.Held || held.Point != "before-handle" || held.PID != c.cmd.Process.Pid {
		t.Errorf("it reported %+v", held)
	}
	if line := c.line(t); line != "third goes its own way" {
		t.Errorf("while it is held it says %q", line)
	}
	c.signal(t, syscall.SIGCONT)
	events := c.rest(t)
	lines, status := c.end(t)
	slices.Sort(lines)
	if status != 0 || !slices.Equal(lines, []string{"first is through", "second is through"}) {
		t.Errorf("%v after %q", c.cmd.ProcessState, lines)
	}
	if len(events) > 0 {
		t.Errorf("it is held again: %+v", events)
	}
}

func TestHoldUntilKilled(t *testing.T) {
	t.Parallel()
	c := start(t, "walk", options{lesson: true, env: []string{program.EnvCrash + "=after-handle:2:hold"}})
	if held := c.next(t); held.Type != event.Held {
		t.Errorf("it reported %+v", held)
	}
	c.signal(t, syscall.SIGKILL)
	if lines, status := c.end(t); !killed(status) || len(lines) != 2 {
		t.Errorf("%v after %q", c.cmd.ProcessState, lines)
	}
}

func TestMalformedCrashPoint(t *testing.T) {
	t.Parallel()
	for _, crash := range []string{"after-handle", "after-handle:", "after-handle:0", "after-handle:-1", "after-handle:x", ":1", "after-handle:1:held", "after-handle:1:hold:hold"} {
		start(t, "walk", options{env: []string{program.EnvCrash + "=" + crash}}).exits(t, problem.ExitUsage, program.EnvCrash, crash, "how to solve it")
	}
	start(t, "walk", options{env: []string{program.EnvCrash + "=x", i18n.EnvLang + "=ko"}}).exits(t, problem.ExitUsage, program.EnvCrash, "해결 방법")
}

// A runner that is killed leaves no program behind, whatever the program does.
func TestEndsWithItsParent(t *testing.T) {
	t.Parallel()
	c := start(t, "wait for ever", options{lesson: true})
	c.line(t)
	if err := c.parent.Close(); err != nil {
		t.Fatal(err)
	}
	if _, status := c.end(t); !killed(status) {
		t.Errorf("it ended with %v", c.cmd.ProcessState)
	}
}

// Nor what the program has started.
func TestItsGroupEndsWithItsParent(t *testing.T) {
	t.Parallel()
	c := start(t, "fork", options{lesson: true})
	grandchild, err := strconv.Atoi(c.line(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.parent.Close(); err != nil {
		t.Fatal(err)
	}
	c.end(t)
	await.NoError(t, func() error {
		if p, err := process.NewProcess(int32(grandchild)); err == nil {
			if status, err := p.Status(); err == nil && !slices.Contains(status, process.Zombie) {
				return fmt.Errorf("process %d is still there", grandchild)
			}
		}
		return nil
	})
}

func TestEndsWithASignal(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		c := start(t, "wait for the context", options{})
		c.line(t)
		c.signal(t, s)
		c.exits(t, problem.ExitOK)
		if c.stderr.Len() > 0 {
			t.Errorf("%v: it says %q", s, &c.stderr)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	server := embeddedtest.Start(t, embedded.KafkaOptions{})
	brokers := strings.Join(server.Brokers(), ",")
	there := []string{kafka.EnvBrokers + "=" + brokers, kafka.EnvClientID + "=me"}

	const handled = "handled p0@0   key= #7 : "
	c := start(t, "parse", options{env: there})
	if lines, status := c.end(t); status != 0 || len(lines) != 3 || !strings.Contains(lines[0], "as KAFKA_BROKERS") || lines[1] != brokers+" as me" || lines[2] != handled {
		t.Errorf("by hand it says %q and ends with %v", lines, c.cmd.ProcessState)
	}
	cluster, err := admin.Connect(t.Context(), kafka.Config{Brokers: server.Brokers()})
	if err != nil {
		t.Fatal(err)
	}
	if topic, err := cluster.DescribeTopic(t.Context(), "orders"); err != nil || len(topic.Partitions) != 5 {
		t.Errorf("its topic is %+v (%v)", topic, err)
	}
	if err := cluster.Close(); err != nil {
		t.Error(err)
	}
	c = start(t, "parse", options{env: there, args: []string{"-quiet"}, lesson: true}) // the lesson has said where Kafka is
	if events := c.rest(t); len(events) != 1 || events[0].Type != event.Handled {
		t.Errorf("quiet, it reports %+v", events)
	}
	if lines, status := c.end(t); status != 0 || !slices.Equal(lines, []string{brokers + " as me"}) {
		t.Errorf("quiet in a lesson it says %q and ends with %v", lines, c.cmd.ProcessState)
	}
	c = start(t, "parse", options{env: append(there, program.EnvReportEvery+"=2"), lesson: true})
	if events := c.rest(t); len(events) > 0 {
		t.Errorf("reporting every second, it reports %+v", events)
	}
	if lines, status := c.end(t); status != 0 || !slices.Equal(lines, []string{brokers + " as me"}) {
		t.Errorf("reporting every second it says %q and ends with %v", lines, c.cmd.ProcessState)
	}
	c = start(t, "parse", options{args: []string{"-brokers", brokers, "-client-id", "you", "-color", "blue", "-count", "2", "-pause", "0s"}})
	if lines, status := c.end(t); status != 0 || lines[1] != brokers+" as you" {
		t.Errorf("with flags it says %q and ends with %v", lines, c.cmd.ProcessState)
	}
	c = start(t, "no kafka", options{args: []string{"-lang", "ko"}})
	if lines, status := c.end(t); status != 0 || !slices.Equal(lines, []string{"안녕하세요"}) {
		t.Errorf("without Kafka, in Korean, it says %q and ends with %v", lines, c.cmd.ProcessState)
	}

	start(t, "parse", options{args: []string{"-help"}}).exits(t, problem.ExitOK, "It parses.", "-color", "-brokers", "-stack", "-lang", "-topic")
	start(t, "no kafka", options{args: []string{"-help", "--lang=ko"}}).exits(t, problem.ExitOK, "Kafka가 필요 없습니다.", "플래그:", "-lang")
	for _, wrong := range []struct {
		args []string
		says string
	}{
		{[]string{"-frobnicate"}, "-frobnicate"},
		{[]string{"more"}, `unexpected argument "more"`},
		{[]string{"-stack", "docker"}, "choose auto, env, compose or embedded"},
		{[]string{"-color", "green"}, "must be one of: red, blue"},
		{[]string{"-count", "1"}, "at least 2"},
		{[]string{"-count", "some"}, "-count"},
		{[]string{"-pause", "-1s"}, "-pause"},
		{[]string{"-lang", "de"}, `"de"`},
		{[]string{"-topic", ""}, "-topic"},
		{[]string{"-brokers", "nonsense"}, "host:port"},
	} {
		start(t, "parse", options{env: there, args: wrong.args}).exits(t, problem.ExitUsage, wrong.says, "how to solve it")
	}
	start(t, "parse", options{args: []string{"-stack", "env"}}).exits(t, problem.ExitEnvironment, "no Kafka is running here", "KAFKA_BROKERS is not set")
}

func TestReports(t *testing.T) {
	t.Parallel()
	c := start(t, "report", options{lesson: true})
	events := c.rest(t)
	lines, status := c.end(t)
	want := []string{
		"sent    p1@5   key=3 #7 Ann: hello",
		"sent    p1@6   key= #7 Ann: hello",
		"handled p1@5   key=3 #7 Ann: hello",
		"handled p1@5   key=3 #7 Ann: hello",
		"seen    p1@5   key=3 #7 Ann: hello",
		"a swan",
	}
	if !slices.Equal(lines, want) || status != 0 {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	at := func(offset int64, key string) *event.Record {
		return &event.Record{Topic: "orders", Partition: 1, Offset: offset, Key: key, ID: "7"}
	}
	for i, want := range []event.Event{
		{Type: event.Produced, Record: at(5, "3")},
		{Type: event.Produced, Record: at(6, "")},
		{Type: event.Handled, Record: at(5, "3")},
		{Type: event.Handled, Record: at(5, "3"), Group: "shop"},
		{Type: event.Duplicate, Record: at(5, "3"), Group: "shop"},
		{Type: event.Observed, Observation: &event.Observation{Kind: "swan", Data: []byte(`{"color":"black"}`)}},
		{Type: event.Observed, Observation: &event.Observation{Kind: "swan", Data: []byte(`{"color":""}`)}},
	} {
		if i >= len(events) {
			t.Fatalf("only %d events", len(events))
		}
		want.V, want.Time, want.PID = event.Version, events[i].Time, c.cmd.Process.Pid
		if !reflect.DeepEqual(events[i], want) {
			t.Errorf("reported %+v, want %+v", events[i], want)
		}
	}
}

// What nobody could see is not reported, and whatever follows it does not happen.
func TestOutputThatIsLostEndsTheProgram(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("only Linux has a file that is always full: %v", err)
	}
	defer func() { _ = full.Close() }()
	c := start(t, "report", options{lesson: true, stdout: full})
	if events := c.rest(t); len(events) > 0 {
		t.Errorf("it reports %+v", events)
	}
	c.exits(t, problem.ExitEnvironment, "standard output", "how to solve it")
}

// A reader that has seen enough ends a consumer, which commits no more than it could write, and leaves its group.
func TestAClosedPipeLeavesTheGroup(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := kafka.Config{Brokers: server.Brokers()}
	cluster, err := admin.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cluster.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := cluster.CreateTopic(t.Context(), "orders", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	sc, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	producer, err := kafka.NewSyncProducer(t.Context(), cfg, sc)
	if err != nil {
		t.Fatal(err)
	}
	const records = 3000 // more than a pipe holds
	for range records / 100 {
		batch := make([]*sarama.ProducerMessage, 100)
		for i := range batch {
			batch[i] = &sarama.ProducerMessage{Topic: "orders", Value: sarama.StringEncoder("x")}
		}
		if err := producer.SendMessages(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, "consume", options{env: []string{kafka.EnvBrokers + "=" + strings.Join(server.Brokers(), ",")}, stdout: write})
	if err := write.Close(); err != nil { // the child has it
		t.Fatal(err)
	}
	seen := bufio.NewReader(read)
	for range 5 {
		if _, err := seen.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	c.exits(t, 141)
	if d, err := cluster.DescribeGroup(t.Context(), "shop"); err != nil || len(d.Members) > 0 {
		t.Errorf("the group has %v (%v)", d.Members, err)
	}
	if committed, err := cluster.Committed(t.Context(), "shop", "orders"); err != nil || committed[0] >= records {
		t.Errorf("committed %v (%v)", committed, err)
	}
}

// A record that one of two groups handled must not be counted for nobody, or for the other one.
func TestAProgramOfTwoGroupsSaysWhich(t *testing.T) {
	t.Parallel()
	c := start(t, "two groups", options{lesson: true})
	var groups []string
	for _, e := range c.rest(t) {
		groups = append(groups, e.Group)
	}
	_, status := c.end(t)
	if !slices.Equal(groups, []string{"shop", "audit"}) || status.ExitStatus() != 2 || !strings.Contains(c.stderr.String(), "Member(group)") {
		t.Errorf("groups %q, then %v: %s", groups, c.cmd.ProcessState, &c.stderr)
	}
}
