//go:build integration

package powerloss

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// The shell is a program that syncs nothing.
func TestTraceOfARealProgram(t *testing.T) {
	dir := t.TempDir()
	events, err := Trace(t.Context(), exec.Command("/bin/sh", "-c", "mkdir "+dir+"/a; echo x > "+dir+"/a/b"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}

	disk := NewDisk()
	for _, e := range events {
		disk.Apply(e)
	}
	want := []Loss{{filepath.Join(dir, "a"), "nameless"}, {filepath.Join(dir, "a/b"), "nameless"}, {filepath.Join(dir, "a/b"), "torn"}}
	if got := disk.Losses(dir); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
