package appbur

import (
	"fmt"
	"strings"
)

// SealedKey is the key at the top of a sealed manifest below which SOPS keeps its own data: no
// other manifest has it (https://github.com/getsops/sops, "Encrypting" in its README).
const SealedKey = "sops"

// Place is what the path of a manifest says about its object. The kind is in lower
// case there, and names too long for a file are shortened, so a Place is no [ObjectID]; for people it says the same.
type Place struct {
	// Type is the kind in lower case with its group: "deployment.apps".
	Type      string
	Namespace string
	Name      string
}

// ParsePlace reads a path that [ObjectID.Path] wrote.
func ParsePlace(path string) (Place, error) {
	if !IsManifestPath(path) {
		return Place{}, fmt.Errorf("%q is not the path of a manifest", path)
	}
	parts := strings.Split(strings.TrimSuffix(path, manifestSuffix), "/")[1:]
	for i := range parts {
		var err error
		if parts[i], err = shownName(parts[i]); err != nil {
			return Place{}, err
		}
	}
	if len(parts) == 2 {
		return Place{Type: parts[0], Name: parts[1]}, nil
	}
	return Place{Type: parts[1], Namespace: parts[0], Name: parts[2]}, nil
}

// String returns "deployment.apps/namespace/name", or "node/name" for cluster-scoped
// objects.
func (p Place) String() string {
	if p.Namespace == "" {
		return p.Type + "/" + p.Name
	}
	return p.Type + "/" + p.Namespace + "/" + p.Name
}
