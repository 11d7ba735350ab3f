package repository

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// SavedKind is a kind that main holds manifests of.
type SavedKind struct {
	appbur.GroupKind
	// Version is the API version that its manifests have.
	Version string
	// Namespaced is true when its manifests lie in namespaces.
	Namespaced bool
	// Files counts its manifests.
	Files int
}

// KindsBeside returns the kinds that main, with what was put and deleted so far,
// holds and that are not among the types of the coverage, sorted. Their files say
// nothing about whether they still exist: to remove them is for a caller who has
// proof, with [Writer.KeepOnly] and no paths.
func (w *Writer) KindsBeside(coverage appbur.Coverage) ([]SavedKind, error) {
	known := map[string]bool{}
	for _, t := range coverage.Types {
		known[w.dirs.of(t.GroupKind())] = true
	}

	// One manifest of each kind tells what it is called; paths are in lower case.
	examples, counts := map[string]string{}, map[string]int{}
	for _, path := range w.paths() {
		leaf := leafOf(path)
		if known[leaf] {
			continue
		}
		counts[leaf]++
		if example, ok := examples[leaf]; !ok || path < example {
			examples[leaf] = path
		}
	}

	kinds := make([]SavedKind, 0, len(examples))
	for _, leaf := range slices.Sorted(maps.Keys(examples)) {
		kind, err := w.kindOf(examples[leaf])
		if err != nil {
			return nil, err
		}
		kind.Files = counts[leaf]
		kinds = append(kinds, kind)
	}

	return kinds, nil
}

// kindOf reads what kind the manifest at a path is of. Sealed manifests tell it in
// clear.
func (w *Writer) kindOf(path string) (SavedKind, error) {
	data, err := w.edit.ReadFile(path)
	if err != nil {
		return SavedKind{}, err
	}
	return savedKindOf(path, data)
}

func savedKindOf(path string, data []byte) (SavedKind, error) {
	object, err := manifest.Decode(data)
	if err != nil {
		return SavedKind{}, fmt.Errorf("%s on main: %w", path, err)
	}
	apiVersion, _ := object["apiVersion"].(string)
	name, _ := object["kind"].(string)
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		group, version = "", apiVersion
	}
	kind := SavedKind{
		GroupKind: appbur.GroupKind{Group: group, Kind: name}, Version: version,
		Namespaced: strings.HasPrefix(path, appbur.NamespacesDir+"/"),
	}
	if leaf := leafOf(path); typeLeaf(kind.GroupKind) != leaf && rivalLeaf(kind.GroupKind) != leaf {
		return SavedKind{}, fmt.Errorf("%s on main holds a %s, which belongs elsewhere", path, kind.GroupKind)
	}
	return kind, nil
}

// paths returns the manifests that main would hold if what is gathered was
// committed.
func (w *Writer) paths() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	paths := make([]string, 0, len(w.files)+len(w.changes))
	for path := range w.files {
		if what, ok := w.changes[path]; ok && what == removed {
			continue
		}
		paths = append(paths, path)
	}
	for path, what := range w.changes {
		if what == added {
			paths = append(paths, path)
		}
	}
	return paths
}
