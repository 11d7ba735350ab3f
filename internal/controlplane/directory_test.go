//go:build unix

package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func TestSweepRemovesOnlyWhatTheDeadLeftBehind(t *testing.T) {
	parent := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	options := Options{Version: appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}, Dir: parent}
	claim := func(owner string) string {
		dir, err := claimDir(options)
		if err != nil {
			t.Fatal(err)
		}
		if owner != "" {
			if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	mine := claim("")
	orphan := claim(strconv.Itoa(dead.Process.Pid))
	garbled := claim("-1")
	kept := claim(strconv.Itoa(dead.Process.Pid))
	(&Cluster{Dir: kept}).keepDir()

	sweep(parent)
	for dir, want := range map[string]bool{mine: true, orphan: false, garbled: true, kept: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: exists = %v, want %v", dir, err == nil, want)
		}
	}
}

func TestTailBeginsAtALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, test := range []struct {
		content string
		n       int64
		want    string
	}{
		{"", 10, ""},
		{"one\ntwo\n", 100, "one\ntwo"},
		{"one\ntwo\nthree\n", 9, "three"},
		{strings.Repeat("x", 50), 10, strings.Repeat("x", 10)},
	} {
		if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := tail(path, test.n); err != nil || got != test.want {
			t.Errorf("tail(%q, %d) = %q, %v; want %q", test.content, test.n, got, err, test.want)
		}
	}
}

func TestFreePortIsOutsideTheEphemeralRange(t *testing.T) {
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < firstPort || port > lastPort {
			t.Errorf("port %d", port)
		}
	}
}
