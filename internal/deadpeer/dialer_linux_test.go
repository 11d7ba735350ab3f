package deadpeer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// The kernel has the limits of a connection, dialled or accepted, for what is sent and for when nothing is.
func TestTheKernelHasTheLimits(t *testing.T) {
	listener, err := ListenConfig().Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := Dialer().DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	hasTheLimits(t, dialled)
	hasTheLimits(t, accepted)
}

func hasTheLimits(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []struct {
		name            string
		level, of, want int
	}{
		{"TCP_USER_TIMEOUT in milliseconds", syscall.IPPROTO_TCP, tcpUserTimeout, int(Noticed.Milliseconds())},
		{"SO_KEEPALIVE", syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, int(idle.Seconds())},
		{"TCP_KEEPINTVL", syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, int(interval.Seconds())},
		{"TCP_KEEPCNT", syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, probes},
	} {
		err := raw.Control(func(fd uintptr) {
			got, err := syscall.GetsockoptInt(int(fd), option.level, option.of)
			if err != nil || got != option.want {
				t.Errorf("%s is %d, want %d (%v)", option.name, got, option.want, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGone(t *testing.T) {
	read := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	for name, c := range map[string]struct {
		err  error
		gone bool
	}{
		"nothing is acknowledged":     {fmt.Errorf("reading: %w", read), true},
		"it never began":              {&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}, false},
		"the other side ended it":     {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, false},
		"this side has waited enough": {os.ErrDeadlineExceeded, false},
		"something else":              {errors.New("timed out"), false},
		"no error":                    {nil, false},
	} {
		if got := Gone(c.err); got != c.gone {
			t.Errorf("%s: %v", name, got)
		}
	}
}
