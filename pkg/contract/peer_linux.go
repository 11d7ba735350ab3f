package contract

import (
	"net"
	"syscall"
)

// peerUID returns the user of the process that connected.
func peerUID(conn net.Conn) *int {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}

	var uid *int
	err = raw.Control(func(fd uintptr) {
		if credentials, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			user := int(credentials.Uid)
			uid = &user
		}
	})
	if err != nil {
		return nil
	}
	return uid
}
