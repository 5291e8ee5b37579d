package problem

import (
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"kafkahandson/internal/i18n"
)

// Nearest suggests, as a way out, the name that was probably meant: the one with the fewest letters to change, if that
// is about a third of what was typed, or less.
func Nearest(typed string, names []string) []i18n.Text {
	letters := utf8.RuneCountInString(typed)
	best, most := "", min((letters+2)/3, letters-1)
	for _, name := range names {
		if d := levenshtein.ComputeDistance(typed, name); d <= most {
			best, most = name, d-1
		}
	}
	if best == "" {
		return nil
	}
	return []i18n.Text{i18n.Text{EN: "did you mean %s?", KO: "%s을(를) 찾으셨나요?"}.With(best)}
}
