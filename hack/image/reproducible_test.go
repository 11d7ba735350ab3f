package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The same sources, in another directory, at another time and with another umask, give the same bytes in every file.
func TestTwoBuildsAreEqual(t *testing.T) {
	first, second := sums(t, built(t, "first")), sums(t, built(t, "second"))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the two builds differ:\n%s", diff)
	}
	if len(first) < 10 {
		t.Errorf("there are only %d files", len(first))
	}
}

// Another version is another image, and the layer of certificates and users stays: nodes have it already.
func TestOnlyTheLayerOfTheBinaryChanges(t *testing.T) {
	next := about
	next.Version = "v1.2.4"
	one, err := newImage(about, imagePlatforms[0], []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := newImage(next, imagePlatforms[0], []byte("two"))
	if err != nil {
		t.Fatal(err)
	}

	before, err := one.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	after, err := two.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if before.Layers[0].Digest != after.Layers[0].Digest || before.Layers[1].Digest == after.Layers[1].Digest {
		t.Errorf("the layers were %v and are %v", before.Layers, after.Layers)
	}
}

var builds = map[string]func() (string, error){
	"first":  sync.OnceValues(func() (string, error) { return build("first", 0o022) }),
	"second": sync.OnceValues(func() (string, error) { return build("second", 0o077) }),
}

// workplace has the copies of the checkout and what was built of them.
var workplace string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "appbur-image-test-")
	if err != nil {
		panic(err)
	}
	workplace = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// built is the directory with what one of the two builds made.
func built(t *testing.T, name string) string {
	t.Helper()
	dir, err := builds[name]()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// build makes the image of a copy of this checkout. Go's build cache knows compiled packages by content and flags, and
// with -trimpath not by directory, so the second build links again and compiles nothing.
func build(name string, umask int) (string, error) {
	old := syscall.Umask(umask)
	defer syscall.Umask(old)
	source, out := filepath.Join(workplace, name, "source"), filepath.Join(workplace, name, "out")
	list, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "-co", "--exclude-standard",
		"go.mod", "go.sum", "*.go", "cmd", "internal", "pkg", "deploy/krew", "LICENSE").Output()
	if err != nil {
		return "", fmt.Errorf("list the checkout: %w", err)
	}

	for file := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("../..", file))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		} else if err != nil {
			return "", err
		}
		to := filepath.Join(source, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			return "", err
		}
	}

	_, err = makeImages(context.Background(), Source{Dir: source, Version: about.Version}, about, imagePlatforms, out)
	return out, err
}

// sums are the contents of a directory's files by name.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		out[path] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
