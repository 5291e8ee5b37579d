//go:build !race

package lesson

const raceEnabled = false

func raceEnv() []string { return nil }
