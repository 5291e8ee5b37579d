package event

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// zeroWidthJoiner holds emoji of several parts together.
const zeroWidthJoiner = '\u200d'

// Visible replaces what a terminal would obey rather than show: control characters, those that turn the direction of
// writing, and bytes that are not UTF-8 become escapes as in Go source (\x1b, \r, \u202e), a tab becomes four spaces.
func Visible(s string) string {
	harmless := func(r rune) bool { return unicode.IsPrint(r) || r == zeroWidthJoiner }
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	var out strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '\t':
			out.WriteString("    ")
		case r == utf8.RuneError && size == 1:
			out.WriteString(`\x` + strconv.FormatUint(uint64(s[0])|0x100, 16)[1:])
		case harmless(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[size:]
	}
	return out.String()
}
