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

// parseProperties reads name=value settings of which only some names are known. Switches are "true" or "false" afterwards.
func parseProperties(given, switches, texts []string) (properties, error) {
	p := properties{}
	known := slices.Concat(switches, texts)
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok {
			return nil, problem.Usage(i18n.Text{EN: "--property %q is not name=value", KO: "--property %q이(가) name=value 형식이 아닙니다"}.With(g))
		}
		if !slices.Contains(known, name) {
			return nil, problem.Usage(i18n.Text{EN: "unknown property %q", KO: "알 수 없는 속성 %q입니다"}.With(name),
				append(problem.Nearest(name, known), i18n.Text{EN: "there are: %s", KO: "사용할 수 있는 속성: %s"}.With(strings.Join(known, ", ")))...)
		}
		if slices.Contains(switches, name) {
			on, err := strconv.ParseBool(strings.ToLower(value))
			if err != nil {
				return nil, problem.Usage(i18n.Text{EN: "--property %s cannot be %q", KO: "--property %s에 %q은(는) 쓸 수 없습니다"}.With(name, value),
					i18n.Text{EN: "choose true or false", KO: "true 또는 false를 고르세요"})
			}
			value = strconv.FormatBool(on)
		}
		p[name] = value
	}
	return p, nil
}

func (p properties) on(name string) bool { return p[name] == "true" }

func (p properties) or(name, fallback string) string {
	if v, ok := p[name]; ok {
		return v
	}
	return fallback
}
