//go:build !race

package process

const raceEnabled = false

func raceEnv() []string { return nil }
