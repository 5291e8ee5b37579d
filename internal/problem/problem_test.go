package problem_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

func text(en, ko string) i18n.Text { return i18n.Text{EN: en, KO: ko} }

func TestProblemIsAnError(t *testing.T) {
	cause := fmt.Errorf("open settings: %w", fs.ErrNotExist)
	err := error(problem.Environment(cause, text("no settings", "설정이 없습니다"), text("write them", "작성하세요")))
	if err.Error() != "no settings: open settings: file does not exist" {
		t.Errorf("it says %q", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("its cause is lost")
	}
	if err := problem.Usage(text("which topic?", "토픽은?")); err.Error() != "which topic?" || err.Unwrap() != nil {
		t.Errorf("without a cause it says %q", err)
	}
}

func TestExitCode(t *testing.T) {
	for want, errs := range map[int][]error{
		problem.ExitOK:          {nil},
		problem.ExitFail:        {errors.New("anything"), &problem.Problem{What: text("bad", "나쁨")}},
		problem.ExitUsage:       {problem.Usage(text("bad flag", "잘못된 플래그"))},
		problem.ExitEnvironment: {problem.Environment(nil, text("no Kafka", "Kafka 없음")), fmt.Errorf("wrapped: %w", problem.Environment(nil, text("no Kafka", "Kafka 없음")))},
	} {
		for _, err := range errs {
			if got := problem.ExitCode(err); got != want {
				t.Errorf("%v: exit code %d, want %d", err, got, want)
			}
		}
	}
}

func TestRender(t *testing.T) {
	p := problem.Environment(errors.New("connection refused"), text("no Kafka answers", "응답하는 Kafka가 없습니다"),
		text("start one:\nmake up", "시작하세요:\nmake up"), text("name your own", "직접 지정하세요"))
	for _, test := range []struct {
		name string
		err  error
		lang i18n.Lang
		want string
	}{
		{"English", p, i18n.English, `error: no Kafka answers
  cause: connection refused
  how to solve it: start one:
    make up
  or: name your own
`},
		{"Korean", p, i18n.Korean, `오류: 응답하는 Kafka가 없습니다
  원인: connection refused
  해결 방법: 시작하세요:
    make up
  또는: 직접 지정하세요
`},
		{"with context", fmt.Errorf("ch3-manual-commit: %w", p), i18n.Korean, `오류: ch3-manual-commit: 응답하는 Kafka가 없습니다
  원인: connection refused
  해결 방법: 시작하세요:
    make up
  또는: 직접 지정하세요
`},
		{"with a cause in both languages", problem.Environment(&problem.Problem{What: text("not set", "설정되지 않음"), Cause: errors.New("EOF")}, text("no Kafka", "Kafka 없음")),
			i18n.Korean, "오류: Kafka 없음\n  원인: 설정되지 않음: EOF\n"},
		{"no problem", errors.New("broken"), i18n.Korean, "오류: broken\n"},
		{"without cause and remedy", problem.Usage(text("bad flag", "잘못된 플래그")), i18n.English, "error: bad flag\n"},
	} {
		var out strings.Builder
		problem.Render(&out, test.lang, test.err)
		if out.String() != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, out.String(), test.want)
		}
	}
}

// TestRenderJoined renders a problem that was joined with an error of closing, as deferred calls do.
func TestRenderJoined(t *testing.T) {
	p := problem.Environment(errors.New("refused"), text("no Kafka", "Kafka가 없습니다"), text("start one", "시작하세요"))
	for _, err := range []error{errors.Join(p, nil), errors.Join(p, errors.New("close failed")), errors.Join(errors.New("first"), p)} {
		var out strings.Builder
		problem.Render(&out, i18n.Korean, err)
		if !strings.Contains(out.String(), "Kafka가 없습니다") || !strings.Contains(out.String(), "시작하세요") {
			t.Errorf("%q is rendered as\n%s", err, out.String())
		}
	}
}
