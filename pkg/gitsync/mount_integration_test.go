//go:build integration && linux

package gitsync_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// mountTiny mounts a file system of so many bytes.
func mountTiny(t testing.TB, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a small file system can be mounted by root only; run the integration tests as root (make test does)")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}
