package main

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// write puts everything into a directory: the OCI layout as oci/ and as oci.tar, and an SBOM for each platform.
// containerd, Docker, Podman, skopeo, kind and k3s load the tarball.
func write(dir string, about About, all []Built) (v1.Hash, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return v1.Hash{}, err
	}
	for _, b := range all {
		if err := os.WriteFile(filepath.Join(dir, "appbur-"+b.Platform.Name()+".cdx.json"), b.SBOM, 0o644); err != nil {
			return v1.Hash{}, err
		}
	}

	index, err := newIndex(about, all)
	if err != nil {
		return v1.Hash{}, err
	}
	// The image's name is where containerd and Docker look for it; only this file has it, and no digest.
	named := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: index, Descriptor: v1.Descriptor{Annotations: map[string]string{
			"io.containerd.image.name":          about.Name + ":" + about.Version,
			"org.opencontainers.image.ref.name": about.Version,
		}},
	})

	oci := filepath.Join(dir, "oci")
	if err := os.RemoveAll(oci); err != nil { // blobs of earlier builds would go into the tarball
		return v1.Hash{}, err
	}
	if _, err := layout.Write(oci, named); err != nil {
		return v1.Hash{}, err
	}
	if err := archive(filepath.Join(dir, "oci.tar"), oci); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}

// archive writes a tarball of a layout: in the order of names and without times, owners and modes of this machine.
func archive(file, dir string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := tar.NewWriter(out)

	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: filepath.ToSlash(name), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if entry.IsDir() {
			header.Typeflag, header.Mode, header.Name = tar.TypeDir, 0o755, header.Name+"/"
			return w.WriteHeader(header)
		}

		data, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = data.Close() }() // it was only read
		info, err := data.Stat()
		if err != nil {
			return err
		}
		header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, info.Size()
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = io.Copy(w, data)
		return err
	})
	return errors.Join(err, w.Close())
}
