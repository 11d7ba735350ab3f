package deadpeer

import "syscall"

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h: package syscall has no name for it.
const tcpUserTimeout = 18

func limitUnacknowledged(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(Noticed.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return failed
}
