package stack

// EnvStack is the environment variable that chooses where servers come from, for all commands, programs and lessons.
const EnvStack = "KAFKAHANDSON_STACK"

// Default is the kind that the environment chooses, Auto if it chooses none.
func Default(getenv func(string) string) Kind {
	if kind := getenv(EnvStack); kind != "" {
		return Kind(kind)
	}
	return Auto
}
