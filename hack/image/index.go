package main

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Built is what was made for one platform.
type Built struct {
	Platform Platform
	Image    v1.Image
	SBOM     []byte
}

// newIndex joins the images of all platforms under one digest. Each SBOM is an artifact whose subject is its image, so
// that registries list it as a referrer, and is in the index beside the images, under a platform that no node has, so
// that it goes along when the index is copied.
func newIndex(about About, all []Built) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range all {
		platform := b.Platform.oci()
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: b.Image, Descriptor: v1.Descriptor{Platform: &platform}})
	}

	for _, b := range all {
		subject, err := partial.Descriptor(b.Image)
		if err != nil {
			return nil, err
		}
		artifact, err := sbomArtifact(*subject, b)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: artifact, Descriptor: v1.Descriptor{
			Platform:     &v1.Platform{OS: "unknown", Architecture: "unknown"},
			ArtifactType: sbomMediaType,
			Annotations: map[string]string{
				"vnd.docker.reference.type":   "attestation-manifest",
				"vnd.docker.reference.digest": subject.Digest.String(),
			},
		}})
	}

	return sameType(index, mutate.Annotations(index, about.annotations()))
}

// sbomArtifact has the type of the artifact as that of its configuration, where registries look for it.
func sbomArtifact(subject v1.Descriptor, b Built) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), sbomMediaType)
	image, err := mutate.Append(image, mutate.Addendum{
		Layer:       static.NewLayer(b.SBOM, sbomMediaType),
		Annotations: map[string]string{"org.opencontainers.image.title": "appbur-" + b.Platform.Name() + ".cdx.json"},
	})
	if err != nil {
		return nil, err
	}
	return sameType(image, mutate.Subject(image, subject))
}

// sameType says what the library's documentation says and its types do not: an image stays one when it is changed.
func sameType[T partial.WithRawManifest](_ T, changed partial.WithRawManifest) (T, error) {
	out, ok := changed.(T)
	if !ok {
		return out, fmt.Errorf("a changed %T became %T", out, changed)
	}
	return out, nil
}
