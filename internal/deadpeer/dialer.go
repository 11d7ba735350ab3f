package deadpeer

import (
	"errors"
	"net"
	"syscall"
	"time"
)

const (
	// Noticed is how long the other side may acknowledge nothing. The kernel looks at most an interval later.
	Noticed = 25 * time.Second
	// connect is how long a connection may take to begin. A packet that is lost is sent again after one, three and
	// seven seconds.
	connect = 10 * time.Second

	// A connection on which nothing is to be sent is probed: after idle, and then at each interval.
	idle     = 10 * time.Second
	interval = 5 * time.Second
	probes   = int((Noticed - idle) / interval)
)

// Dialer makes connections that notice it.
func Dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         connect,
		KeepAliveConfig: keepAlive,
		// What was sent and is not acknowledged is not probed, but sent again and again.
		Control: limitUnacknowledged,
	}
}

// ListenConfig listens for connections that notice it: what is accepted has what the listening socket has.
func ListenConfig() *net.ListenConfig {
	return &net.ListenConfig{KeepAliveConfig: keepAlive, Control: limitUnacknowledged}
}

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: probes}

// Gone reports whether a connection ended because the other side acknowledged nothing. It is not said of a connection that
// never began.
func Gone(err error) bool {
	var op *net.OpError
	began := !errors.As(err, &op) || op.Op != "dial"
	return began && errors.Is(err, syscall.ETIMEDOUT)
}
