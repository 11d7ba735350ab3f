//go:build linux

package testnode

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Import gives an image to the node.
func (n *Node) Import(t testing.TB, image *Image) {
	t.Helper()
	layout, err := image.tarball()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(n.dir, "images", strings.NewReplacer("/", "_", ":", "_").Replace(image.name)+".tar")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, layout, 0o600); err != nil {
		t.Fatal(err)
	}
	n.ImportTarball(t, name)
}

// ImportTarball gives the node the images of a tarball in OCI's layout, which say their names in annotations.
func (n *Node) ImportTarball(t testing.TB, file string) {
	t.Helper()
	if err := n.ctr("images", "import", file); err != nil {
		t.Fatal(err)
	}
}

// descriptor names a blob (OCI image specification).
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// tarball is the image in OCI's layout, with one layer.
func (i *Image) tarball() ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	blob := func(mediaType string, content []byte) (descriptor, error) {
		sum := sha256.Sum256(content)
		hexSum := hex.EncodeToString(sum[:])
		err := put(archive, path.Join("blobs/sha256", hexSum), file{mode: 0o644, content: content})
		return descriptor{MediaType: mediaType, Digest: "sha256:" + hexSum, Size: len(content)}, err
	}
	document := func(mediaType string, content any) (descriptor, error) {
		text, err := json.Marshal(content)
		if err != nil {
			return descriptor{}, err
		}
		return blob(mediaType, text)
	}

	content, err := i.layer()
	if err != nil {
		return nil, err
	}
	layer, err := blob("application/vnd.oci.image.layer.v1.tar", content)
	if err != nil {
		return nil, err
	}
	config, err := document("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": i.entry, "Cmd": i.command, "Env": i.env, "User": i.user},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layer.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := document("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []descriptor{layer},
	})
	if err != nil {
		return nil, err
	}

	manifest.Annotations = map[string]string{"io.containerd.image.name": i.name}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}})
	if err != nil {
		return nil, err
	}
	if err := put(archive, "index.json", file{mode: 0o644, content: index}); err != nil {
		return nil, err
	}
	if err := put(archive, "oci-layout", file{mode: 0o644, content: []byte(`{"imageLayoutVersion":"1.0.0"}`)}); err != nil {
		return nil, err
	}
	err = archive.Close()
	return out.Bytes(), err
}

// layer is the files in an archive.
func (i *Image) layer() ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, name := range i.paths() {
		if err := put(archive, name, i.files[name]); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}

func put(archive *tar.Writer, name string, f file) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(f.mode.Perm()), Size: int64(len(f.content)), ModTime: epoch}
	switch {
	case f.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
		if f.mode&fs.ModeSticky != 0 {
			header.Mode |= 0o1000
		}
	case f.mode.Type() == fs.ModeSymlink:
		header.Typeflag, header.Linkname = tar.TypeSymlink, f.target
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(f.content)
	return err
}
