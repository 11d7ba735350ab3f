//go:build linux

package testnode

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	cgroups      = "/sys/fs/cgroup"
	cgroupPrefix = "appbur-node-"
)

// cgroup is where all containers of a node are counted: a directory in each hierarchy, named after who owns it.
type cgroup string

// newCgroup claims a name, and removes what tests left that were killed.
func newCgroup(t testing.TB, unique string) cgroup {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cgroups, "*", cgroupPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range left {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), cgroupPrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = removeCgroup(dir)
		}
	}

	c := cgroup(fmt.Sprintf("%s%d-%s", cgroupPrefix, os.Getpid(), unique))
	t.Cleanup(func() { c.remove(t) })
	return c
}

// path is its name for a kubelet.
func (c cgroup) path() string { return "/" + string(c) }

// remove waits until the processes of the node are gone, which are being killed.
func (c cgroup) remove(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		left, err := filepath.Glob(filepath.Join(cgroups, "*", string(c)))
		if err == nil {
			left = append(left, filepath.Join(cgroups, string(c)))
			for _, dir := range left {
				err = errors.Join(err, removeCgroup(dir))
			}
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("cgroups of the node are left: %v", err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// removeCgroup removes the directories of a hierarchy, those below first. Files in them go with them.
func removeCgroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for _, dir := range slices.Backward(dirs) {
		if removed := syscall.Rmdir(dir); removed != nil && !errors.Is(removed, syscall.ENOENT) {
			err = errors.Join(err, fmt.Errorf("%s: %w", dir, removed))
		}
	}
	return err
}
