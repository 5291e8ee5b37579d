package lesson

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/problem"
)

// Run is one variant of a lesson while it runs. As with testing.T, its methods end the run when something fails that
// the lesson cannot go on without (a program does not start, a wait takes too long); a claim that does not hold ends
// nothing. Call the methods from the lesson's goroutine only.
type Run struct {
	// Variant is the name of the variant that runs, "" if the lesson has none.
	Variant string

	*stage
	ctx context.Context
	db  *gorm.DB // of a lesson that needs MySQL
	dsn string

	topic, group string // the first of each: the accounting is about them
	claims       []ClaimResult
	steps        int
	starts       map[string]int

	waits  sync.WaitGroup // goroutines of processes
	wakeUp chan struct{}

	mu        sync.Mutex
	processes []*Process
	produced  Records
	handled   Records
	commits   int
	inCommit  time.Duration // in calls of session.Commit()
	timeline  Timeline
}

// abort carries an error out of the lesson's Run function.
type abort struct{ err error }

// Must ends the run if err is not nil.
func (r *Run) Must(err error) {
	if err != nil {
		panic(abort{err})
	}
}

// Context ends with Ctrl-C.
func (r *Run) Context() context.Context { return r.ctx }

// Kafka is the cluster that the lesson runs on.
func (r *Run) Kafka() kafka.Config { return r.kafka.Config }

// Admin is connected to the cluster.
func (r *Run) Admin() *kafka.Admin { return r.admin }

// Control injects faults into an embedded Kafka; nil on any other.
func (r *Run) Control() *embedded.Control { return r.kafka.Control }

// scoped appends the run's suffix to a name, so that nothing left over from another run can change this one.
func (r *Run) scoped(name string) string {
	name += "." + r.id
	if r.Variant != "" {
		name += "." + r.Variant
	}
	return name
}

// Topic creates a topic for this run and returns its name, which begins with the given one. The accounting is about
// the run's first topic.
func (r *Run) Topic(name string, partitions int32) string {
	topic := r.scoped(name)
	r.Must(r.names.add(&r.names.Topics, topic))
	r.Must(r.admin.CreateTopic(r.ctx, topic, partitions, 0, nil))
	if r.topic == "" {
		r.topic = topic
	}
	return topic
}

// Group returns the name of a consumer group of this run, which begins with the given one. The accounting is about the
// run's first group.
//
// Of the names that it could have, it gets one whose coordinator does not lead the run's topic, if the topic has one
// partition. Otherwise it would be chance whether commits wait behind fetches on the connection that they then share,
// and the commit times of two variants could not be compared.
func (r *Run) Group(name string) string {
	group, err := r.groupApart(r.scoped(name))
	r.Must(err)
	r.Must(r.names.add(&r.names.Groups, group))
	r.Must(r.admin.WaitForCoordinator(r.ctx, group))
	if r.group == "" {
		r.group = group
	}
	return group
}

func (r *Run) groupApart(name string) (string, error) {
	if r.topic == "" {
		return name, nil
	}
	topic, err := r.admin.DescribeTopic(r.ctx, r.topic)
	if err != nil || len(topic.Partitions) > 1 {
		return name, err
	}
	group := name
	for try := 2; try < 10; try++ {
		if err := r.admin.WaitForCoordinator(r.ctx, group); err != nil {
			return "", err
		}
		coordinator, err := r.admin.Coordinator(group)
		if err != nil || coordinator != topic.Partitions[0].Leader {
			return group, err
		}
		group = fmt.Sprintf("%s.%d", name, try)
	}
	return name, nil // a cluster of one broker
}

// Step says what happens next. With --step the run waits there for the instructor.
func (r *Run) Step(what Text) {
	r.steps++
	r.emit(event.Event{Type: event.Step, Text: &what, Detail: fmt.Sprint(r.steps)})
	if r.opts.Pause != nil {
		r.Must(r.opts.Pause(r.ctx))
		r.emit(event.Event{Type: event.Resumed})
	}
}

// Program prepares a program of the lesson, by its package; start it with a method of the Command.
func (r *Run) Program(pkg string, args ...string) *Command {
	return &Command{run: r, pkg: pkg, args: args}
}

// Claim checks what the lesson says. A claim that does not hold makes the verdict FAIL.
func (r *Run) Claim(what Text, check Check) {
	r.claims = append(r.claims, ClaimResult{Text: what, OK: check.OK, Detail: check.Detail})
	r.emit(event.Event{Type: event.Claim, Text: &what, OK: &check.OK, Detail: check.Detail})
}

// Compare puts a number into the table that compares the variants, and into a bar chart below it. Numbers of time are
// for looking at: a claim must not depend on how fast the computer is.
func (r *Run) Compare(name Text, value float64, unit string) {
	r.emit(event.Event{Type: event.Compared, Text: &name, Value: &value, Unit: unit})
}

// Committed returns the group's committed offsets of a topic by partition, as the broker says; -1 where there is none.
func (r *Run) Committed(group, topic string) map[int32]int64 {
	committed, err := r.admin.Committed(r.ctx, group, topic)
	r.Must(err)
	return committed
}

// WaitCommitted waits until the group's committed offset of a partition is at least this.
func (r *Run) WaitCommitted(group, topic string, partition int32, offset int64) {
	var now int64
	r.waitForPrograms(Text{EN: "for group %s to commit offset %d", KO: "%s 그룹이 오프셋 %d을(를) 커밋하기를"}.With(group, offset), func() (bool, string) {
		r.mu.Unlock() // asking the broker takes a while
		defer r.mu.Lock()
		now = r.Committed(group, topic)[partition]
		return now >= offset, fmt.Sprintf("p%d: %d/%d", partition, now, offset)
	})
}

// WaitOwners waits until members, by their client ids, own so many partitions, each partition has one owner, and there
// are no others. It returns the owners of that moment.
func (r *Run) WaitOwners(partitions map[string]int) Owners {
	all := 0
	var want []string
	members := slices.Sorted(maps.Keys(partitions))
	for _, m := range members {
		all += partitions[m]
		want = append(want, fmt.Sprintf("%s: %d", m, partitions[m]))
	}
	what := Text{EN: "for the partitions to be shared out (%s)", KO: "파티션이 나뉘기를 (%s)"}.With(strings.Join(want, ", "))
	var owners Owners
	r.waitForPrograms(what, func() (bool, string) {
		now, settled := r.timeline.Owners()
		owners = now
		ok := settled && len(now) == all
		var has []string
		for _, m := range members {
			has = append(has, fmt.Sprintf("%s: %d", m, now.Of(m)))
			ok = ok && now.Of(m) == partitions[m]
		}
		return ok, strings.Join(has, ", ")
	})
	return owners
}

// WaitHandled waits until so many different records have been handled.
func (r *Run) WaitHandled(records int) {
	r.waitForPrograms(Text{EN: "for %d records to be handled", KO: "레코드 %d개가 처리되기를"}.With(records), func() (bool, string) {
		n := r.handled.Distinct()
		return n >= records, fmt.Sprint(n)
	})
}

// waitForPrograms is waitFor, and ends the run if a program fails meanwhile.
func (r *Run) waitForPrograms(what Text, condition func() (ok bool, state string)) {
	var failed *Process
	r.waitFor(what, func() (bool, string) {
		for _, p := range r.processes {
			if p.exit != nil && !p.crashes {
				failed = p
			}
		}
		ok, state := condition()
		return ok || failed != nil, state
	})
	if failed != nil {
		r.Must(failed.verdict())
	}
}

// StopAll asks programs to end, all at once, as [Process.Stop] asks one, and waits for them.
func (r *Run) StopAll(processes ...*Process) {
	for _, p := range processes {
		r.Must(p.signal(syscall.SIGTERM))
	}
	for _, p := range processes {
		p.Wait()
	}
}

// ShowTimeline draws who owned which partition when, up to now, and returns it.
func (r *Run) ShowTimeline() *Timeline {
	r.emit(event.Event{Type: event.Timeline})
	return &r.timeline
}

// Produced returns what producers reported as acknowledged.
func (r *Run) Produced() Records {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.produced)
}

// Handled returns what consumers reported as handled, with repetitions.
func (r *Run) Handled() Records {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.handled)
}

// Lost returns the records that were produced and never handled.
func (r *Run) Lost() Records { return r.Produced().NotIn(r.Handled()) }

// Duplicated is how many times a record was handled that had been handled before.
func (r *Run) Duplicated() int {
	handled := r.Handled()
	return len(handled) - handled.Distinct()
}

// Stored is how many records the topic holds, as the broker says.
func (r *Run) Stored(topic string) int {
	t, err := r.admin.DescribeTopic(r.ctx, topic)
	r.Must(err)
	return int(t.Records())
}

// Commits is how often consumers called session.Commit().
func (r *Run) Commits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commits
}

func (r *Run) endOffsets(topic string) map[int32]int64 {
	t, err := r.admin.DescribeTopic(r.ctx, topic)
	r.Must(err)
	ends := map[int32]int64{}
	for _, p := range t.Partitions {
		ends[p.ID] = p.End
	}
	return ends
}

// observe takes in an event of a program.
func (r *Run) observe(p *Process, e event.Event) {
	r.mu.Lock()
	p.reported[e.Type]++
	switch e.Type {
	case event.Produced:
		r.produced = append(r.produced, *e.Record)
	case event.Handled:
		p.handled = append(p.handled, *e.Record)
		p.passed = append(p.passed, *e.Record)
		r.handled = append(r.handled, *e.Record)
	case event.Duplicate:
		p.passed = append(p.passed, *e.Record)
	case event.Committed:
		r.commits++
		r.inCommit += time.Duration(e.Micros) * time.Microsecond
	case event.Measured:
		if p.measured == nil {
			p.measured = map[string]float64{}
		}
		p.measured[e.Text.EN] = *e.Value
	case event.OffsetFound:
		p.offsets = append(p.offsets, *e.Record)
	case event.Assigned:
		p.assignment = e.Assignment
	case event.Held:
		p.held, p.heldAt = true, e.Point
	}
	r.mu.Unlock()
	r.emit(e)
	r.changed()
}

func (r *Run) counts() (*event.Counts, error) {
	c := &event.Counts{
		Produced:   len(r.Produced()),
		Handled:    len(r.Handled()),
		Distinct:   r.Handled().Distinct(),
		Lost:       len(r.Lost()),
		Duplicated: r.Duplicated(),
		Commits:    r.Commits(),
	}
	r.mu.Lock()
	c.CommitMicros = r.inCommit.Microseconds()
	r.mu.Unlock()
	if r.topic == "" {
		return c, nil
	}
	t, err := r.admin.DescribeTopic(r.ctx, r.topic)
	if err != nil {
		return nil, err
	}
	c.Stored = int(t.Records())
	if r.group != "" {
		if c.Committed, err = r.admin.Committed(r.ctx, r.group, r.topic); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (r *Run) emit(e event.Event) {
	e.Variant = r.Variant
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	r.mu.Lock()
	r.timeline.Add(e)
	r.mu.Unlock()
	r.stage.emit(e)
}

func (r *Run) processName(base string) string {
	r.starts[base]++
	return fmt.Sprintf("%s#%d", base, r.starts[base])
}

func (r *Run) track(p *Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes = append(r.processes, p)
}

// changed wakes waitFor up.
func (r *Run) changed() {
	select {
	case r.wakeUp <- struct{}{}:
	default: // it has not looked since the last change
	}
}

const (
	// defaultTimeout is how long a step may wait for one thing.
	defaultTimeout = 60 * time.Second
	// patience is how long a wait may be before the person at the terminal is told about it.
	patience = 2 * time.Second
)

// waitFor waits until a condition holds, which is looked at under mu whenever a program reports something and now and
// then. The condition also tells how far it is, for the error when it takes too long.
func (r *Run) waitFor(what Text, condition func() (ok bool, state string)) {
	timeout := r.opts.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	tell := time.NewTicker(patience)
	defer tell.Stop()
	state := ""
	check := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		var ok bool
		ok, state = condition()
		return ok
	}
	for !check() {
		select {
		case <-r.wakeUp:
		case <-look.C:
		case <-tell.C:
			r.emit(event.Event{Type: event.Waiting, Text: &what, Detail: state})
		case <-r.ctx.Done():
			r.Must(r.ctx.Err())
		case <-deadline.C:
			r.Must(r.tooLong(what, state, timeout))
		}
	}
}

func (r *Run) tooLong(what Text, state string, timeout time.Duration) error {
	r.mu.Lock()
	var running []string
	for _, p := range r.processes {
		if !p.exited {
			running = append(running, p.name)
		}
	}
	r.mu.Unlock()
	cause := fmt.Errorf("state: %q, programs running: %q", state, running)
	return &problem.Problem{
		What:  Text{EN: "waited %[1]s in vain %[2]s", KO: "%[2]s %[1]s 동안 기다렸지만 그렇게 되지 않았습니다"}.With(timeout, what),
		Cause: cause,
		Solve: []Text{
			{EN: "on a very busy computer give it more time: --timeout 5m", KO: "컴퓨터가 매우 바쁘면 시간을 더 주세요: --timeout 5m"},
			{EN: "look at all that the programs said: --full", KO: "프로그램이 출력한 내용을 모두 보세요: --full"},
		},
	}
}

// play runs an experiment. It returns the error that ended it early, if any.
func (r *Run) play(experiment func(*Run)) (err error) {
	defer func() {
		err = errors.Join(err, r.endProcesses())
	}()
	defer func() {
		if v := recover(); v != nil {
			a, ok := v.(abort)
			if !ok {
				panic(v)
			}
			err = a.err
		}
	}()
	experiment(r)
	return nil
}

// grace is how long a program may take to end when it is asked to.
const grace = 3 * time.Second

func (r *Run) endProcesses() error {
	r.mu.Lock()
	processes := slices.Clone(r.processes)
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range processes {
		wg.Go(func() { p.end(grace) })
	}
	wg.Wait()
	r.waits.Wait()
	return nil
}
