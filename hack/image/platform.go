package main

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Platform is what a binary is compiled for.
type Platform struct{ OS, Arch string }

// imagePlatforms are those of Kubernetes nodes that management clusters run on.
var imagePlatforms = []Platform{{"linux", "amd64"}, {"linux", "arm64"}}

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Name is p in the name of a file.
func (p Platform) Name() string { return p.OS + "-" + p.Arch }

func (p Platform) oci() v1.Platform { return v1.Platform{OS: p.OS, Architecture: p.Arch} }

// parsePlatforms reads "linux/amd64,linux/arm64".
func parsePlatforms(text string, known []Platform) ([]Platform, error) {
	var out []Platform
	for word := range strings.SplitSeq(text, ",") {
		i := -1
		for j, k := range known {
			if k.String() == word {
				i = j
			}
		}
		if i < 0 {
			return nil, fmt.Errorf("unknown platform %q: there are %v", word, known)
		}
		out = append(out, known[i])
	}
	return out, nil
}
