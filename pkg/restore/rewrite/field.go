package rewrite

import (
	"fmt"
	"path"
	"slices"

	"github.com/appbur/appbur"
)

// Field says where objects of a kind hold the name of a namespace.
type Field struct {
	// Kind is a kind as appbur writes it, "Kind.group", or a pattern of path.Match for it:
	// "*.example.com" is every kind of a group, "*" every kind.
	Kind string `yaml:"kind"`
	// Path leads to texts; see the package documentation of paths in docs/restore.md.
	Path string `yaml:"path"`
	// Holds is the form of the text, the name alone if it is empty.
	Holds Form `yaml:"holds"`
	// When are fields beside the text that must have a value, or a list that has it:
	// {kind: ServiceAccount}. The value can be a pattern.
	When map[string]string `yaml:"when"`
	// Unless are fields beside the text, or around it, that must not be there.
	Unless []string `yaml:"unless"`
	// Reason says what the namespace is for there, Source where that is written.
	Reason string `yaml:"reason"`
	Source string `yaml:"source"`
}

// Form is how a text names a namespace. The set is closed.
type Form string

// The forms.
const (
	// FormName is the name of the namespace and nothing else.
	FormName Form = "name"
	// FormNamespacedName is NAMESPACE/NAME.
	FormNamespacedName Form = "namespaced-name"
	// FormUser is the user of a service account: system:serviceaccount:NAMESPACE:NAME.
	FormUser Form = "service-account-user"
	// FormGroup is the group of all service accounts of a namespace: system:serviceaccounts:NAMESPACE.
	FormGroup Form = "service-account-group"
)

// row is a field that can be looked for.
type row struct {
	Field
	path fieldPath
	form form
}

// newRow checks a field. Whoever has a row need not check again.
func newRow(f Field) (row, error) {
	if f.Kind == "" {
		return row{}, fmt.Errorf("kind is missing")
	}
	if _, err := path.Match(f.Kind, ""); err != nil {
		return row{}, fmt.Errorf("kind %q is no pattern", f.Kind)
	}
	if f.Path == "" {
		return row{}, fmt.Errorf("path is missing")
	}
	p, err := parsePath(f.Path)
	if err != nil {
		return row{}, err
	}

	if f.Holds == "" {
		f.Holds = FormName
	}
	form, ok := forms[f.Holds]
	if !ok {
		return row{}, fmt.Errorf("holds is %q: want one of %s, %s, %s, %s", f.Holds, FormName, FormNamespacedName, FormUser, FormGroup)
	}
	if f.Reason == "" {
		return row{}, fmt.Errorf("reason is missing: the plan shows it")
	}
	return row{Field: f, path: p, form: form}, nil
}

// about reports whether the row is about a kind.
func (r row) about(kind appbur.GroupKind) bool { return matches(r.Kind, kind.String()) }

// meant reports whether what is around a field is as the row wants it.
func (r row) meant(around []map[string]any) bool {
	beside := around[len(around)-1]
	for key, want := range r.When {
		if !holds(beside[key], want) {
			return false
		}
	}
	for _, key := range r.Unless {
		if slices.ContainsFunc(around, func(object map[string]any) bool { return object[key] != nil }) {
			return false
		}
	}
	return true
}

func holds(value any, want string) bool {
	switch v := value.(type) {
	case string:
		return matches(want, v)
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return holds(inner, want) })
	}
	return false
}
