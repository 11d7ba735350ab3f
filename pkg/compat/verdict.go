package compat

import "errors"

// VerdictKind says what a target makes of an object.
type VerdictKind string

// The kinds of verdict, from best to worst.
const (
	// Served objects can be created as they are.
	Served VerdictKind = "served"
	// Convertible objects can be created after the listed changes, and mean the
	// same afterwards.
	Convertible VerdictKind = "convertible"
	// Lossy objects can be created after the listed changes, of which some drop
	// what the target has no place for.
	Lossy VerdictKind = "lossy"
	// Refused objects can be sent, and the schema of their kind says that the target
	// will refuse them. It is a prediction: a restore tries nevertheless.
	Refused VerdictKind = "refused"
	// Blocked objects cannot be created; Reason and Hint say why and what to do.
	Blocked VerdictKind = "blocked"
	// Unknown objects cannot be judged with what is known of the target.
	Unknown VerdictKind = "unknown"
)

// Change is one thing that is done to an object, or that is worth knowing.
type Change struct {
	// Rule is the stable name of the rule, for example "ingress-backend".
	Rule string `json:"rule"`
	// Path is where in the object, for example "spec.rules[0].http.paths[1]".
	Path string `json:"path"`
	// What happens there, for people.
	What string `json:"what"`
	// Lost is true when the target has no place for something that was there.
	Lost bool `json:"lost,omitempty"`
}

// Verdict is the judgement on one object for one target.
type Verdict struct {
	Kind VerdictKind `json:"kind"`
	// APIVersion is the version to create the object at. It is empty when the
	// verdict is Blocked or Unknown.
	APIVersion string `json:"apiVersion,omitempty"`
	// Changes are what Convert does, in order.
	Changes []Change `json:"changes,omitempty"`
	// Notices are facts that Convert does not act upon: the server accepts the
	// object, but something in it may no longer work.
	Notices []Change `json:"notices,omitempty"`
	// Refusals are what the schema of the kind objects to, when the verdict is Refused.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Reason says why, in one sentence.
	Reason string `json:"reason"`
	// Hint is the next step for a person, when there is one.
	Hint string `json:"hint,omitempty"`
}

// Creatable reports whether Convert has a result.
func (v Verdict) Creatable() bool {
	return v.Kind == Served || v.Kind == Convertible || v.Kind == Lossy || v.Kind == Refused
}

// RenamedOnly reports whether Convert changes nothing but the version of a custom
// resource whose versions differ in name alone.
func (v Verdict) RenamedOnly() bool {
	return len(v.Changes) == 1 && v.Changes[0].Rule == ruleCustomVersion
}

// The errors of [Convert].
var (
	// ErrBlocked says that the verdict is Blocked.
	ErrBlocked = errors.New("the target cannot hold the object")
	// ErrUnknown says that the verdict is Unknown.
	ErrUnknown = errors.New("the target may or may not serve the object")
	// ErrOtherVerdict says that the verdict was made for another object or target.
	ErrOtherVerdict = errors.New("the verdict belongs to another object or target")
)
