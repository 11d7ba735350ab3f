package testimage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Mount is a file or a directory of this machine that a container sees.
type Mount struct {
	Host, Path string
	ReadOnly   bool
}

// Run runs the image's entrypoint with arguments until it ends.
func (i *Image) Run(t testing.TB, mounts []Mount, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := i.Command(t, mounts, args...)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()

	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("runc (Debian package runc; hack/packages.sh installs it): %v", err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// Container is the image's entrypoint with arguments, to be started.
type Container struct {
	*exec.Cmd
	name string
}

// started counts containers, whose names have to be different.
var started atomic.Int64

// Command is a container that has not started yet. What is left of it is removed at the end of the test.
func (i *Image) Command(t testing.TB, mounts []Mount, args ...string) *Container {
	t.Helper()
	bundle := t.TempDir()
	name := fmt.Sprintf("appbur-test-%d-%d", os.Getpid(), started.Add(1))
	config, err := json.Marshal(i.spec(t, mounts, args))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = rootCommand("runc", "delete", "--force", name).Run() }) // it is gone where it ended by itself
	return &Container{Cmd: rootCommand("runc", "run", "--bundle", bundle, name), name: name}
}

// Terminate asks the container to end, as a kubelet does.
func (c *Container) Terminate(t testing.TB) {
	t.Helper()
	asRoot(t, "runc", "kill", c.name, "TERM")
}

// spec is what a runtime is told for a Pod of the restricted profile with a read-only root (OCI runtime specification).
// The network is this machine's, so that the container reaches the servers of the test.
func (i *Image) spec(t testing.TB, mounts []Mount, args []string) map[string]any {
	t.Helper()
	uid, gid, _ := strings.Cut(i.Config.User, ":")
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("the image's user is %q, and Kubernetes' runAsNonRoot needs numbers: %v", i.Config.User, err)
		}
		return n
	}

	all := []map[string]any{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "mode=755", "size=65536k"}},
		{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev", "mode=1777", "size=65536k"}},
	}
	for _, m := range mounts {
		options := []string{"rbind", "nosuid", "nodev"}
		if m.ReadOnly {
			options = append(options, "ro")
		}
		all = append(all, map[string]any{"destination": m.Path, "type": "bind", "source": m.Host, "options": options})
	}

	return map[string]any{
		"ociVersion": "1.0.2",
		"hostname":   "appbur",
		"root":       map[string]any{"path": i.Root, "readonly": true},
		"mounts":     all,
		"process": map[string]any{
			"user": map[string]any{"uid": number(uid), "gid": number(gid)},
			"args": append(append([]string{}, i.Config.Entrypoint...), args...),
			"env":  i.Config.Env, "cwd": i.Config.WorkingDir,
			"capabilities": map[string]any{}, "noNewPrivileges": true,
		},
		"linux": map[string]any{
			"namespaces":  []map[string]any{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
			"maskedPaths": []string{"/proc/kcore", "/proc/keys"}, "readonlyPaths": []string{"/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

// Mount makes a directory what a Secret is that is mounted into a Pod with fsGroup: all in it is root's, and the image's
// group may read it.
func (i *Image) Mount(t testing.TB, dir string) {
	t.Helper()
	_, group, _ := strings.Cut(i.Config.User, ":")
	asRoot(t, "chown", "-R", "0:"+group, dir)
	asRoot(t, "chmod", "-R", "u=rX,g=rX,o=", dir)
}

// Give gives a directory and all in it to the image's user, as a volume with fsGroup would be.
func (i *Image) Give(t testing.TB, dir string) {
	t.Helper()
	asRoot(t, "chown", "-R", i.Config.User, dir)
}
