//go:build unix

package controlplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken from below the range that systems use for outgoing
// connections (32768 and up on Linux, 49152 elsewhere). A port from within that
// range could be taken by any connection while an API server is restarted; a
// client that retries against it can even connect to itself.
const (
	firstPort = 20000
	lastPort  = 29999
)

// FreePort returns a loopback port that no process listens on. Somebody may take it
// before a server does; Start then tries again.
func FreePort() (int, error) {
	var last error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("find a free port: %w", errors.Join(errors.New("none of 100 tries succeeded"), last))
}
