package greeting

import (
	"strings"
	"testing"
)

func TestSamplesRoundTrip(t *testing.T) {
	samples, err := Samples()
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 30 {
		t.Fatalf("%d samples, want 30", len(samples))
	}
	lines := strings.Split(strings.TrimSpace(sampleLines), "\n")
	hangul := 0
	for i, g := range samples {
		if g.ID != int64(i+1) {
			t.Errorf("sample %d has id %d", i+1, g.ID)
		}
		value, err := g.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Key() + ":" + string(value); got != lines[i] {
			t.Errorf("sample %d encodes as\n%s, the file has\n%s", i+1, got, lines[i])
		}
		if strings.ContainsFunc(g.Content, func(r rune) bool { return r >= '가' && r <= '힣' }) {
			hangul++
		}
	}
	if hangul < 10 || hangul > 20 {
		t.Errorf("%d of 30 samples are Korean, want a fair mix", hangul)
	}
}

func TestDecodeRejects(t *testing.T) {
	for name, value := range map[string]string{
		"not json": "hello", "empty": "", "a list": "[]", "no id": `{"age":1}`, "wrong type": `{"id":1,"age":"old"}`,
	} {
		if g, err := Decode([]byte(value)); err == nil {
			t.Errorf("%s: decoded as %+v", name, g)
		}
	}
	if _, err := Decode([]byte(`{"id":1,"mood":"new field"}`)); err != nil {
		t.Errorf("an unknown field must be ignored: %v", err)
	}
}

func TestNumbered(t *testing.T) {
	all, err := Numbered(3, 65)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range all {
		if g.ID != int64(i+3) || g.Content == "" {
			t.Fatalf("greeting %d is %+v", i+1, g)
		}
	}
	if all[0].Content != all[30].Content {
		t.Error("the samples do not repeat")
	}
}
