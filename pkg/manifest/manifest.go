package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// Result is what the rules make of one live object.
type Result struct {
	// Decision says whether the object is saved, and why.
	Decision Decision
	// Manifest has its ID and APIVersion set always, its Data only when saved.
	Manifest Manifest
	// Entry is what was taken out of the manifest. It is empty when not saved.
	Entry Entry
}

// Decision says whether an object is saved.
type Decision struct {
	Saved bool
	// Rule is the stable id of the rule that decided, for example
	// "exclude-events". It is empty for an object that no rule is about, which is
	// saved.
	Rule string
	// Reason is the reason of that rule, one sentence.
	Reason string
}

// Manifest is one object as a portable file.
type Manifest struct {
	ID appbur.ObjectID
	// APIVersion is the version that the object was read at.
	APIVersion string
	// Data is canonical YAML.
	Data []byte
	// Sensitive manifests hold secret values and must be sealed before they reach
	// Git.
	Sensitive bool
}

// File returns the manifest as a file of the tree.
func (m Manifest) File() appbur.File { return appbur.File{Path: m.ID.Path(), Data: m.Data} }

// Make turns a live object, as read from the API server, into a portable manifest
// and its index entry, or into a decision not to save it. obj is not modified and
// may be a manifest itself. An error means that obj is no Kubernetes object.
func (r *Rules) Make(obj map[string]any) (Result, error) {
	o, err := newObject(obj)
	if err != nil {
		return Result{}, err
	}
	kind := r.forKind(o.id.GroupKind())
	result := Result{Manifest: Manifest{ID: o.id, APIVersion: o.apiVersion}}
	result.Decision = kind.decide(o)
	if !result.Decision.Saved {
		return result, nil
	}

	entry, err := harvest(o, kind.custom)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	content := kind.strip(o, false, func(t Taken) {
		if err == nil {
			err = entry.keep(t)
		}
	})
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	if result.Manifest.Data, err = Encode(content); err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	result.Manifest.Sensitive = kind.sensitive
	result.Entry = entry
	return result, nil
}

// Decide says whether an object would be saved, without making its manifest.
func (r *Rules) Decide(obj map[string]any) (Decision, error) {
	o, err := newObject(obj)
	if err != nil {
		return Decision{}, err
	}
	return r.forKind(o.id.GroupKind()).decide(o), nil
}

// Taken is one value that a field rule took out of an object.
type Taken struct {
	// Path says where the value was, for example "spec.ports[0].nodePort". Numbers
	// count elements as the rule found them, before it took any.
	Path string
	// Value is shared with the object; it must not be changed.
	Value any
	// Rule is the rule that took it.
	Rule *FieldRule
}

// Explain lists what the field rules take out of an object, sorted by path. It
// answers for objects that are not saved, too.
func (r *Rules) Explain(obj map[string]any) ([]Taken, error) {
	o, err := newObject(obj)
	if err != nil {
		return nil, err
	}
	var taken []Taken
	r.forKind(o.id.GroupKind()).strip(o, true, func(t Taken) { taken = append(taken, t) })
	slices.SortStableFunc(taken, func(a, b Taken) int { return strings.Compare(a.Path, b.Path) })
	return taken, nil
}
