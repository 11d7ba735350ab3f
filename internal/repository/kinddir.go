package repository

import (
	"strings"
	"sync"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// kindDirs says in which directory each kind is. Paths have kinds in lower case, so
// two kinds of one group whose names differ only in case would have one directory
// between them, and each backup of one would overwrite the other. The kind that has
// the directory already keeps it, and the other one gets its own
// ([appbur.RivalTypeDir]), for as long as it has files.
type kindDirs struct {
	kindOf func(path string) (SavedKind, error)

	mu sync.Mutex
	// first are the manifests that tell whose a directory was when the writer began:
	// the first path of each.
	first map[string]string
	// holders have the directories with the usual names.
	holders map[string]appbur.GroupKind
	chosen  map[appbur.GroupKind]string
}

// newKindDirs looks at manifests as they are in a snapshot.
func newKindDirs(base *gitsync.Snapshot) *kindDirs {
	return &kindDirs{
		kindOf: func(path string) (SavedKind, error) {
			data, err := base.ReadFile(path)
			if err != nil {
				return SavedKind{}, err
			}
			return savedKindOf(path, data)
		},
		first: map[string]string{}, holders: map[string]appbur.GroupKind{}, chosen: map[appbur.GroupKind]string{},
	}
}

// saw takes note of a manifest of the snapshot.
func (d *kindDirs) saw(path string) {
	leaf := leafOf(path)
	if known, ok := d.first[leaf]; !ok || path < known {
		d.first[leaf] = path
	}
}

// of returns the last directory of the paths of a kind, whatever the namespace.
func (d *kindDirs) of(gk appbur.GroupKind) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if leaf, ok := d.chosen[gk]; ok {
		return leaf
	}
	usual := typeLeaf(gk)
	leaf := rivalLeaf(gk)
	holder, held := d.holder(usual, gk)
	_, hasOwn := d.first[leaf]
	if held && holder == gk || !held && !hasOwn {
		leaf = usual
		d.holders[usual] = gk
	}
	d.chosen[gk] = leaf
	return leaf
}

// holder returns the kind that has a directory. A file there that is no manifest of
// such a kind belongs to no kind.
func (d *kindDirs) holder(leaf string, gk appbur.GroupKind) (appbur.GroupKind, bool) {
	if holder, ok := d.holders[leaf]; ok {
		return holder, true
	}
	example, ok := d.first[leaf]
	if !ok {
		return appbur.GroupKind{}, false
	}
	kind, err := d.kindOf(example)
	if err != nil || kind.Group != gk.Group || !strings.EqualFold(kind.Kind, gk.Kind) {
		return appbur.GroupKind{}, false
	}
	d.holders[leaf] = kind.GroupKind
	return kind.GroupKind, true
}

// path returns where an object is.
func (d *kindDirs) path(id appbur.ObjectID) string {
	usual := id.Path()
	if leaf := d.of(id.GroupKind()); leaf != leafOf(usual) {
		return id.RivalPath()
	}
	return usual
}

// usualPath returns the path that a file of a kind with a directory of its own would
// have otherwise: the one by which exporters name its object.
func usualPath(path string, gk appbur.GroupKind) string {
	parts := strings.Split(path, "/")
	parts[len(parts)-2] = typeLeaf(gk)
	return strings.Join(parts, "/")
}

// typeLeaf is the last directory of the paths of a kind, whatever the namespace.
func typeLeaf(gk appbur.GroupKind) string { return lastName(appbur.TypeDir(gk, "")) }

// rivalLeaf is typeLeaf where another kind has that.
func rivalLeaf(gk appbur.GroupKind) string { return lastName(appbur.RivalTypeDir(gk, "")) }

func lastName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// leafOf is the directory that a file is in.
func leafOf(path string) string {
	return lastName(path[:strings.LastIndexByte(path, '/')])
}
