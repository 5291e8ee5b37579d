package i18n_test

import (
	"strings"
	"testing"

	"kafkahandson/internal/i18n"
)

func TestDetect(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want i18n.Lang
	}{
		{nil, i18n.English},
		{map[string]string{"LANG": "ko_KR.UTF-8"}, i18n.Korean},
		{map[string]string{"LANG": "de_DE.UTF-8"}, i18n.English},
		{map[string]string{"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, i18n.English},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko_KR"}, i18n.Korean},
		{map[string]string{"KAFKAHANDSON_LANG": "ko", "LC_ALL": "en_US.UTF-8"}, i18n.Korean},
	} {
		if got := i18n.Detect(func(name string) string { return tc.env[name] }); got != tc.want {
			t.Errorf("Detect(%v) = %s, want %s", tc.env, got, tc.want)
		}
	}
}

func TestWithFillsBothLanguages(t *testing.T) {
	who := i18n.Text{EN: "the consumer", KO: "컨슈머"}
	got := i18n.Text{EN: "waited %s for %s", KO: "%[2]s 기다림: %[1]s"}.With("5s", who)
	want := i18n.Text{EN: "waited 5s for the consumer", KO: "컨슈머 기다림: 5s"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestJoin(t *testing.T) {
	got := i18n.Join([]i18n.Text{{EN: "not set", KO: "설정되지 않음"}, i18n.Verbatim("a:1: refused")}, "; ")
	if want := (i18n.Text{EN: "not set; a:1: refused", KO: "설정되지 않음; a:1: refused"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := i18n.Join(nil, "; "); !got.IsZero() {
		t.Errorf("nothing is %+v", got)
	}
}

func TestParse(t *testing.T) {
	if lang, err := i18n.Parse("KO"); err != nil || lang != i18n.Korean {
		t.Errorf("Parse(KO) = %q, %v", lang, err)
	}
	if _, err := i18n.Parse("fr"); err == nil {
		t.Error("French is not a language of the course")
	}
}

func TestFromArgs(t *testing.T) {
	for args, want := range map[string]i18n.Lang{
		"":                    i18n.English,
		"-lang ko":            i18n.Korean,
		"--lang=ko":           i18n.Korean,
		"run x -lang=ko":      i18n.Korean,
		"--lang ko --lang en": i18n.English,
		"-lang":               i18n.English,
		"-lang de":            i18n.English, // told where flags are parsed
		"-language ko":        i18n.English,
	} {
		if got := i18n.FromArgs(strings.Fields(args), i18n.English); got != want {
			t.Errorf("%q: got %s, want %s", args, got, want)
		}
	}
}
