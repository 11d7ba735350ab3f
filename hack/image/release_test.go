package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// released is a release of the first copy of the checkout, for the platforms whose code is compiled for the image too.
var released = sync.OnceValues(func() (string, error) {
	if _, err := builds["first"](); err != nil {
		return "", err
	}
	out := filepath.Join(workplace, "release")
	source := Source{Dir: filepath.Join(workplace, "first", "source"), Version: about.Version}
	_, err := makeRelease(context.Background(), source, imagePlatforms, out)
	return out, err
})

func theRelease(t *testing.T) string {
	t.Helper()
	dir, err := released()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// krew's own checks of what comes into its index accept the manifest: the structure, the names, and that each platform
// has one archive.
func TestKrewAcceptsTheManifest(t *testing.T) {
	manifest := filepath.Join(theRelease(t), "appbur.yaml")
	out, err := exec.Command("go", "tool", "validate-krew-manifest", "-manifest", manifest, "-skip-install").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// krew installs what was released, after it has checked the sum, and what it installs is kubectl's plugin.
func TestKrewInstallsThePlugin(t *testing.T) {
	dir, root := theRelease(t), t.TempDir()
	krew := exec.Command("go", "tool", "krew", "install", "--manifest", filepath.Join(dir, "appbur.yaml"),
		"--archive", filepath.Join(dir, "appbur-linux-"+runtime.GOARCH+".tar.gz"))
	krew.Env = append(os.Environ(), "KREW_ROOT="+root, "KREW_NO_UPGRADE_CHECK=1")
	if out, err := krew.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	help, err := exec.Command(filepath.Join(root, "bin", "kubectl-appbur"), "points", "list", "--help").CombinedOutput()
	if err != nil || !strings.Contains(string(help), "kubectl appbur points list") {
		t.Errorf("%v\n%s", err, help)
	}
	version, err := exec.Command(filepath.Join(root, "bin", "kubectl-appbur"), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(version), about.Version) {
		t.Errorf("%v\n%s", err, version)
	}
}

// A second release of the same sources has the same sums, so that anybody can check the index.
func TestReleasesAreReproducible(t *testing.T) {
	again := filepath.Join(t.TempDir(), "again")
	if _, err := builds["second"](); err != nil {
		t.Fatal(err)
	}
	source := Source{Dir: filepath.Join(workplace, "second", "source"), Version: about.Version}
	if _, err := makeRelease(t.Context(), source, imagePlatforms, again); err != nil {
		t.Fatal(err)
	}

	first, second := sums(t, theRelease(t)), sums(t, again)
	if len(first) != len(imagePlatforms)+2 {
		t.Errorf("a release has %v", first)
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s differs", name)
		}
	}
	checked := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	checked.Dir = again
	if out, err := checked.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What is no version is refused before anything is compiled.
func TestAReleaseNeedsAVersion(t *testing.T) {
	for _, version := range []string{"", "1.2.3", "v1.2", "191f695", "v1.2.3-4-g191f695-dirty+x"} {
		err := release(t.Context(), []string{"-out", t.TempDir(), "-version", version}, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "v1.2.3") {
			t.Errorf("%q: %v", version, err)
		}
	}
}
