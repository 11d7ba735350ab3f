package main

import (
	"bytes"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// About is what an image says about itself.
type About struct {
	// Name is the image's name without its tag.
	Name     string
	Version  string
	Revision string
	Created  time.Time
}

// annotations are the keys of the OCI image specification. They are labels too, because runtimes show those.
func (a About) annotations() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":         "appbur",
		"org.opencontainers.image.description":   "Saves Kubernetes management clusters to Git and restores them, also into newer Kubernetes",
		"org.opencontainers.image.url":           "https://github.com/appbur/appbur",
		"org.opencontainers.image.source":        "https://github.com/appbur/appbur",
		"org.opencontainers.image.documentation": "https://github.com/appbur/appbur/blob/main/docs/run.md",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       a.Version,
		"org.opencontainers.image.revision":      a.Revision,
		"org.opencontainers.image.created":       a.Created.UTC().Format(time.RFC3339),
	}
}

// newImage is the image of one platform.
func newImage(about About, p Platform, binary []byte) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Arch, Created: v1.Time{Time: about.Created.UTC()},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       "65532:65532",
			Entrypoint: []string{"/" + programPath},
			Env:        []string{"PATH=/usr/local/bin", "HOME=/home/nonroot"},
			WorkingDir: "/",
			Labels:     about.annotations(),
		},
	})
	if err != nil {
		return nil, err
	}

	for _, layer := range []struct {
		what  string
		files []File
	}{{"certificates, users and directories", Root()}, {"appbur " + about.Version, program(binary)}} {
		var data bytes.Buffer
		if err := writeTar(&data, layer.files); err != nil {
			return nil, err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data.Bytes())), nil }
		packed, err := tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
		if err != nil {
			return nil, err
		}
		history := v1.History{Created: v1.Time{Time: about.Created.UTC()}, CreatedBy: "hack/image", Comment: layer.what}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: packed, History: history}); err != nil {
			return nil, err
		}
	}

	return sameType(image, mutate.Annotations(image, about.annotations()))
}
