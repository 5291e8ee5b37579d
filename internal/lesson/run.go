package lesson

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/embedded"
	"kafkahandson/internal/event"
	"kafkahandson/internal/kafka"
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

// Commits is how often consumers called session.Commit().
func (r *Run) Commits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commits
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
