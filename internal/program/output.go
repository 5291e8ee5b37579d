package program

import (
	"io"
	"os"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// output is a program's standard output. Where it cannot be written, the program ends at once, as it does by SIGPIPE where
// nobody reads any more: a record that nobody saw must not be marked.
type output struct {
	out  io.Writer
	lang i18n.Lang
}

func (o output) Write(b []byte) (int, error) {
	n, err := o.out.Write(b)
	if err != nil {
		lost := problem.Environment(err, i18n.Text{EN: "standard output cannot be written", KO: "표준 출력에 쓸 수 없습니다"},
			i18n.Text{EN: "free some room on the disk, or send the output elsewhere: the record that could not be shown is not marked, and comes again", KO: "디스크 공간을 확보하거나 출력을 다른 곳으로 보내세요. 보여 주지 못한 레코드는 표시되지 않았으므로 다시 옵니다"})
		problem.Render(os.Stderr, o.lang, lost)
		os.Exit(problem.ExitCode(lost))
	}
	return n, nil
}
