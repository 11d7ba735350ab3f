package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

var about = About{
	Name: "registry.example/appbur", Version: "v1.2.3", Revision: "0123456789abcdef0123456789abcdef01234567",
	Created: time.Date(2026, 11, 30, 12, 0, 0, 0, time.FixedZone("elsewhere", 3600)),
}

// The image has these files and no others: no shell, no package manager, nothing that a process may write to but its own
// home and /tmp.
func TestTheImageHasTheseFilesAndNoOthers(t *testing.T) {
	want := []string{
		"0755     0:0     etc/",
		"0644     0:0     etc/passwd",
		"0644     0:0     etc/group",
		"0755     0:0     etc/ssl/",
		"0755     0:0     etc/ssl/certs/",
		"0644     0:0     etc/ssl/certs/ca-certificates.crt",
		"0755     0:0     home/",
		"0700 65532:65532 home/nonroot/",
		"1777     0:0     tmp/",
		"0755     0:0     usr/",
		"0755     0:0     usr/local/",
		"0755     0:0     usr/local/bin/",
		"0755     0:0     usr/local/bin/appbur",
	}

	for platform, image := range images(t) {
		var got []string
		for _, f := range files(t, image) {
			got = append(got, fmt.Sprintf("%04o %5d:%-5d %s", f.Mode, f.Owner, f.Owner, f.Path))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", platform, diff)
		}
	}
}

// It runs appbur, as a user that Kubernetes can see is not root, and says what it is and what it was made of.
func TestTheImageSaysWhatItIs(t *testing.T) {
	for platform, image := range images(t) {
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{
			"org.opencontainers.image.title":         "appbur",
			"org.opencontainers.image.description":   "Saves Kubernetes management clusters to Git and restores them, also into newer Kubernetes",
			"org.opencontainers.image.url":           "https://github.com/appbur/appbur",
			"org.opencontainers.image.source":        "https://github.com/appbur/appbur",
			"org.opencontainers.image.documentation": "https://github.com/appbur/appbur/blob/main/docs/run.md",
			"org.opencontainers.image.licenses":      "Apache-2.0",
			"org.opencontainers.image.version":       "v1.2.3",
			"org.opencontainers.image.revision":      "0123456789abcdef0123456789abcdef01234567",
			"org.opencontainers.image.created":       "2026-11-30T11:00:00Z",
		}
		want := v1.Config{
			User: "65532:65532", Entrypoint: []string{"/usr/local/bin/appbur"}, WorkingDir: "/",
			Env: []string{"PATH=/usr/local/bin", "HOME=/home/nonroot"}, Labels: labels,
		}
		if diff := cmp.Diff(want, file.Config); diff != "" {
			t.Errorf("%s (-want +got):\n%s", platform, diff)
		}
		if got := file.OS + "/" + file.Architecture; got != platform {
			t.Errorf("the image of %s is for %s", platform, got)
		}

		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(labels, manifest.Annotations); diff != "" {
			t.Errorf("%s: annotations and labels differ:\n%s", platform, diff)
		}
	}
}

// Nothing is missing that a dynamic linker would look for, on either processor.
func TestTheBinaryIsStatic(t *testing.T) {
	machines := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}
	for platform, image := range images(t) {
		program, err := elf.NewFile(bytes.NewReader(content(t, image, programPath)))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machines[platform] {
			t.Errorf("the binary of %s is for %s", platform, program.Machine)
		}
		for _, p := range program.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: the binary has a program header %s", platform, p.Type)
			}
		}
	}
}

// The certificates are a file that every program of Go reads, and the roots of public Git hosts are in it.
func TestTheImageHasTheRootsOfPublicServers(t *testing.T) {
	rest := certificates()
	names := map[string]bool{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names[root.Subject.CommonName] = root.IsCA
	}

	if len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("after the last certificate follows %q", rest)
	}
	for _, name := range []string{"ISRG Root X1", "DigiCert Global Root G2", "USERTrust ECC Certification Authority", "GTS Root R1"} {
		if !names[name] {
			t.Errorf("%s is not among the %d roots", name, len(names))
		}
	}
}

// The binary is the one that `make build` makes: what was tested is what is shipped.
func TestTheBinaryIsBuiltAsByTheMakefile(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"TAGS    := " + compileTags + "\n",
		"LDFLAGS := " + Source{Version: "$(VERSION)"}.linkerFlags() + "\n",
		"CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...",
	} {
		if !strings.Contains(string(makefile), want) {
			t.Errorf("the Makefile does not have %q", want)
		}
	}
}

// images are the images in the layout that the first build wrote, by platform.
func images(t *testing.T) map[string]v1.Image {
	t.Helper()
	index := theIndex(t)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	out := map[string]v1.Image{}
	for _, d := range manifest.Manifests {
		if d.ArtifactType == sbomMediaType {
			continue
		}
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		out[d.Platform.OS+"/"+d.Platform.Architecture] = image
	}
	if len(out) != len(imagePlatforms) {
		t.Fatalf("the index has images for %d platforms", len(out))
	}
	return out
}

// theIndex is the only entry of the layout: tools that copy "the image of this directory" take it.
func theIndex(t *testing.T) v1.ImageIndex {
	t.Helper()
	all, err := layout.ImageIndexFromPath(filepath.Join(built(t, "first"), "oci"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout has %d entries", len(manifest.Manifests))
	}

	want := map[string]string{"io.containerd.image.name": "registry.example/appbur:v1.2.3", "org.opencontainers.image.ref.name": "v1.2.3"}
	if diff := cmp.Diff(want, manifest.Manifests[0].Annotations); diff != "" {
		t.Errorf("the name of the image (-want +got):\n%s", diff)
	}
	index, err := all.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// files are what the layers of an image have, in their order.
func files(t *testing.T, image v1.Image) []File {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var out []File
	for _, layer := range layers {
		data, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		defer data.Close()

		for archive := tar.NewReader(data); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(archive)
			if err != nil {
				t.Fatal(err)
			}
			if header.Uid != header.Gid || !header.ModTime.Equal(time.Unix(0, 0)) || header.Uname+header.Gname != "" {
				t.Errorf("%s has %+v", header.Name, header)
			}
			out = append(out, File{Path: header.Name, Mode: header.Mode, Owner: header.Uid, Data: content})
		}
	}
	return out
}

func content(t *testing.T, image v1.Image, path string) []byte {
	t.Helper()
	for _, f := range files(t, image) {
		if f.Path == path {
			return f.Data
		}
	}
	t.Fatalf("no file %s", path)
	return nil
}
