package stack

import (
	"net"
	"os"
	"strconv"

	"kafkahandson/internal/checkout"
	"kafkahandson/internal/compose"
	"kafkahandson/internal/kafka"
)

// Ports are the published ports of the compose stack: those of .env in the clone, or of the environment. Outside a clone
// they are the course's.
func Ports() (compose.Ports, error) {
	root, err := checkout.Root()
	if err != nil { // a program may be built and carried elsewhere
		root = ""
	}
	return compose.ReadPorts(root, os.Getenv)
}

// ComposeKafka is the Kafka of the compose stack as this computer reaches it.
func ComposeKafka(ports compose.Ports) kafka.Config {
	return kafka.Config{Brokers: addresses(ports.Kafka)}
}

// addresses are ports on 127.0.0.1: localhost may also mean ::1, where nobody listens.
func addresses(ports []int) []string {
	var addrs []string
	for _, port := range ports {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	return addrs
}
