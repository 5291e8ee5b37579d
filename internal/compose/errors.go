package compose

import (
	"fmt"
	"strings"
)

// Reason is why Docker Compose cannot be used, for machines.
type Reason string

const (
	NoDocker      Reason = "no-docker"     // there is no docker command
	NoPermission  Reason = "no-permission" // the engine does not let this user in
	EngineDown    Reason = "engine-down"   // the engine does not answer
	NoCompose     Reason = "no-compose"    // the docker command has no Compose
	CommandFailed Reason = "command-failed"
)

// Error tells why Docker Compose cannot be used, or that a command of it has failed.
type Error struct {
	Reason  Reason
	Command []string // with CommandFailed: what follows "docker compose"
	Shown   bool     // with CommandFailed: what it said has been shown
	Err     error
}

func (e *Error) Error() string {
	if e.Reason == CommandFailed {
		return fmt.Sprintf("docker compose %s: %v", strings.Join(e.Command, " "), e.Err)
	}
	return fmt.Sprintf("docker: %s: %v", e.Reason, e.Err)
}
func (e *Error) Unwrap() error { return e.Err }

// PortError is a setting of .env or of the environment that is no port.
type PortError struct{ Setting, Value string }

func (e *PortError) Error() string { return fmt.Sprintf("%s=%s is not a port", e.Setting, e.Value) }
