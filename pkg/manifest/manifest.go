package manifest

import (
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
	// Revision is which write made the object what it is.
	Revision Revision
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
