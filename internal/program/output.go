package program

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/kafka/admin"
	"kafkahandson/internal/problem"
)

// output is a program's standard output. lost is called when it cannot be written, and does not return.
type output struct {
	out  io.Writer
	lost func(error)
}

func (o output) Write(b []byte) (int, error) {
	n, err := o.out.Write(b)
	if err != nil {
		o.lost(err)
	}
	return n, err
}

// leaving is what a program gives back where it ends at once.
type leaving struct {
	mu       sync.Mutex
	members  map[string]string // by group
	database func(context.Context) error
}

func (l *leaving) joined(group, member string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.members == nil {
		l.members = map[string]string{}
	}
	l.members[group] = member
}

func (l *leaving) uses(database func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.database = database
}

// brokenPipe is the exit code where nobody reads the output any more, as shells give it: 128 + SIGPIPE.
const brokenPipe = 141

// lost ends the program at once when its output cannot be written: the record that nobody saw must not be marked, and its
// handler, which would mark it next, does not get that far. What others would wait for is given back before: the places in
// its groups, and the private MySQL.
func (p *Program) lost(err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	left := p.leave(ctx)
	if errors.Is(err, syscall.EPIPE) { // as `| head` does on purpose
		os.Exit(brokenPipe)
	}
	told := problem.Environment(errors.Join(err, left), i18n.Text{EN: "standard output cannot be written", KO: "표준 출력에 쓸 수 없습니다"},
		i18n.Text{EN: "free some room on the disk, or send the output elsewhere, and start it again: a consumer goes on where its group has committed", KO: "디스크 공간을 확보하거나 출력을 다른 곳으로 보낸 뒤 다시 시작하세요. 컨슈머는 그룹이 커밋한 곳부터 이어 갑니다"})
	problem.Render(os.Stderr, p.lang, told)
	os.Exit(problem.ExitCode(told))
}

func (p *Program) leave(ctx context.Context) (err error) {
	p.leaving.mu.Lock() // until the end: nobody joins any more
	if p.leaving.database != nil {
		err = p.leaving.database(ctx)
	}
	if len(p.leaving.members) == 0 {
		return err
	}
	cluster, connected := admin.Connect(ctx, p.Kafka)
	if connected != nil { // nobody is there who would wait
		return err
	}
	for group, member := range p.leaving.members {
		err = errors.Join(err, cluster.RemoveMember(ctx, group, member))
	}
	return errors.Join(err, cluster.Close())
}
