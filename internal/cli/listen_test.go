package cli

import (
	"errors"
	"testing"

	"github.com/appbur/appbur"
)

// A daemon is on loopback unless a host is named.
func TestWhereADaemonListens(t *testing.T) {
	for address, want := range map[string]string{
		"":               "",
		"9420":           "127.0.0.1:9420",
		":9420":          "127.0.0.1:9420",
		"0.0.0.0:9420":   "0.0.0.0:9420",
		"[::]:9420":      "[::]:9420",
		"localhost:0":    "localhost:0",
		"10.0.0.7:65535": "10.0.0.7:65535",
	} {
		if got, err := parseListen(address); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
	}

	for _, address := range []string{"metrics", ":", "host:", "host:http", "70000", "::1:9420", "http://localhost:9420"} {
		_, err := parseListen(address)
		if usage := (*usageError)(nil); !errors.As(err, &usage) || appbur.HintOf(err) == "" {
			t.Errorf("%q: %v", address, err)
		}
	}
}
