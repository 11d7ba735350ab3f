package restore

import (
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// A restore takes nothing away that it was not told to, so what was added to the target stays,
// and verify says that it is there.

// freeForm are maps that users fill and no server gives a default to, so that a key on top is
// somebody's. Kinds is the zero value for every kind.
var freeForm = []struct {
	kind appbur.GroupKind
	path string
	// byClients is true where parts of Kubernetes write keys, too: then only those of other
	// managers count.
	byClients bool
	reason    string
}{
	{kind: kindConfigMap, path: "data", reason: "configuration is read key by key, and a key more changes what a program does"},
	{kind: kindConfigMap, path: "binaryData", reason: "as data"},
	{kind: kindSecret, path: "data", reason: "as the data of a ConfigMap"},
	{path: "metadata.labels", byClients: true, reason: "selectors and policies choose objects by labels"},
	{path: "metadata.annotations", byClients: true, reason: "controllers are configured by annotations"},
}

// addedField makes a finding of a field on top, or counts it where it may be a default or the
// work of a controller.
func (v *verifier) addedField(step *Step, live, saved map[string]any, path []string) {
	managers := managersAt(live, saved, path)
	clients := slices.DeleteFunc(slices.Clone(managers), manifest.IsControlPlane)
	by := "nobody is recorded as its writer"
	if len(managers) > 0 {
		by = "written by " + appbur.Shortlist(managers, shownManagers)
	}

	for _, each := range freeForm {
		under := strings.Split(each.path, ".")
		if each.kind != (appbur.GroupKind{}) && each.kind != step.Object.GroupKind() || !slices.Equal(path[:min(len(path), len(under))], under) {
			continue
		}
		if keys, isMap := lookup(saved, path).(map[string]any); isMap && len(path) == len(under) {
			for _, key := range slices.Sorted(maps.Keys(keys)) { // the whole map was added
				v.addedField(step, live, saved, child(path, key))
			}
			return
		}
		if !each.byClients || len(clients) > 0 {
			v.find(Finding{
				Kind: FindingAdded, Object: step.Object, Path: formatPath(path), What: "is not in the restore point; " + by,
			})
			return
		}
	}

	v.mu.Lock()
	defer v.mu.Unlock()
	v.added[Addition{Kind: step.Object.GroupKind(), Path: countedPath(path), Manager: strings.Join(managers, ", ")}]++
}

// countedPath writes the elements of lists as [], so that paths of many objects can be counted.
func countedPath(path []string) string {
	var b strings.Builder
	for _, key := range path {
		switch {
		case isOrdinal(key):
			b.WriteString("[]")
		case b.Len() > 0:
			b.WriteString("." + key)
		default:
			b.WriteString(key)
		}
	}
	return b.String()
}

// managersAt returns who is recorded as the writer of a field of a live object, but for
// appbur, sorted. The path leads through what the rules leave of the object, whose lists may
// be shorter: elements are found by what they hold. Defaults of a server have no writer when an
// object was applied.
func managersAt(live, saved map[string]any, path []string) []string {
	var managers []string
	for _, entry := range list(live, "metadata", "managedFields") {
		manager := text(entry, "manager")
		if manager == "" || manager == FieldManager || text(entry, "subresource") != "" {
			continue
		}
		if holdsField(dict(entry, "fieldsV1"), saved, path) {
			managers = append(managers, manager)
		}
	}
	slices.Sort(managers)
	return slices.Compact(managers)
}

// holdsField reports whether a set in the form of managedFields has the field at a path of a
// value. Who has a map or a list as a whole has all that is in it.
func holdsField(fields map[string]any, value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	if len(fields) == 0 {
		return false
	}
	inner := lookup(value, path[:1])
	for name, below := range fields {
		kind, key, _ := strings.Cut(name, ":")
		matches := kind == "f" && key == path[0]
		switch {
		case !isOrdinal(path[0]) || kind == "f":
		case kind == "i":
			matches = key == path[0]
		default:
			_, matches = memberOf([]any{inner}, kind, key)
		}

		if set := dict(below); matches && (len(set) == 0 || holdsField(set, inner, path[1:])) {
			return true
		}
	}
	return false
}

// writersOf returns who wrote an object itself.
func writersOf(live map[string]any) []string {
	var managers []string
	for _, entry := range list(live, "metadata", "managedFields") {
		if manager := text(entry, "manager"); manager != "" && text(entry, "subresource") == "" {
			managers = append(managers, manager)
		}
	}
	slices.Sort(managers)
	return slices.Compact(managers)
}
