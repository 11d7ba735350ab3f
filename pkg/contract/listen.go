package contract

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/appbur/appbur"
)

// unixPath returns the path of a "unix:///path" or "unix:path" address.
func unixPath(address string) (string, bool) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return path, true
	}
	return strings.CutPrefix(address, "unix:")
}

// Listen opens "unix:///path" or "host:port". Connecting to the unix socket needs
// the rights of its owner: the socket appears with mode 0600, never with more.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, ok := unixPath(address)
	if !ok {
		l, err := config.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("listening at %s: %w", address, err), listenHint(err))
		}
		return l, nil
	}

	if !filepath.IsAbs(path) {
		return nil, appbur.WithHint(fmt.Errorf("listening at %s: the path of the socket is not absolute", address), "use unix:///path")
	}

	l, err := listenUnix(ctx, path)
	if err != nil {
		err = fmt.Errorf("listening at %s: %w", address, err)
		if appbur.HintOf(err) == "" {
			err = appbur.WithHint(err, socketHint)
		}
		return nil, err
	}

	return l, nil
}

const socketHint = "the directory of a socket must exist and be writable for this user; the path of the socket has at most 107 bytes"

// listenHint is what to do about a port that cannot be listened at.
func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: stop it, or choose another port"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "ports below 1024 are for root: choose one above"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address: take one that it has, or 0.0.0.0 for all"
	}
	return "use unix:///path or host:port"
}

// listenUnix makes the socket in a directory that only the owner enters, and
// renames it into place: between bind and chmod no other user can reach it.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if len(path) >= len(syscall.RawSockaddrUnix{}.Path) {
		return nil, errors.New("the path is too long to connect to") // the hidden one is short
	}
	dialer := net.Dialer{Timeout: time.Second}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(appbur.WithHint(errors.New("another process serves this socket"), "stop it, or choose another path"),
			conn.Close())
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	hidden := filepath.Join(dir, "s")
	var config net.ListenConfig

	l, err := config.Listen(ctx, "unix", hidden)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	socket, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a unix socket is served by %T", l), l.Close(), os.RemoveAll(dir))
	}

	socket.SetUnlinkOnClose(false)
	err = os.Chmod(hidden, 0o600)
	if err == nil {
		err = os.Rename(hidden, path)
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &unixListener{UnixListener: socket, path: path}, nil
}

// unixListener removes the socket at the path that it was renamed to.
type unixListener struct {
	*net.UnixListener
	path string
}

// Close stops listening and removes the socket.
func (l *unixListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		err = os.Remove(l.path)
	}
	return err
}
