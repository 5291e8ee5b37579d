package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkahandson/internal/localport"
	"kafkahandson/internal/pidfile"
)

// ClusterIDPrefix begins the cluster id of every embedded Kafka, which tells it from a real one.
const ClusterIDPrefix = "kafkahandson-"

// KafkaOptions says how to start an embedded Kafka.
type KafkaOptions struct {
	// Dir is the data directory: topics, records and committed offsets survive in it, also a kill -9. One Kafka at a
	// time may use it. Required.
	Dir string
	// ClusterID is what follows ClusterIDPrefix in the cluster id. Default: "embedded".
	ClusterID string
	// Ports are the ports to prefer on 127.0.0.1, one a broker. If one is taken, all brokers get free ports and
	// Kafka.TakenPort tells which. Default: three free ports.
	Ports []int
	// TLS makes the brokers speak TLS. Default: plain text.
	TLS *tls.Config
	// Users makes the brokers demand a login. Default: none.
	Users []User
}

// User may log in with one SASL mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
type User struct{ Mechanism, Name, Password string }

const (
	brokers        = 3
	retentionEvery = time.Second // Kafka checks every 5 minutes; nobody waits that long in a lesson
)

const (
	lockFile = "lock"       // held by whoever uses the data directory
	pidFile  = "kafka.json" // held by the process that runs the Kafka
)

// Kafka is a running embedded cluster of three brokers with the ids 0, 1 and 2; 2 is the controller. Its methods may
// be called concurrently.
type Kafka struct {
	// TakenPort is the preferred port that was taken, 0 if none was.
	TakenPort int

	cluster *kfake.Cluster
	ports   []int         // by broker id
	unlock  func() error  // the data
	file    *pidfile.File // tells other processes of this Kafka
	state   pidfile.State

	mu     sync.Mutex // serialises stop, start and Close
	closed bool
	conns  connTracker

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// StartKafka starts three brokers on 127.0.0.1. It takes a few milliseconds. The error is an [*InUseError] while another one
// uses the directory; one that is just starting or ending is waited for, 1 s at most.
func StartKafka(opts KafkaOptions) (_ *Kafka, err error) {
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory of the embedded Kafka: %w", err)
	}
	unlock, err := lockDir(context.Background(), opts.Dir)
	if err != nil {
		return nil, err
	}
	k := &Kafka{unlock: unlock}
	defer func() {
		if err != nil {
			err = errors.Join(err, unlock())
		}
	}()
	if k.file, err = pidfile.Create(filepath.Join(opts.Dir, pidFile)); err != nil {
		return nil, fmt.Errorf("create the pid file of the embedded Kafka: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.file.Remove())
		}
	}()

	id := opts.ClusterID
	if id == "" {
		id = "embedded"
	}
	common := []kfake.Opt{
		kfake.ClusterID(ClusterIDPrefix + id),
		kfake.DataDir(filepath.Join(opts.Dir, "data")), // flat memory; never together with automatic topic creation
		kfake.BrokerConfigs(map[string]string{"log.segment.bytes": strconv.Itoa(8 << 20)}),
		kfake.ListenFn(k.conns.listen),
	}
	if opts.TLS != nil {
		common = append(common, kfake.TLS(opts.TLS))
	}
	if len(opts.Users) > 0 {
		common = append(common, kfake.EnableSASL())
		for _, u := range opts.Users {
			common = append(common, kfake.Superuser(u.Mechanism, u.Name, u.Password))
		}
	}
	if len(opts.Ports) == brokers {
		k.cluster, err = kfake.NewCluster(append(common, kfake.Ports(opts.Ports...))...)
		if errors.Is(err, syscall.EADDRINUSE) {
			k.TakenPort = firstTaken(opts.Ports)
		} else if err != nil {
			return nil, fmt.Errorf("start the embedded Kafka in %s: %w", opts.Dir, err)
		}
	}
	if k.cluster == nil {
		if k.cluster, err = kfake.NewCluster(append(common, kfake.NumBrokers(brokers))...); err != nil {
			return nil, fmt.Errorf("start the embedded Kafka in %s: %w", opts.Dir, err)
		}
	}
	for _, addr := range k.cluster.ListenAddrs() {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("address of an embedded broker: %w", err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, fmt.Errorf("address of an embedded broker: %w", err)
		}
		k.ports = append(k.ports, n)
	}
	k.answerUnknownGroups()
	k.refuseTopicNames()

	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.wg.Go(func() { k.applyRetention(ctx) })

	k.state = pidfile.State{PID: os.Getpid(), Addresses: k.Brokers(), ClusterID: ClusterIDPrefix + id, Started: time.Now().UTC()}
	if err = k.file.Write(k.state); err != nil {
		stop()
		k.wg.Wait()
		k.cluster.Close()
		k.conns.closeAll()
		return nil, err
	}
	return k, nil
}

// firstTaken returns the first of the ports that is taken, 0 if there is none.
func firstTaken(ports []int) int {
	for _, port := range ports {
		if localport.Taken(port) {
			return port
		}
	}
	return 0
}

// Brokers returns the addresses of the brokers, by id.
func (k *Kafka) Brokers() []string {
	addrs := make([]string, len(k.ports))
	for i, p := range k.ports {
		addrs[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(p))
	}
	return addrs
}

// State is what other processes know of this Kafka.
func (k *Kafka) State() pidfile.State { return k.state }

// Cluster is the cluster itself, for tests that make it fail (embeddedtest).
func (k *Kafka) Cluster() *kfake.Cluster { return k.cluster }

// Close stops the brokers, ends their connections and frees the data directory. The data stays.
func (k *Kafka) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed { // kfake blocks forever on calls after its Close
		return nil
	}
	k.closed = true
	k.stop()
	k.wg.Wait()
	k.cluster.Close()
	k.conns.closeAll() // kfake leaves accepted connections open
	return errors.Join(k.file.Remove(), k.unlock())
}

// applyRetention deletes old records: kfake does it hourly by itself.
func (k *Kafka) applyRetention(ctx context.Context) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			k.cluster.ApplyRetention()
		case <-ctx.Done():
			return
		}
	}
}

// answerUnknownGroups makes OffsetFetch for a group that nobody has used yet answer offset -1 for every partition, as
// Kafka does. kfake says GROUP_ID_NOT_FOUND, and clients take that for a failure. A request that asks about known and
// unknown groups together is left to kfake.
func (k *Kafka) answerUnknownGroups() {
	c := k.cluster
	c.ControlKey(int16(kmsg.OffsetFetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := r.(*kmsg.OffsetFetchRequest)
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		unknown := func(group string) bool {
			return c.GroupInfo(group) == nil && c.CoordinatorFor(group) == c.CurrentNode()
		}
		if req.Version < 8 { // one group a request
			for _, t := range req.Topics {
				topic := kmsg.NewOffsetFetchResponseTopic()
				topic.Topic = t.Topic
				for _, id := range t.Partitions {
					p := kmsg.NewOffsetFetchResponseTopicPartition()
					p.Partition, p.Offset, p.Metadata = id, -1, kmsg.StringPtr("")
					topic.Partitions = append(topic.Partitions, p)
				}
				resp.Topics = append(resp.Topics, topic)
			}
			return resp, nil, unknown(req.Group)
		}
		for _, g := range req.Groups {
			if !unknown(g.Group) {
				return nil, nil, false
			}
			group := kmsg.NewOffsetFetchResponseGroup()
			group.Group = g.Group
			for _, t := range g.Topics {
				topic := kmsg.NewOffsetFetchResponseGroupTopic()
				topic.Topic, topic.TopicID = t.Topic, t.TopicID
				for _, id := range t.Partitions {
					p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
					p.Partition, p.Offset, p.Metadata = id, -1, kmsg.StringPtr("")
					topic.Partitions = append(topic.Partitions, p)
				}
				group.Topics = append(group.Topics, topic)
			}
			resp.Groups = append(resp.Groups, group)
		}
		return resp, nil, len(req.Groups) > 0
	})
}

// refuseTopicNames makes the creation of a topic fail whose name Kafka would not take. kfake takes any but the empty one.
func (k *Kafka) refuseTopicNames() {
	valid := regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	k.cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.CreateTopics},
		Err:  kerr.InvalidTopicException,
		When: func(r kmsg.Request) bool {
			return slices.ContainsFunc(r.(*kmsg.CreateTopicsRequest).Topics, func(t kmsg.CreateTopicsRequestTopic) bool {
				return !valid.MatchString(t.Topic) || t.Topic == "." || t.Topic == ".."
			})
		},
		Count: -1,
	})
}

// StopBroker stops a broker as a crash would: nobody can connect any more, open connections break, its partitions move
// to the others. Broker 2 is the controller and cannot be stopped.
func (k *Kafka) StopBroker(id int32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return net.ErrClosed
	}
	if id == brokers-1 {
		return fmt.Errorf("stop broker %d: it is the controller of the embedded Kafka", id)
	}
	if err := k.cluster.RemoveNode(id); err != nil {
		return fmt.Errorf("stop broker %d: %w", id, err)
	}
	k.conns.closePort(k.ports[id]) // RemoveNode closes only the listener
	return nil
}

// StartBroker starts a stopped broker again, on its port.
func (k *Kafka) StartBroker(id int32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return net.ErrClosed
	}
	if id < 0 || int(id) >= len(k.ports) {
		return fmt.Errorf("start broker %d: there are brokers 0 to %d", id, len(k.ports)-1)
	}
	if _, _, err := k.cluster.AddNode(id, k.ports[id]); err != nil {
		return fmt.Errorf("start broker %d: %w", id, err)
	}
	return nil
}

// connTracker knows the open connections of each port.
type connTracker struct {
	mu    sync.Mutex
	conns map[int]map[net.Conn]struct{} // by port
}

func (t *connTracker) listen(network, address string) (net.Listener, error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &trackedListener{Listener: ln, tracker: t, port: ln.Addr().(*net.TCPAddr).Port}, nil
}

// closePort breaks the connections of a port.
func (t *connTracker) closePort(port int) {
	t.mu.Lock()
	open := t.conns[port]
	delete(t.conns, port)
	t.mu.Unlock()
	for conn := range open {
		_ = conn.Close() // what matters is that it is gone
	}
}

func (t *connTracker) closeAll() {
	t.mu.Lock()
	ports := slices.Collect(maps.Keys(t.conns))
	t.mu.Unlock()
	for _, port := range ports {
		t.closePort(port)
	}
}

type trackedListener struct {
	net.Listener
	tracker *connTracker
	port    int
	closed  bool // guarded by tracker.mu
}

func (l *trackedListener) Close() error {
	l.tracker.mu.Lock()
	l.closed = true
	l.tracker.mu.Unlock()
	return l.Listener.Close()
}

func (l *trackedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := l.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.closed { // accepted just before: closePort may have come and gone
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	if t.conns == nil {
		t.conns = map[int]map[net.Conn]struct{}{}
	}
	if t.conns[l.port] == nil {
		t.conns[l.port] = map[net.Conn]struct{}{}
	}
	tracked := &trackedConn{Conn: conn, listener: l}
	t.conns[l.port][tracked] = struct{}{}
	return tracked, nil
}

type trackedConn struct {
	net.Conn
	listener *trackedListener
}

func (c *trackedConn) Close() error {
	t := c.listener.tracker
	t.mu.Lock()
	delete(t.conns[c.listener.port], c)
	t.mu.Unlock()
	return c.Conn.Close()
}
