package console

import (
	"slices"
	"strconv"
	"strings"

	"kafkahandson/internal/i18n"
	"kafkahandson/internal/problem"
)

// properties are settings of how a record is a line of text, as --property of Apache Kafka's console tools.
type properties map[string]string

// parseProperties reads name=value settings of which only some names are known.
func parseProperties(given, known []string) (properties, error) {
	p := properties{}
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok {
			return nil, problem.Usage(i18n.Text{EN: "--property %q is not name=value", KO: "--property %q이(가) name=value 형식이 아닙니다"}.With(g))
		}
		if !slices.Contains(known, name) {
			return nil, problem.Usage(i18n.Text{EN: "unknown property %q", KO: "알 수 없는 속성 %q입니다"}.With(name),
				append(problem.Nearest(name, known), i18n.Text{EN: "there are: %s", KO: "사용할 수 있는 속성: %s"}.With(strings.Join(known, ", ")))...)
		}
		p[name] = value
	}
	return p, nil
}

func (p properties) on(name string) bool {
	on, err := strconv.ParseBool(p[name])
	return err == nil && on
}

func (p properties) or(name, fallback string) string {
	if v, ok := p[name]; ok {
		return v
	}
	return fallback
}
