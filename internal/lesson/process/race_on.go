//go:build race

package process

const raceEnabled = true

// raceEnv makes a program end at once, where the race detector would wait a second, and fail at the first race.
func raceEnv() []string { return []string{"GORACE=atexit_sleep_ms=0 halt_on_error=1"} }
