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
	// Failure is why an object that exists and may have to be saved has no manifest;
	// only the ID is known then. [Rules.Make] returns it as its error instead.
	Failure error
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
	// Source is the source of that rule: where the fact behind it can be looked up,
	// or the line of appbur.yaml that requires it.
	Source string
}

// Manifest is one object as a portable file.
type Manifest struct {
	ID appbur.ObjectID
	// APIVersion is the version that the object was read at.
	APIVersion string
	// Data is canonical YAML.
	Data []byte
	// Sensitive manifests hold secret values and must be sealed before they reach
	// Git. It is true exactly when there are SecretPaths.
	Sensitive bool
	// SecretPaths lead to the secret values of the manifest: keys of maps from the
	// root on. The complete subtree below a path is secret. A path ends at the first
	// list that it meets, because elements have no name that lasts. Paths may lead
	// nowhere; none is a prefix of another. Secret values are never in the [Entry]:
	// those that a rule takes out of the manifest are left out there, too, and named
	// in [Entry.Withheld].
	SecretPaths [][]string
}

// File returns the manifest as a file of the tree.
func (m Manifest) File() appbur.File { return appbur.File{Path: m.ID.Path(), Data: m.Data} }

// Make turns a live object, as read from the API server, into a portable manifest
// and its index entry, or into a decision not to save it. obj is not modified and
// may be a manifest itself. An error means that obj is no Kubernetes object.
func (r *Rules) Make(obj map[string]any) (result Result, err error) {
	err = appbur.Guard(func() error {
		result, err = r.makeOne(obj)
		return err
	})
	return result, err
}

func (r *Rules) makeOne(obj map[string]any) (Result, error) {
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

	entry, err := harvest(o)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	secret := kind.secretPaths(o, o.content)
	if len(secret) > 0 {
		entry.withoutSetValues()
	}
	content := kind.strip(o, false, func(t Taken) {
		if err == nil {
			err = entry.keep(t, secret)
		}
	})
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	if result.Manifest.Data, err = Encode(content); err != nil {
		return Result{}, fmt.Errorf("%s: %w", o.id, err)
	}
	if len(secret) > 0 {
		result.Manifest.SecretPaths = kind.secretPaths(o, content)
	}
	result.Manifest.Sensitive = len(result.Manifest.SecretPaths) > 0
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
	// count the elements of the live object, for values in the index without the
	// elements that were dropped as noise.
	Path string
	// Value is shared with the object; it must not be changed.
	Value any
	// Rule is the rule that took it.
	Rule *FieldRule

	way trail
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
