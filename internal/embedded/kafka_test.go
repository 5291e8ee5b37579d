package embedded_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"kafkahandson/internal/await"
	"kafkahandson/internal/embedded"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
)

// BenchmarkStartKafka measures the time until a Kafka answers.
func BenchmarkStartKafka(b *testing.B) {
	for b.Loop() {
		server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := kafka.ClusterID(b.Context(), server.Brokers()[0]); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := server.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
}

func TestKafkaState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "kafka")
	server := startKafka(t, embedded.KafkaOptions{Dir: dir, ClusterID: "test"})
	state, ok := embedded.RunningKafka(dir)
	if !ok || !slices.Equal(state.Addresses, server.Brokers()) || len(state.Addresses) != 3 {
		t.Errorf("RunningKafka is %+v (%v), want the brokers %v", state, ok, server.Brokers())
	}
	if state.PID != os.Getpid() || state.ClusterID != "kafkahandson-test" || time.Since(state.Started) > time.Minute {
		t.Errorf("the state is %+v", state)
	}
	for _, addr := range server.Brokers() {
		if id, err := kafka.ClusterID(t.Context(), addr); err != nil || id != embedded.ClusterIDPrefix+"test" {
			t.Errorf("%s is cluster %s (%v)", addr, id, err)
		}
		if !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Errorf("%s is not on the loopback interface", addr)
		}
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "kafka.json"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is %v (%v), want %v", path, info.Mode(), err, want)
		}
	}
}

func TestNoKafkaRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if state, ok := embedded.RunningKafka(dir); ok {
		t.Errorf("nothing runs as %+v", state)
	}
	stranger := exec.Command("sleep", "300") // has got the process id of a Kafka that was killed
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{
		"no state",
		fmt.Sprintf("%d\n{\"addresses\":[\"127.0.0.1:9092\"]}\n", stranger.Process.Pid),
		fmt.Sprintf(`{"pid":%d,"brokers":["127.0.0.1:9092"],"control":"127.0.0.1:80","token":"secret"}`, stranger.Process.Pid), // of an earlier version
	} {
		if err := os.WriteFile(filepath.Join(dir, "kafka.json"), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		if state, ok := embedded.RunningKafka(dir); ok {
			t.Errorf("%s runs as %+v", left, state)
		}
		if ran, err := embedded.StopKafka(t.Context(), dir); ran || err != nil {
			t.Errorf("%s: stop says %v, %v", left, ran, err)
		}
	}
	if err := stranger.Process.Kill(); err != nil { // it is still there
		t.Error(err)
	}
	_ = stranger.Wait()
	startKafka(t, embedded.KafkaOptions{Dir: dir})
	if state, ok := embedded.RunningKafka(dir); !ok || state.PID != os.Getpid() {
		t.Errorf("%+v (%v) runs", state, ok)
	}
}

// A Kafka that was suspended with Ctrl-Z lives: nobody takes its data, and it can be stopped.
func TestSuspendedKafka(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	brokers, kill := startKafkaProcess(t, dir)
	fillKafka(t, brokers)
	state, _ := embedded.RunningKafka(dir)
	if err := syscall.Kill(state.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, ok := embedded.RunningKafka(dir); !ok {
		t.Error("it is taken for dead")
	}
	_, startErr := embedded.StartKafka(embedded.KafkaOptions{Dir: dir})
	for what, err := range map[string]error{"start": startErr, "delete": embedded.DeleteKafka(t.Context(), dir)} {
		if used := new(embedded.InUseError); !errors.As(err, &used) || used.Dir != dir || used.PID != state.PID {
			t.Errorf("%s says %v", what, err)
		}
	}
	if ran, err := embedded.StopKafka(t.Context(), dir); !ran || err != nil {
		t.Errorf("stop says %v, %v", ran, err)
	}
	kill() // collects it
	if ran, err := embedded.StopKafka(t.Context(), dir); ran || err != nil {
		t.Errorf("stop after its death says %v, %v", ran, err)
	}
	server := startKafka(t, embedded.KafkaOptions{Dir: dir})
	if n := len(slices.Concat(slices.Collect(maps.Values(readKafka(t, server.Brokers()).values))...)); n != 30 {
		t.Errorf("%d records are left, want 30", n)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for range 2 { // the second time there is nothing
		if err := embedded.DeleteKafka(t.Context(), dir); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}

// A directory that is in use by somebody who does not say who: a Kafka of an earlier version of the course.
func TestUnknownUserKeepsTheDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock := flock.New(filepath.Join(dir, "lock"))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	_, startErr := embedded.StartKafka(embedded.KafkaOptions{Dir: dir})
	_, stopErr := embedded.StopKafka(t.Context(), dir)
	for what, err := range map[string]error{"start": startErr, "stop": stopErr, "delete": embedded.DeleteKafka(t.Context(), dir)} {
		if used := new(embedded.InUseError); !errors.As(err, &used) || used.Dir != dir || used.PID != 0 {
			t.Errorf("%s says %v", what, err)
		}
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}

func TestKafkaDirIsLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startKafka(t, embedded.KafkaOptions{Dir: dir})
	_, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir})
	if used := new(embedded.InUseError); !errors.As(err, &used) || used.Dir != dir || used.PID != os.Getpid() {
		t.Fatalf("a second start says %v", err)
	}
	if _, ok := embedded.RunningKafka(dir); !ok {
		t.Error("the second start has disturbed the first")
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	startKafka(t, embedded.KafkaOptions{Dir: dir})
}

func TestKafkaCannotUseDir(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.StartKafka(embedded.KafkaOptions{Dir: filepath.Join(file, "kafka")}); err == nil {
		t.Error("it starts in a file")
	}
}

// TestUnknownGroup asks for offsets of groups that nobody has used, in the two forms that the request has had.
func TestUnknownGroup(t *testing.T) {
	t.Parallel()
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
	if err := admin.EnsureTopic(t.Context(), kafka.Config{Brokers: server.Brokers()}, "orders", 2); err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]*kversion.Versions{"one group a request": kversion.V2_8_0(), "many": kversion.V3_9_0()} {
		t.Run(name, func(t *testing.T) {
			client, err := kgo.NewClient(kgo.SeedBrokers(server.Brokers()...), kgo.MaxVersions(version))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			req := kmsg.NewPtrOffsetFetchRequest()
			for _, name := range []string{"group-1", "group-2"} {
				group := kmsg.NewOffsetFetchRequestGroup()
				group.Group = name
				topic := kmsg.NewOffsetFetchRequestGroupTopic()
				topic.Topic, topic.Partitions = "orders", []int32{0, 1}
				group.Topics = append(group.Topics, topic)
				req.Groups = append(req.Groups, group)
			}
			seen := 0
			for _, shard := range client.RequestSharded(t.Context(), req) {
				if shard.Err != nil {
					t.Fatal(shard.Err)
				}
				for _, g := range shard.Resp.(*kmsg.OffsetFetchResponse).Groups {
					for _, topic := range g.Topics {
						for _, p := range topic.Partitions {
							seen++
							if g.ErrorCode != 0 || p.ErrorCode != 0 || p.Offset != -1 {
								t.Errorf("group %s partition %d is at %d, error %d %d", g.Group, p.Partition, p.Offset, g.ErrorCode, p.ErrorCode)
							}
						}
					}
				}
			}
			if seen != 4 {
				t.Errorf("%d answers, want 2 groups with 2 partitions", seen)
			}
		})
	}
}

func TestTopicNames(t *testing.T) {
	t.Parallel()
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
	cluster := newAdmin(t, server.Brokers())
	for _, name := range []string{"with blank", "a/b", "..", ".", "토픽", strings.Repeat("a", 250)} {
		if err := cluster.CreateTopic(t.Context(), name, 1, 0, nil); err == nil {
			t.Errorf("there is a topic %q", name)
		}
	}
	if err := cluster.CreateTopic(t.Context(), strings.Repeat("a", 249), 1, 0, nil); err != nil {
		t.Error(err)
	}
}

// contents is what must survive: the values of a topic by partition, and a group's committed offsets.
type contents struct {
	values    map[int32][]string
	committed map[int32]int64
}

// fillKafka creates a topic, sends 30 records and commits some offsets.
func fillKafka(t *testing.T, brokers []string) {
	t.Helper()
	cluster := newAdmin(t, brokers)
	if err := cluster.CreateTopic(t.Context(), "orders", 3, 0, nil); err != nil {
		t.Fatal(err)
	}
	var values []string
	for i := range 30 {
		values = append(values, fmt.Sprint(i))
	}
	sendKafka(t, brokers, "orders", time.Time{}, values...)
	plan, err := cluster.PlanReset(t.Context(), "shop", "orders", []int32{0, 2}, admin.ToOffset(3))
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.ExecuteReset(t.Context(), "shop", plan); err != nil {
		t.Fatal(err)
	}
}

func readKafka(t *testing.T, brokers []string) contents {
	t.Helper()
	cluster := newAdmin(t, brokers)
	d, err := cluster.DescribeTopic(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := cluster.Committed(t.Context(), "shop", "orders")
	if err != nil {
		t.Fatal(err)
	}
	c := contents{values: map[int32][]string{}, committed: committed}
	consumer, err := sarama.NewConsumerFromClient(kafkaClient(t, brokers, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := consumer.Close(); err != nil {
			t.Error(err)
		}
	}()
	open := map[int32]sarama.PartitionConsumer{} // all at once: sarama gathers them for 100 ms
	for _, p := range d.Partitions {
		if open[p.ID], err = consumer.ConsumePartition("orders", p.ID, p.Start); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range d.Partitions {
		for range p.End - p.Start {
			c.values[p.ID] = append(c.values[p.ID], string((<-open[p.ID].Messages()).Value))
		}
		open[p.ID].AsyncClose()
	}
	for _, records := range open {
		for range records.Messages() { // until it is closed
		}
	}
	return c
}

func requireContents(t *testing.T, got, want contents) {
	t.Helper()
	if !maps.EqualFunc(got.values, want.values, slices.Equal) || !maps.Equal(got.committed, want.committed) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDataSurvivesClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startKafka(t, embedded.KafkaOptions{Dir: dir})
	fillKafka(t, server.Brokers())
	want := readKafka(t, server.Brokers())
	if n := len(slices.Concat(slices.Collect(maps.Values(want.values))...)); n != 30 || want.committed[0] != 3 || want.committed[1] != -1 {
		t.Fatalf("%d records and %v are stored", n, want.committed)
	}
	for range 2 {
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		server = startKafka(t, embedded.KafkaOptions{Dir: dir})
		requireContents(t, readKafka(t, server.Brokers()), want)
	}
	sendKafka(t, server.Brokers(), "orders", time.Time{}, "and it goes on")
}

// envKafkaProcess makes TestKafkaProcess run a Kafka in this directory.
const envKafkaProcess = "TEST_KAFKA_IN"

// TestKafkaProcess is the program of TestDataSurvivesKill's child process.
func TestKafkaProcess(t *testing.T) {
	dir := os.Getenv(envKafkaProcess)
	if dir == "" {
		t.Skip("runs in a child process of TestDataSurvivesKill")
	}
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		stop()
	}()
	<-ctx.Done()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
}

// startKafkaProcess runs a Kafka in a child process and returns its brokers and how to kill it.
func startKafkaProcess(t *testing.T, dir string) (brokers []string, kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestKafkaProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), envKafkaProcess+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // "signal: killed"
		_ = stdin.Close()
	})
	t.Cleanup(kill)
	await.NoError(t, func() error {
		state, ok := embedded.RunningKafka(dir)
		if !ok {
			return fmt.Errorf("the child process has no Kafka yet: %s", out.String())
		}
		if state.PID != cmd.Process.Pid {
			return fmt.Errorf("the Kafka is that of process %d, want %d", state.PID, cmd.Process.Pid)
		}
		brokers = state.Addresses
		return nil
	})
	return brokers, kill
}

func TestDataSurvivesKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	brokers, kill := startKafkaProcess(t, dir)
	fillKafka(t, brokers)
	want := readKafka(t, brokers)
	kill()
	if state, ok := embedded.RunningKafka(dir); ok {
		t.Fatalf("%+v runs after its death", state)
	}

	brokers, kill = startKafkaProcess(t, dir)
	requireContents(t, readKafka(t, brokers), want)
	// Again, amid sending: what was acknowledged is there.
	sc := kafkaConfig(t, brokers)
	sc.Producer.Retry.Max, sc.Producer.Retry.Backoff = 1, time.Millisecond
	producer, err := kafka.NewSyncProducer(t.Context(), kafka.Config{Brokers: brokers}, sc)
	if err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int32][]string{}
	for i := 0; ; i++ {
		value := fmt.Sprint("amid ", i)
		partition, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "orders", Key: sarama.StringEncoder(value), Value: sarama.StringEncoder(value)})
		if err != nil {
			break
		}
		acknowledged[partition] = append(acknowledged[partition], value)
		if i == 20 {
			go kill()
		}
	}
	kill()               // has ended
	_ = producer.Close() // the brokers are gone

	server := startKafka(t, embedded.KafkaOptions{Dir: dir})
	got := readKafka(t, server.Brokers())
	if !maps.Equal(got.committed, want.committed) {
		t.Errorf("committed %v, want %v", got.committed, want.committed)
	}
	for p, values := range got.values {
		first := append(slices.Clone(want.values[p]), acknowledged[p]...)
		if len(values) < len(first) || !slices.Equal(values[:len(first)], first) { // one may be stored and not acknowledged
			t.Errorf("partition %d holds %v, want %v", p, values, first)
		}
	}
}

func TestBrokerStopsAndStarts(t *testing.T) {
	t.Parallel()
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
	cluster := newAdmin(t, server.Brokers())
	if err := cluster.CreateTopic(t.Context(), "orders", 12, 0, nil); err != nil {
		t.Fatal(err)
	}
	leaders := func() []int32 {
		t.Helper()
		d, err := newAdmin(t, server.Brokers()).DescribeTopic(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		var all []int32
		for _, p := range d.Partitions {
			all = append(all, p.Leader)
		}
		return all
	}
	for _, id := range []int32{0, 1} {
		addr := server.Brokers()[id]
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.StopBroker(id); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection to a stopped broker says something")
		}
		_ = conn.Close()
		if conn, err := net.Dial("tcp", addr); err == nil {
			t.Errorf("a stopped broker accepts a connection")
			_ = conn.Close()
		}
		if got := leaders(); slices.Contains(got, id) {
			t.Errorf("broker %d is stopped and leads: %v", id, got)
		}
		if err := server.StopBroker(id); err == nil {
			t.Errorf("broker %d is stopped twice", id)
		}
		if err := server.StartBroker(id); err != nil {
			t.Fatal(err)
		}
		if _, err := kafka.ClusterID(t.Context(), addr); err != nil {
			t.Errorf("broker %d has not come back: %v", id, err)
		}
		if err := server.StartBroker(id); err == nil {
			t.Errorf("broker %d is started twice", id)
		}
	}
	for _, id := range []int32{-1, 3} {
		if server.StopBroker(id) == nil || server.StartBroker(id) == nil {
			t.Errorf("there is a broker %d", id)
		}
	}
	if err := server.StopBroker(2); err == nil {
		t.Error("the controller is stopped")
	}
	if err := server.StopBroker(0); err != nil {
		t.Fatal(err)
	}
	if err := server.StopBroker(1); err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(leaders()); !slices.Equal(got, []int32{2}) {
		t.Errorf("only broker 2 is up, and these lead: %v", got)
	}
	if err := errors.Join(server.StartBroker(0), server.StartBroker(1)); err != nil {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	server := startKafka(t, embedded.KafkaOptions{Dir: t.TempDir()})
	cluster := newAdmin(t, server.Brokers())
	for topic, configs := range map[string]map[string]string{"short": {"retention.ms": "60000"}, "long": {"retention.ms": "604800000"}, "default": nil} {
		if err := cluster.CreateTopic(t.Context(), topic, 1, 0, configs); err != nil {
			t.Fatal(err)
		}
		sendKafka(t, server.Brokers(), topic, time.Now().Add(-time.Hour), "old")
		sendKafka(t, server.Brokers(), topic, time.Time{}, "new")
	}
	start := func(topic string) int64 {
		t.Helper()
		d, err := cluster.DescribeTopic(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		return d.Partitions[0].Start
	}
	await.NoError(t, func() error {
		if got := start("short"); got != 1 {
			return fmt.Errorf("the first record is at %d, want 1", got)
		}
		return nil
	})
	if start("long") != 0 || start("default") != 0 {
		t.Error("records are gone that were to be kept")
	}
}

// TestKafkaCloseLeavesNothing is not parallel: other tests' goroutines would be taken for leaks.
func TestKafkaCloseLeavesNothing(t *testing.T) {
	ignore := []goleak.Option{goleak.IgnoreCurrent(), goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")} // sarama's, one a process
	t.Cleanup(func() { goleak.VerifyNone(t, ignore...) })                                                                              // after the clients' cleanup
	dir := t.TempDir()
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	fillKafka(t, server.Brokers())
	var open []net.Conn
	for _, addr := range server.Brokers() {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}

	errs := make(chan error)
	for range 3 { // at the same time, and again
		go func() { errs <- server.Close() }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for _, conn := range open {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s says something", conn.RemoteAddr())
		}
		if again, err := net.Dial("tcp", conn.RemoteAddr().String()); err == nil {
			t.Errorf("%s still listens", conn.RemoteAddr())
			_ = again.Close()
		}
		_ = conn.Close()
	}
	if _, ok := embedded.RunningKafka(dir); ok {
		t.Error("it still runs")
	}
	if _, err := os.Stat(filepath.Join(dir, "kafka.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("kafka.json is left: %v", err)
	}
	for _, do := range []func(int32) error{server.StopBroker, server.StartBroker} {
		if err := do(0); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close a broker says %v", err)
		}
	}
}

// TestKafkaFailedStartLeavesNothing is not parallel, as above.
func TestKafkaFailedStartLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "kafka.json", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	if _, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir}); err == nil {
		t.Fatal("it starts without its state file")
	}
	if err := os.RemoveAll(filepath.Join(dir, "kafka.json")); err != nil {
		t.Fatal(err)
	}
	server, err := embedded.StartKafka(embedded.KafkaOptions{Dir: dir}) // the lock is free again
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

// startKafka starts one until the end of the test.
func startKafka(t testing.TB, opts embedded.KafkaOptions) *embedded.Kafka {
	t.Helper()
	server, err := embedded.StartKafka(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func newAdmin(t *testing.T, brokers []string) *admin.Client {
	t.Helper()
	cluster, err := admin.Connect(t.Context(), kafka.Config{Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() }) // its brokers may be gone by then
	return cluster
}

// kafkaConfig is the course's configuration, in which nothing waits long.
func kafkaConfig(t *testing.T, brokers []string) *sarama.Config {
	t.Helper()
	sc, err := kafka.Config{Brokers: brokers}.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	sc.Consumer.MaxWaitTime = 20 * time.Millisecond
	sc.Metadata.Retry.Backoff = 20 * time.Millisecond
	return sc
}

// kafkaClient connects until the end of the test. sc nil is kafkaConfig.
func kafkaClient(t *testing.T, brokers []string, sc *sarama.Config) sarama.Client {
	t.Helper()
	if sc == nil {
		sc = kafkaConfig(t, brokers)
	}
	client, err := kafka.NewClient(t.Context(), kafka.Config{Brokers: brokers}, sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // its brokers may be gone by then
	return client
}

// sendKafka sends values keyed by themselves, one after the other. The zero time is now.
func sendKafka(t *testing.T, brokers []string, topic string, at time.Time, values ...string) {
	t.Helper()
	producer, err := kafka.NewSyncProducer(t.Context(), kafka.Config{Brokers: brokers}, kafkaConfig(t, brokers))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		_, _, sendErr := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(v), Value: sarama.StringEncoder(v), Timestamp: at})
		err = errors.Join(err, sendErr)
	}
	if err := errors.Join(err, producer.Close()); err != nil {
		t.Fatal(err)
	}
}
