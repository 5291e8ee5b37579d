package lesson

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"kafkahandson/internal/event"
	"kafkahandson/internal/event/timeline"
	"kafkahandson/internal/kafka"
	"kafkahandson/internal/kafka/admin"
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
	// mysqlAddr is the host:port in dsn.
	mysqlAddr string

	topics   []string // of one partition
	accounts []*Account
	tallies  []event.Tally // the lesson's own
	claims   []event.Claim
	steps    int
	starts   map[string]int

	waits  sync.WaitGroup // goroutines of processes
	wakeUp chan struct{}

	mu        sync.Mutex
	processes []*Process
	produced  Records
	handled   Records
	commits   map[string]commits // by group
	timeline  timeline.Timeline
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
func (r *Run) Admin() *admin.Client { return r.admin }

// Embedded tells whether the lesson runs on an embedded Kafka, however it was found: it has one copy of each record and no
// followers, and keeps offsets elsewhere.
func (r *Run) Embedded() bool { return r.embedded }

// scoped appends the run's suffix to a name, so that nothing left over from another run can change this one.
func (r *Run) scoped(name string) string {
	name += "." + r.id
	if r.Variant != "" {
		name += "." + r.Variant
	}
	return name
}

// Topic creates a topic for this run and returns its name, which begins with the given one.
func (r *Run) Topic(name string, partitions int32) string {
	topic := r.scoped(name)
	r.Must(r.folder.AddTopic(topic))
	r.Must(r.admin.CreateTopic(r.ctx, topic, partitions, 0, nil))
	if partitions == 1 {
		r.topics = append(r.topics, topic)
	}
	return topic
}

// Group returns the name of a consumer group of this run, which begins with the given one.
//
// Of the names that it could have, it gets one whose coordinator leads none of the run's topics of one partition, or at
// least not the first of them. Otherwise it would be chance whether commits wait behind fetches on the connection that
// they then share, and the commit times of two variants could not be compared.
func (r *Run) Group(name string) string {
	group, err := r.groupApart(r.scoped(name))
	r.Must(err)
	r.Must(r.folder.AddGroup(group))
	r.Must(r.admin.WaitForCoordinator(r.ctx, group))
	return group
}

func (r *Run) groupApart(name string) (string, error) {
	var leaders []int32
	for _, topic := range r.topics {
		description, err := r.admin.DescribeTopic(r.ctx, topic)
		if err != nil {
			return "", err
		}
		leaders = append(leaders, description.Partitions[0].Leader)
	}
	if len(leaders) == 0 {
		return name, nil
	}
	best := "" // apart from the first
	group := name
	for try := 2; try < 10; try++ {
		if err := r.admin.WaitForCoordinator(r.ctx, group); err != nil {
			return "", err
		}
		coordinator, err := r.admin.Coordinator(group)
		if err != nil || !slices.Contains(leaders, coordinator) {
			return group, err
		}
		if best == "" && coordinator != leaders[0] {
			best = group
		}
		group = fmt.Sprintf("%s.%d", name, try)
	}
	return cmp.Or(best, name), nil // all brokers lead one of them
}

// Step says what happens next. With --step the run waits there for the instructor.
func (r *Run) Step(what Text) {
	r.steps++
	r.emit(event.Event{Type: event.Step, Text: &what, Number: r.steps})
	if r.opts.Pause != nil {
		r.Must(r.opts.Pause(r.ctx))
		r.emit(event.Event{Type: event.Resumed})
	}
}

// Claim checks what the lesson says. A claim that does not hold makes the verdict FAIL. Machines know it by its id, which
// is unique within the variant: words of lower-case letters and digits, with hyphens between them.
func (r *Run) Claim(id string, what Text, check Check) {
	r.Must(validID("claim", id))
	if slices.ContainsFunc(r.claims, func(c event.Claim) bool { return c.ID == id }) {
		r.Must(fmt.Errorf("there are two claims %q", id))
	}
	claim := event.Claim{ID: id, Text: what, OK: check.OK, Evidence: check.Evidence}
	r.claims = append(r.claims, claim)
	r.emit(event.Event{Type: event.Claimed, Claim: &claim})
}

// Compare puts a number into the table that compares the variants, and into a bar chart below it. Numbers of time are
// for looking at: a claim must not depend on how fast the computer is. The id is the same in all variants.
func (r *Run) Compare(id string, name Text, value float64, unit string) {
	r.Must(validID("measurement", id))
	r.emit(event.Event{Type: event.Compared, Measurement: &event.Measurement{ID: id, Name: name, Value: value, Unit: unit}})
}

func validID(of, id string) error {
	if !event.ValidID(id) {
		return fmt.Errorf("the id %q of a %s is not lower-case words with hyphens", id, of)
	}
	return nil
}

// StopAll asks programs to end, all at once, as [Process.Stop] asks one, and waits for them.
func (r *Run) StopAll(processes ...*Process) {
	for _, p := range processes {
		p.terminate()
	}
	for _, p := range processes {
		p.Wait()
	}
}

// Timeline is who in a consumer group owned which partition of a topic when, and where records came again.
type Timeline = timeline.Timeline

// Owners are who owns which partition at one moment.
type Owners = timeline.Owners

// ShowTimeline draws who owned which partition when, up to now, and returns it.
func (r *Run) ShowTimeline() *Timeline {
	r.emit(event.Event{Type: event.Timeline})
	return &r.timeline
}

// Produced returns what producers reported as acknowledged, in all topics.
func (r *Run) Produced() Records {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.produced)
}

// Handled returns what consumers reported as handled, with repetitions, of all topics and by all groups.
func (r *Run) Handled() Records {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.handled)
}

// observe takes in a report of a program.
func (r *Run) observe(p *Process, e event.Event) {
	r.mu.Lock()
	p.reported++
	p.heard = time.Now()
	switch e.Type {
	case event.Produced:
		r.produced = append(r.produced, Record{Record: *e.Record, Time: e.Time})
	case event.Handled:
		record := Record{Record: *e.Record, Group: e.Group, Time: e.Time}
		delete(p.idle, e.Group)
		p.handled, r.handled = append(p.handled, record), append(r.handled, record)
		p.pass(record)
	case event.Duplicate:
		delete(p.idle, e.Group)
		p.pass(Record{Record: *e.Record, Group: e.Group, Time: e.Time})
	case event.Committed:
		c := r.commits[e.Group]
		r.commits[e.Group] = commits{c.calls + 1, c.took + time.Duration(e.Micros)*time.Microsecond}
	case event.Observed:
		p.observed = append(p.observed, observed{*e.Observation, e.Time})
	case event.Assigned:
		p.members[e.Assignment.Group] = e.Assignment
		delete(p.idle, e.Assignment.Group)
	case event.Revoked, event.Acquired, event.Released:
		delete(p.idle, e.Assignment.Group)
	case event.Idle:
		p.idle[e.Group] = readEverything(e.Silence)
	case event.Held:
		p.held = true
	case event.Crashed:
		p.crashedAt = e.Point
	}
	r.mu.Unlock()
	r.emit(e)
	r.changed()
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

// begin tells that a variant begins. The nameless one of a lesson without variants has no title.
func (r *Run) begin(v Variant) {
	e := event.Event{Type: event.VariantStarted}
	if !v.Title.IsZero() {
		e.Text = &v.Title
	}
	r.emit(e)
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
		if left := r.endProcesses(); left != nil {
			err = errors.Join(err, &LeftBehind{left})
		} else if err == nil {
			err = r.fault() // one that shows at a program's end
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			a, ok := v.(abort)
			if !ok { // a fault of the lesson, or it did not expect what a program did
				a.err = fmt.Errorf("the lesson panicked: %v\n%s", v, debug.Stack())
			}
			err = a.err
		}
	}()
	experiment(r)
	if p := r.failed(nil); p != nil { // while the lesson looked elsewhere
		return p.verdict()
	}
	return nil
}

func (r *Run) endProcesses() error {
	r.mu.Lock()
	processes := slices.Clone(r.processes)
	r.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(processes))
	for i, p := range processes {
		wg.Go(func() { errs[i] = p.end() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil { // they are lost, and so are the goroutines that wait for them
		return err
	}
	r.waits.Wait()
	return nil
}
