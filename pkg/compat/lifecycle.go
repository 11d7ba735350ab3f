package compat

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/appbur/appbur"
)

//go:generate go run ./internal/lifecyclegen -o lifecycle.json

//go:embed lifecycle.json
var lifecycleJSON []byte

// Life is what is known of one built-in API version. Zero releases are unknown or
// have not come.
type Life struct {
	// Introduced is the first release that had the type, possibly off by default.
	Introduced appbur.KubeVersion
	// Deprecated is the release that announced the end.
	Deprecated appbur.KubeVersion
	// Removed is the first release that does not serve the type.
	Removed appbur.KubeVersion
	// Replacement is the version to use instead; its zero value means that there
	// is none.
	Replacement GroupVersionKind
}

// TableEnd is the newest release that the table covers completely. Of later ones it knows
// only the removals that were announced until then.
func TableEnd() appbur.KubeVersion {
	var end appbur.KubeVersion
	for _, life := range lifecycle().lives {
		if life.Introduced.Compare(end) > 0 {
			end = life.Introduced
		}
	}
	return end
}

type lifecycleTable struct {
	lives    map[GroupVersionKind]Life
	versions map[appbur.GroupKind][]string // most preferred first
}

// lifecycle is parsed once. The file is generated and tested, so a fault in it is
// a fault of the build and panics.
var lifecycle = sync.OnceValue(func() lifecycleTable {
	var rows []struct {
		Group, Version, Kind            string
		Introduced, Deprecated, Removed string
		Replacement                     string
	}
	if err := json.Unmarshal(lifecycleJSON, &rows); err != nil {
		panic("compat: embedded lifecycle.json: " + err.Error())
	}
	release := func(s string) appbur.KubeVersion {
		if s == "" {
			return appbur.KubeVersion{}
		}
		v, err := appbur.ParseKubeVersion(s)
		if err != nil {
			panic("compat: embedded lifecycle.json: " + err.Error())
		}
		return v
	}
	table := lifecycleTable{lives: make(map[GroupVersionKind]Life, len(rows)), versions: map[appbur.GroupKind][]string{}}
	for _, r := range rows {
		gvk := GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		life := Life{Introduced: release(r.Introduced), Deprecated: release(r.Deprecated), Removed: release(r.Removed)}
		if r.Replacement != "" {
			group, version, _ := strings.Cut(r.Replacement, "/")
			life.Replacement = GroupVersionKind{Group: group, Version: version, Kind: r.Kind}
		}
		table.lives[gvk] = life
		table.versions[gvk.GroupKind()] = append(table.versions[gvk.GroupKind()], r.Version)
	}
	for _, versions := range table.versions {
		slices.SortFunc(versions, func(a, b string) int { return CompareVersions(b, a) })
	}
	return table
})

// Lifecycle returns what is known of a built-in API version, and false for types
// that Kubernetes never had, such as custom resources.
func Lifecycle(gvk GroupVersionKind) (Life, bool) {
	life, ok := lifecycle().lives[gvk]
	return life, ok
}

// Versions returns every version that Kubernetes has or had of a built-in kind, the
// most preferred first, and none for other kinds.
func Versions(gk appbur.GroupKind) []string { return slices.Clone(lifecycle().versions[gk]) }

// builtIn reports whether Kubernetes has or had the kind in any version.
func builtIn(gk appbur.GroupKind) bool {
	_, ok := lifecycle().versions[gk]
	return ok
}
