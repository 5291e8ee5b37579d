// Package i18n holds the texts of the course in its two languages, English and Korean.
package i18n

import (
	"fmt"
	"strings"
)

// Lang is a language of the course.
type Lang string

const (
	English Lang = "en"
	Korean  Lang = "ko"
)

// EnvLang is the environment variable that chooses the language of the lab and of every program.
const EnvLang = "KAFKAHANDSON_LANG"

// Parse reads a language as a person writes it on a command line.
func Parse(s string) (Lang, error) {
	switch lang := Lang(strings.ToLower(s)); lang {
	case English, Korean:
		return lang, nil
	}
	return "", fmt.Errorf("unknown language %q: choose en or ko", s)
}

// Detect chooses the language from the environment: KAFKAHANDSON_LANG, then the locale as POSIX orders it
// (LC_ALL, LC_MESSAGES, LANG). Anything that is not Korean is English.
func Detect(getenv func(string) string) Lang {
	for _, name := range []string{EnvLang, "LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "ko") {
				return Korean
			}
			return English
		}
	}
	return English
}

// FromArgs is the language that a command line asks for with -lang or --lang, or else another: it is needed before the
// flags are parsed, for their own texts.
func FromArgs(args []string, otherwise Lang) Lang {
	chosen := otherwise
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		if !given && i+1 < len(args) {
			value = args[i+1]
		}
		if name != "-lang" && name != "--lang" {
			continue
		}
		if lang, err := Parse(value); err == nil {
			chosen = lang
		}
	}
	return chosen
}

// Text is one text in both languages.
type Text struct {
	EN string `json:"en"`
	KO string `json:"ko"`
}

// In returns the text in one language.
func (t Text) In(lang Lang) string {
	if lang == Korean {
		return t.KO
	}
	return t.EN
}

// IsZero tells whether there is no text at all.
func (t Text) IsZero() bool { return t == Text{} }

// With fills the text's fmt verbs, in both languages. An argument that is a Text is taken in the language of the
// text it goes into. Korean puts words in another order: use argument indexes (%[2]s) where it does.
func (t Text) With(args ...any) Text {
	return Text{EN: fill(t.EN, English, args), KO: fill(t.KO, Korean, args)}
}

func fill(format string, lang Lang, args []any) string {
	in := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(Text); ok {
			a = t.In(lang)
		}
		in[i] = a
	}
	return fmt.Sprintf(format, in...)
}

// Verbatim is a text that is the same in both languages: a name, a number, a path.
func Verbatim(s string) Text { return Text{EN: s, KO: s} }

// Join puts texts into one, in both languages.
func Join(texts []Text, separator string) Text {
	var en, ko []string
	for _, t := range texts {
		en, ko = append(en, t.EN), append(ko, t.KO)
	}
	return Text{EN: strings.Join(en, separator), KO: strings.Join(ko, separator)}
}
