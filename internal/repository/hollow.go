package repository

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// frame are the keys of a manifest that say which object it is, or how it is sealed. What
// else it holds is its content.
var frame = []string{"apiVersion", "kind", "metadata", appbur.SealedKey}

// hollowed reports whether a manifest holds less than half of the content that it held.
// Rules that drop too much, and a server that leaves fields out, make many such files
// while every object is still there.
func hollowed(before, after []byte) bool {
	if len(after) >= len(before) {
		return false // the file is longer, so nothing was lost; this spares reading most files
	}
	held, ok := contentSize(before)
	if !ok || held == 0 {
		return false
	}
	holds, ok := contentSize(after)
	return ok && 2*holds < held
}

// contentSize counts the bytes of keys and values of the content, however they are
// written. It returns false for what is no manifest.
func contentSize(manifest []byte) (int, bool) {
	var document yaml.Node
	if err := yaml.Unmarshal(manifest, &document); err != nil || len(document.Content) != 1 {
		return 0, false
	}
	root := document.Content[0]
	size := 0
	for i := 0; i+1 < len(root.Content); i += 2 {
		if !slices.Contains(frame, root.Content[i].Value) {
			size += scalarBytes(root.Content[i+1])
		}
	}
	return size, true
}

func scalarBytes(node *yaml.Node) int {
	size := len(node.Value)
	for _, child := range node.Content {
		size += scalarBytes(child)
	}
	return size
}

// checkHollow looks at what a commit takes out of the manifests that stay: together with
// those that go it is held against the same limits.
func (g Guards) checkHollow(limits Limits, saved map[string]struct{}, removed, hollow []string) error {
	if g.AllowCollapse || len(hollow) == 0 {
		return nil
	}
	lost := len(removed) + len(hollow)
	if exceeds(lost, len(saved), limits.Share, limits.Floor) {
		return collapse("%d of %d saved objects are gone or have lost most of their content", lost, len(saved))
	}

	before, poorer := map[string]int{}, map[string]int{}
	for path := range saved {
		before[leafOf(path)]++
	}
	for _, path := range slices.Concat(removed, hollow) {
		poorer[leafOf(path)]++
	}
	for _, kind := range slices.Sorted(maps.Keys(poorer)) {
		if exceeds(poorer[kind], before[kind], limits.KindShare, limits.KindFloor) {
			return collapse("%d of %d saved objects of the kind %s are gone or have lost most of their content", poorer[kind], before[kind], kind)
		}
	}
	return nil
}
