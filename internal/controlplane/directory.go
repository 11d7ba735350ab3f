//go:build unix

package controlplane

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	dirPrefix = "appbur-kube-"
	ownerFile = "owner.pid" // the process that the cluster belongs to
	tailBytes = 4 << 10
)

// logNames are the logs in a cluster's directory, in the order of start.
var logNames = []string{"etcd", "kube-apiserver", "kube-controller-manager"}

// claimDir makes the directory of a cluster and marks it as this process's.
func claimDir(options Options) (string, error) {
	dir, err := makeMarked(options.Dir, options.Version.String())
	if err != nil {
		return "", fmt.Errorf("make the cluster's directory: %w", err)
	}
	return dir, nil
}

// ScratchDir makes a directory for what runs beside a cluster. Like that of a cluster, only its user can read it, and if this
// process is killed before it removes the directory, the next one that makes one in the same parent does.
func ScratchDir(parent, name string) (string, error) {
	sweep(parent)
	dir, err := makeMarked(parent, name)
	if err != nil {
		return "", fmt.Errorf("make a directory for %s: %w", name, err)
	}
	return dir, nil
}

func makeMarked(parent, name string) (string, error) {
	dir, err := os.MkdirTemp(parent, dirPrefix+name+"-")
	if err != nil {
		return "", err
	}
	// Servers get the paths of files in it and have another working directory.
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, ownerFile), []byte(strconv.Itoa(os.Getpid())), 0o644)
}

// keepDir takes the mark away, so that no later cluster sweeps the directory.
// The logs tell what happened; etcd's files are 128 MB that no user would read.
func (c *Cluster) keepDir() {
	_ = os.Remove(filepath.Join(c.Dir, ownerFile))
	_ = os.RemoveAll(filepath.Join(c.Dir, "etcd"))
}

// sweep removes the directories of clusters whose process was killed before it
// could. Those kept for inspection have no mark and stay.
func sweep(parent string) {
	if parent == "" {
		parent = os.TempDir()
	}
	marks, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*", ownerFile))
	if err != nil {
		return
	}
	for _, mark := range marks {
		text, err := os.ReadFile(mark)
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(string(text))
		if err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(filepath.Dir(mark))
		}
	}
}

// LogTails returns the end of each server's log, for a person who wants to know
// what went wrong.
func (c *Cluster) LogTails() string {
	var tails strings.Builder
	for _, name := range logNames {
		path := filepath.Join(c.Dir, name+".log")
		text, err := tail(path, tailBytes)
		if err != nil {
			continue // not started yet
		}
		fmt.Fprintf(&tails, "--- end of %s\n%s\n", path, text)
	}
	return tails.String()
}

// tail returns the last n bytes of a file, from the start of a line.
func tail(path string, n int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	from := max(0, size-n)

	text, err := io.ReadAll(io.NewSectionReader(file, from, size-from))
	if err != nil {
		return "", err
	}
	if from > 0 {
		_, rest, found := strings.Cut(string(text), "\n")
		if found {
			return strings.TrimRight(rest, "\n"), nil
		}
	}
	return strings.TrimRight(string(text), "\n"), nil
}
