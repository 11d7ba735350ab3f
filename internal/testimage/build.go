package testimage

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Image is an unpacked image.
type Image struct {
	// Root is the directory with what all layers have.
	Root   string
	Config Config
	// Tarball is the image in OCI's layout, for nodes, and Name what it is called there.
	Tarball, Name string
}

// Config is what an image says of how it wants to be run (OCI image specification).
type Config struct {
	User       string   `json:"User"`
	Env        []string `json:"Env"`
	Entrypoint []string `json:"Entrypoint"`
	WorkingDir string   `json:"WorkingDir"`
}

// Version is what the image's appbur says it is.
const Version = "v0.0.0-test"

// Build makes the image of this machine's processor from the checkout, as `make image` does, and unpacks its layers.
func Build(t testing.TB) *Image {
	t.Helper()
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), "hack", "image")
	out := t.TempDir()

	build := exec.Command("go", "-C", module, "run", ".", "-out", out, "-version", Version, "-platforms", "linux/"+runtime.GOARCH)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, text)
	}
	image := unpack(t, out)
	image.Tarball, image.Name = filepath.Join(out, "oci.tar"), "ghcr.io/appbur/appbur:"+Version
	return image
}

// descriptor names a blob of a layout.
type descriptor struct {
	Digest       string `json:"digest"`
	ArtifactType string `json:"artifactType"`
	Platform     struct {
		OS string `json:"os"`
	} `json:"platform"`
}

// unpack follows a layout from its index to the layers, with nothing but what the specification says, and unpacks the
// tarball with tar, so that what packed it has no part in the test.
func unpack(t testing.TB, built string) *Image {
	t.Helper()
	oci := t.TempDir()
	asRoot(t, "tar", "-C", oci, "-xf", filepath.Join(built, "oci.tar"))
	blob := func(d descriptor) string {
		algorithm, hex, _ := strings.Cut(d.Digest, ":")
		return filepath.Join(oci, "blobs", algorithm, hex)
	}

	var index struct{ Manifests []descriptor }
	read(t, filepath.Join(oci, "index.json"), &index)
	read(t, blob(index.Manifests[0]), &index)
	var chosen []descriptor
	for _, d := range index.Manifests {
		if d.Platform.OS == "linux" {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) != 1 {
		t.Fatalf("of one platform there are %d images: %+v", len(chosen), index.Manifests)
	}

	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	read(t, blob(chosen[0]), &manifest)
	var about struct{ Config Config }
	read(t, blob(manifest.Config), &about)

	root := filepath.Join(t.TempDir(), "root")
	asRoot(t, "mkdir", root)
	t.Cleanup(func() { asRoot(t, "rm", "-rf", root) })
	for _, layer := range manifest.Layers {
		asRoot(t, "tar", "-C", root, "-xzpf", blob(layer), "--numeric-owner", "--same-owner")
	}
	return &Image{Root: root, Config: about.Config}
}

func read(t testing.TB, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, data)
	}
}

// asRoot runs what only root may do: give files to other users, and make namespaces.
func asRoot(t testing.TB, words ...string) {
	t.Helper()
	if out, err := rootCommand(words...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

func rootCommand(words ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		words = append([]string{"sudo", "-n"}, words...)
	}
	return exec.Command(words[0], words[1:]...)
}
