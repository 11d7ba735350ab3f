package compat

import (
	"fmt"

	"github.com/appbur/appbur"
)

// Refusal is one objection that the schema of a custom kind has to an object.
type Refusal struct {
	// Path is where in the object, for example "spec.mode"; empty for the object itself.
	Path string `json:"path"`
	// What the server says there.
	What string `json:"what"`
}

// String returns "spec.mode: Required value".
func (r Refusal) String() string {
	if r.Path == "" {
		return r.What
	}
	return r.Path + ": " + r.What
}

// Opinion is what the schema of a custom kind says of an object. The zero value says
// that no schema is known.
type Opinion struct {
	// Known is true when the object was judged.
	Known bool
	// Object are the objections to creating it, Status those to its status where that is
	// written apart.
	Object, Status []Refusal
	// Dropped are fields that the server takes and does not store: the storage version
	// does not know them, and no webhook converts. StorageVersion names it.
	Dropped        []string
	StorageVersion string
	// Unchecked says why a schema that is known could not judge the object.
	Unchecked string
}

// Schemas knows the schemas of custom kinds (pkg/compat/schema).
type Schemas interface {
	// Check judges an object by the schema of its own kind and version.
	Check(object map[string]any) Opinion
}

// WithSchemas is t with the knowledge of what schemas will say to custom resources. An
// object that the first choice of version refuses is then created at another one that
// takes it, if there is one.
func WithSchemas(t Target, s Schemas) Target { return schemaTarget{Target: t, known: s} }

type schemaTarget struct {
	Target
	known Schemas
}

func (t schemaTarget) schemas() Schemas { return t.known }

func (t schemaTarget) source() appbur.KubeVersion { return sourceOf(t.Target) }

func (t schemaTarget) renamesVersions(gk appbur.GroupKind) Answer {
	return renamesVersions(t.Target, gk)
}

// schemasOf returns what is known of schemas, which may be nothing.
func schemasOf(t Target) Schemas {
	if s, ok := t.(interface{ schemas() Schemas }); ok {
		return s.schemas()
	}
	return noSchemas{}
}

type noSchemas struct{}

func (noSchemas) Check(map[string]any) Opinion { return Opinion{} }

// noteOpinion notes what a schema says besides the object itself.
func (e *edit) noteOpinion(o Opinion) {
	e.rule = "custom-resource-schema"
	for _, r := range o.Status {
		e.noticed(r.Path, "the server will refuse this of the status, which is then left out: "+r.What)
	}
	for _, path := range o.Dropped {
		e.noticed(path, "the server takes this field and does not store it: the storage version "+o.StorageVersion+" has no such field")
	}
	if o.Unchecked != "" {
		e.noticed("", "not checked against the schema of its kind: "+o.Unchecked)
	}
}

// refusedBy is the verdict on an object that the schema of the version refuses.
func refusedBy(o Opinion, at GroupVersionKind, v Verdict) Verdict {
	if len(o.Object) == 0 {
		return v
	}
	v.Kind, v.Refusals = Refused, o.Object
	v.Reason = fmt.Sprintf("the schema of %s refuses it: %s", at, o.Object[0])
	if more := len(o.Object) - 1; more > 0 {
		v.Reason += fmt.Sprintf(" (and %d more)", more)
	}
	v.Hint = "it is older than its schema, or was written at another version: correct it in the source and take a new restore point, " +
		"or create it in the target by hand; a restore tries it all the same, and restores what it owns"
	return v
}
