package pause

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// Rule says how objects that a controller acts on are told to wait.
type Rule struct {
	// Controller is who acts. The objects of one controller are released in the order of
	// their stages, those of different ones at the same time.
	Controller string
	// Kinds are kinds as appbur writes them, "Kind.group", or patterns of path.Match for them.
	// Of these Except is left out.
	Kinds, Except []string
	// Names, Namespaces and Labels narrow it: patterns; empty ones match everything.
	Names, Namespaces string
	Labels            map[string]string
	// Has is a field that the objects must have, Category one of the categories of their kind.
	Has      []string
	Category string
	// Set is what pauses an object. All of it is undone when the object is released.
	Set []Setting
	// Leave are objects that are not paused, whatever a later rule says.
	Leave bool
	// Stage is the place in the order of release. Await names the condition that has to be
	// true before the next stage is released, "" for none.
	Stage int
	Await string
	// Reason says why the object has to wait, or why this pauses it; Source where that is written.
	Reason string
	Source string
}

// Setting is a field with the value that pauses. A value of nil removes the field.
type Setting struct {
	Path []string
	To   any
}

// meansKind reports whether the rule is about some objects of a kind.
func (r Rule) meansKind(kind appbur.GroupKind, categories []string) bool {
	fits := func(pattern string) bool { return matches(pattern, kind.String()) }
	if judged[kind.Group] || kind == kindSecret || !slices.ContainsFunc(r.Kinds, fits) || slices.ContainsFunc(r.Except, fits) {
		return false
	}
	return r.Category == "" || slices.Contains(categories, r.Category)
}

// means reports whether the rule is about an object of a kind that it is about.
func (r Rule) means(o restore.Object) bool {
	switch {
	case !matches(r.Names, o.ID.Name) || !matches(r.Namespaces, o.ID.Namespace):
		return false
	case len(r.Has) > 0 && lookup(o.Content, r.Has) == nil:
		return false
	}

	for label, pattern := range r.Labels {
		value, ok := lookup(o.Content, []string{"metadata", "labels", label}).(string)
		if !ok || !matches(pattern, value) {
			return false
		}
	}
	return true
}

// judged are the groups whose objects give rights: the server looks at who writes them, so nobody
// else may choose what is written there when an administrator releases what is paused.
var judged = map[string]bool{
	"rbac.authorization.k8s.io": true, "certificates.k8s.io": true, "admissionregistration.k8s.io": true,
	"authentication.k8s.io": true, "authorization.k8s.io": true,
}

// kindSecret has values that must not be remembered in an annotation.
var kindSecret = appbur.GroupKind{Kind: "Secret"}

// isSecret reports whether a field is, holds or lies in one of the secret fields of an object. Whether
// something is on is no secret.
func isSecret(o restore.Object, keys []string) bool {
	switch lookup(o.Content, keys).(type) {
	case nil, bool:
		return false
	}
	return slices.ContainsFunc(o.Secrets, func(secret []string) bool {
		n := min(len(secret), len(keys))
		return slices.Equal(secret[:n], keys[:n])
	})
}

func matches(pattern, text string) bool {
	if pattern == "" || pattern == "*" || pattern == text {
		return true
	}
	ok, _ := path.Match(pattern, text) // the rule was checked
	return ok
}

// reserved are fields of every object that a pause must not touch.
var reserved = []string{"apiVersion", "kind", "status"}

// checkPath refuses fields that are no business of a pause.
func checkPath(keys []string) error {
	switch {
	case len(keys) == 0 || slices.Contains(keys, ""):
		return fmt.Errorf("a field has no name")
	case slices.Contains(reserved, keys[0]):
		return fmt.Errorf("%s is no field that can pause anything", joined(keys))
	case keys[0] == "metadata" && (len(keys) != 3 || keys[1] != "annotations" || keys[2] == restore.PausedKey):
		return fmt.Errorf("%s: of metadata only annotations can pause anything", joined(keys))
	}
	return nil
}

// lookup returns what is at a path, nil if nothing is.
func lookup(value any, keys []string) any {
	for _, key := range keys {
		content, _ := value.(map[string]any)
		value = content[key]
	}
	return value
}

// put returns a copy of content with a value at a path. A value of nil removes what is there, and
// nothing else: an empty map that is left behind can have a meaning.
func put(content map[string]any, keys []string, value any) map[string]any {
	inner, isMap := content[keys[0]].(map[string]any)
	if value == nil && len(keys) > 1 && !isMap {
		return content
	}
	changed := maps.Clone(content)
	if changed == nil {
		changed = make(map[string]any)
	}

	switch {
	case len(keys) > 1:
		changed[keys[0]] = put(inner, keys[1:], value)
	case value == nil:
		delete(changed, keys[0])
	default:
		changed[keys[0]] = value
	}
	return changed
}

// joined writes a path as people do.
func joined(keys []string) string {
	at := ""
	for _, key := range keys {
		at = appbur.JoinKey(at, key)
	}
	return at
}

// same compares two values of JSON, whatever form their numbers have.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
