package contract_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

func TestUnreachableApplication(t *testing.T) {
	for name, address := range map[string]string{
		"no socket":    "unix://" + filepath.Join(t.TempDir(), "nothing"),
		"closed port":  closedPort(t),
		"unknown name": "no-such-host.invalid:1",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := contract.Dial(t.Context(), address, contract.DialOptions{Insecure: true, Timeout: 200 * time.Millisecond})
			var e *contract.Error
			if !errors.As(err, &e) || !e.Retryable {
				t.Fatalf("got %v, want a retryable contract error", err)
			}
			if e.Code != codes.Unavailable && e.Code != codes.DeadlineExceeded {
				t.Errorf("code %s", e.Code)
			}
			if !strings.Contains(err.Error(), address) || appbur.HintOf(err) == "" {
				t.Errorf("the error names no address or gives no hint: %v (%s)", err, appbur.HintOf(err))
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestPlaintextOverTCPIsRefused(t *testing.T) {
	if _, err := contract.Dial(t.Context(), "127.0.0.1:1", contract.DialOptions{}); !errors.Is(err, contract.ErrPlaintext) {
		t.Errorf("the client ended with %v", err)
	}
	err := contract.ListenAndServe(t.Context(), "127.0.0.1:0", memory(), notes())
	if !errors.Is(err, contract.ErrPlaintext) || appbur.HintOf(err) == "" {
		t.Errorf("the server ended with %v", err)
	}
}

func TestSocketIsPrivateAndReplacesADeadOne(t *testing.T) {
	dir, err := os.MkdirTemp("", "appbur")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})

	path := filepath.Join(dir, "app")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}

	l, err := contract.Listen(t.Context(), "unix://"+path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}

	if _, err := contract.Listen(t.Context(), "unix://"+path); err == nil {
		t.Error("a socket that is served was taken over")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

// unready becomes ready after a while.
type unready struct {
	*contracttest.Memory
	err error
}

func (u *unready) Ready(context.Context) error { return u.err }

func TestHealthFollowsTheApplication(t *testing.T) {
	client := start(t, &unready{memory(), errors.New("migrating")}, notes())
	if e := wantReason(t, client.Ready(t.Context()), contract.ReasonBackendUnavailable); !e.Retryable {
		t.Error("not being ready is not marked as retryable")
	}
	client = start(t, &unready{Memory: memory()}, notes())
	deadline := time.Now().Add(10 * time.Second)
	for client.Ready(t.Context()) != nil {
		if time.Now().After(deadline) {
			t.Fatal("a ready application does not report SERVING")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
