package problem

import (
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"kafkahandson/internal/i18n"
)

// Nearest suggests, as a way out, the name that was probably meant. It suggests nothing where no name shares at least
// half of its letters with what was typed.
func Nearest(typed string, names []string) []i18n.Text {
	best, distance := "", utf8.RuneCountInString(typed)/2+1
	for _, name := range names {
		if d := levenshtein.ComputeDistance(typed, name); d < distance {
			best, distance = name, d
		}
	}
	if best == "" {
		return nil
	}
	return []i18n.Text{i18n.Text{EN: "did you mean %s?", KO: "%s을(를) 찾으셨나요?"}.With(best)}
}
