//go:build integration && linux

package daemon_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/daemon"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

// smallDiskEnv says to a child of this test where it may mount.
const smallDiskEnv = "APPBUR_TEST_SMALL_DISK"

// smallDisk mounts a disk for a child of the test, in a mount namespace of its own; dir is "" in the parent, which waits for it.
func smallDisk(t *testing.T, size string) (dir string) {
	t.Helper()
	if dir := os.Getenv(smallDiskEnv); dir != "" {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), smallDiskEnv+"="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a mount namespace of its own: %v\n%s", err, out)
	}
	return ""
}

// watching is a cluster that hands on what a function makes, and then rests.
type watching func(exporter.Handler) error

func (w watching) Watch(ctx context.Context, h exporter.Handler) error {
	if err := w(h); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// More than a writer holds in memory comes while the disk is full, of a real file system: nothing ends, and all of it is
// committed when there is room.
func TestWhatIsTooMuchForTheMemoryWaitsForTheDisk(t *testing.T) {
	dir := smallDisk(t, "160m")
	if dir == "" {
		return
	}
	place, keysDir := filepath.Join(dir, "mgmt.git"), filepath.Join(dir, "keys")
	if _, err := repository.Create(t.Context(), place, keysDir, "", nil, rand.Reader, time.Now); err != nil {
		t.Fatal(err)
	}
	repo, err := repository.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Load(keysDir)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		t.Fatal(err)
	}
	cluster := appbur.Cluster{ID: "c1", Version: appbur.KubeVersion{Major: 1, Minor: 37}}
	writer, err := repo.Begin(cluster, rules.Version(), keys, repository.Guards{}, rand.Reader, time.Now)
	if err != nil {
		t.Fatal(err)
	}

	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, int64(disk.Bavail)*disk.Bsize-2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	const objects = 40
	all := make(chan struct{})
	said := &output{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, watching(func(h exporter.Handler) error {
			defer close(all)
			for i := range objects {
				if err := h.Put(exporter.Type{}, large(t, rules, i)); err != nil {
					return err
				}
			}
			return nil
		}), writer, daemon.Options{
			Quiet: time.Hour, Limit: time.Hour, Now: time.Now, Log: slog.New(slog.NewTextHandler(said, nil)), Status: &daemon.Status{},
		})
	}()

	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(said.String(), "no more is read of a type") {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		case <-all:
			t.Fatal("all was read although the disk is full")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("it waits for nothing\n%s", said)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	<-all
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}

	list, err := exec.Command("git", "-C", place, "-c", "safe.directory=*", "ls-tree", "-r", "--name-only", "main").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(list, []byte("/configmap/large-")); got != objects {
		t.Errorf("%d of %d objects are committed\n%s", got, objects, said)
	}
	if out, err := exec.Command("git", "-C", place, "-c", "safe.directory=*", "fsck", "--strict").CombinedOutput(); err != nil {
		t.Errorf("git fsck: %s", out)
	}
}

// large is an object that does not compress.
func large(t *testing.T, rules *manifest.Rules, i int) manifest.Result {
	content := make([]byte, 700<<10)
	_, _ = rand.Read(content) // never fails
	result, err := rules.Make(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("large-%d", i), "namespace": "team"},
		"data": map[string]any{"content": base64.StdEncoding.EncodeToString(content)},
	})
	if err != nil {
		t.Error(err)
	}
	return result
}
