package main

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
)

// The SBOM lists exactly the modules that are in the binary, the standard library, and where the certificates are from.
func TestTheSBOMListsWhatIsInTheImage(t *testing.T) {
	for platform, image := range images(t) {
		bom := readSBOM(t, platform)
		info, err := buildinfo.Read(bytes.NewReader(content(t, image, programPath)))
		if err != nil {
			t.Fatal(err)
		}

		want := []string{"std " + info.GoVersion}
		for _, m := range info.Deps {
			want = append(want, m.Path+" "+m.Version)
		}
		roots, err := linkedModule(certificatesModule)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, roots.Path+" "+roots.Version)
		var got []string
		for _, c := range *bom.Components {
			got = append(got, c.Name+" "+c.Version)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", platform, diff)
		}
		if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "k8s.io/client-go v") }) {
			t.Errorf("%s: client-go is not among %q", platform, got)
		}
	}
}

// The SBOM is in the layout: an artifact whose subject is its image, so that a copy of the image finds it.
func TestTheSBOMIsAttachedToItsImage(t *testing.T) {
	index := theIndex(t)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}

	attached := map[string]string{}
	for _, d := range manifest.Manifests {
		if d.ArtifactType != sbomMediaType {
			continue
		}
		artifact, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		about, err := artifact.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		layers, err := artifact.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		if string(about.Config.MediaType) != sbomMediaType || d.Platform.String() != "unknown/unknown" {
			t.Errorf("the artifact is %s for %s", about.Config.MediaType, d.Platform)
		}
		blob, err := layers[0].Digest()
		if err != nil {
			t.Fatal(err)
		}
		attached[about.Subject.Digest.String()] = blob.Hex
	}

	for platform, image := range images(t) {
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if want := sums(t, built(t, "first"))[sbomFile(platform)]; attached[digest.String()] != want {
			t.Errorf("%s has the SBOM %s, and the file is %s", platform, attached[digest.String()], want)
		}
	}
}

func sbomFile(platform string) string {
	return "appbur-" + strings.ReplaceAll(platform, "/", "-") + ".cdx.json"
}

func readSBOM(t *testing.T, platform string) *cyclonedx.BOM {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(built(t, "first"), sbomFile(platform)))
	if err != nil {
		t.Fatal(err)
	}
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(data), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}
