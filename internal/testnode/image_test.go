//go:build linux

package testnode

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An image is a layout of OCI with one layer: tar unpacks both, and a program in it has all that it needs to run.
func TestImagesHaveTheFilesAndTheLibrariesOfPrograms(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note"), []byte("a note"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := NewImage("example.test/tools:1").Program(t, "cat").Copy(t, dir, "/srv/notes").
		File("/etc/motd", "hello\n", 0o644).Link("/etc/greeting", "motd").Command("cat", "/etc/greeting").User("65532:65532")
	layout, err := image.tarball()
	if err != nil {
		t.Fatal(err)
	}

	oci, root := t.TempDir(), t.TempDir()
	untar(t, string(layout), oci)
	var index struct{ Manifests []descriptor }
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	var config struct {
		Config struct {
			Cmd  []string
			User string
		}
	}
	decode(t, []byte(blobOf(t, oci, "index.json")), &index)
	if name := index.Manifests[0].Annotations["io.containerd.image.name"]; name != image.Name() {
		t.Errorf("it is called %q", name)
	}
	decode(t, []byte(blobOf(t, oci, index.Manifests[0].Digest)), &manifest)
	decode(t, []byte(blobOf(t, oci, manifest.Config.Digest)), &config)
	if got := strings.Join(config.Config.Cmd, " "); got != "cat /etc/greeting" || config.Config.User != "65532:65532" {
		t.Errorf("it runs %q as %q", got, config.Config.User)
	}

	untar(t, blobOf(t, oci, manifest.Layers[0].Digest), root)
	for name, want := range map[string]string{"etc/greeting": "hello\n", "srv/notes/note": "a note"} {
		if got := blobOf(t, root, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ldd", cat).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		if info, err := os.Lstat(filepath.Join(root, library[1])); err != nil || !info.Mode().IsRegular() {
			t.Errorf("cat needs %s, which is not there: %v", library[1], err)
		}
	}

	if again, err := image.tarball(); err != nil || string(again) != string(layout) {
		t.Errorf("the same files make another image: %v", err)
	}
}

func untar(t *testing.T, archive, into string) {
	t.Helper()
	tar := exec.Command("tar", "-x", "-C", into)
	tar.Stdin = strings.NewReader(archive)
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
}

// blobOf reads a file below a directory, or a blob by its digest.
func blobOf(t *testing.T, dir, name string) string {
	t.Helper()
	if hexSum, isDigest := strings.CutPrefix(name, "sha256:"); isDigest {
		name = filepath.Join("blobs", "sha256", hexSum)
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
