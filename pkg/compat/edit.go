package compat

import "github.com/appbur/appbur"

// edit is the working copy of one object and the record of what is done to it.
// Rules write to object, which no other code references, and record each change.
type edit struct {
	object  map[string]any
	target  Target
	rule    string // name of the rule at work
	changes []Change
	notices []Change
	blocked *blockade
}

// blockade is why an object cannot be created.
type blockade struct{ reason, hint string }

// changed records a change that keeps the meaning.
func (e *edit) changed(path, what string) {
	e.changes = append(e.changes, Change{Rule: e.rule, Path: path, What: what})
}

// lost records a change that drops something.
func (e *edit) lost(path, what string) {
	e.changes = append(e.changes, Change{Rule: e.rule, Path: path, What: what, Lost: true})
}

// noticed records a fact that nothing is done about.
func (e *edit) noticed(path, what string) {
	e.notices = append(e.notices, Change{Rule: e.rule, Path: path, What: what})
}

// block marks the object as not creatable. The first reason is kept.
func (e *edit) block(reason, hint string) {
	if e.blocked == nil {
		e.blocked = &blockade{reason: reason, hint: hint}
	}
}

// setDefault makes the default of an old version explicit where the new version
// has another one or none.
func (e *edit) setDefault(m map[string]any, path, key string, value any) {
	if old, ok := m[key]; ok && old != nil && old != "" {
		return
	}
	m[key] = value
	e.changed(join(path, key), "old default made explicit")
}

// move renames a key within one map.
func (e *edit) move(m map[string]any, path, from, to string) {
	value, ok := take(m, from)
	if !ok {
		return
	}
	m[to] = value
	e.changed(join(path, from), "moved to "+join(path, to))
}

// drop removes a key whose value the new version has no place for.
func (e *edit) drop(m map[string]any, path, key, why string) {
	if _, ok := take(m, key); ok {
		e.lost(join(path, key), why)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// atLeast reports whether the target is the given release or later.
func (e *edit) atLeast(v appbur.KubeVersion) bool {
	return e.target.Version().AtLeast(v.Major, v.Minor)
}
