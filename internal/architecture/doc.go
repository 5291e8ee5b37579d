// Package architecture holds nothing but tests: of which package may import which, of how large a folder may grow, and
// of how soon a student's program comes to Kafka.
package architecture
