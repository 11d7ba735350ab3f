package restore

import (
	"encoding/json"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// Step is one action on one object. A plan has at least one for each object, so what only some of
// them have is apart ([Step.Details]).
type Step struct {
	// ID is the place of the step in the plan, from 1. A step comes after others
	// with smaller ids only.
	ID     int
	Action Action
	Object appbur.ObjectID
	// APIVersion is the version to apply at.
	APIVersion string
	// Verdict is how the target handles the object.
	Verdict compat.VerdictKind
	// Phase is the place of the phase that it is part of, from 1. What follows the last one has
	// none, as has every step of a plan without phases.
	Phase int
	// Why is the reason for the step.
	Why string
	// After lists the steps that end before this one begins. Needs lists those of
	// them that must also succeed; if one fails, this step is not tried.
	After []int
	Needs []int
	// Digest covers what the step sends, without secret values.
	Digest appbur.Digest

	// Content is what the step sends, without owner references: a complete object
	// for apply and relink, one with nothing but a status for status. It is in no JSON.
	Content Content

	// redaction hides the secret values of the content from everything that is printed.
	redaction *redaction
	// details are nil for a step that has none.
	details *StepDetails
}

// StepDetails are what only some steps have.
type StepDetails struct {
	// From is the version in the restore point where it is another than that to apply at.
	From string
	// Changes is what conversion did, Notices what it could not do and the server will not
	// complain about.
	Changes []compat.Change
	Notices []compat.Change
	// Refusals are what the schema of the kind objects to. The step is tried all the
	// same: the server has the last word.
	Refusals []compat.Refusal
	// Rewritten is what was changed on the way, because the user asked for it, before
	// anything was converted.
	Rewritten []compat.Change
	// Hint is what a person can do about the reason for the step.
	Hint string
	// Owners become owner references, with the uids that the owners have in the
	// target. An owner that fails is left out: what it owns can often not be made
	// again, and is more than nothing without it.
	Owners []Owner
	// Managers are the field managers that get their fields back.
	Managers []string
	// Need is why the object comes with the chosen ones, nil for those. The step then leaves
	// an object alone that exists.
	Need *Need
	// Replaces says that the object is deleted and created again if it cannot be changed.
	Replaces *Replacement
	// UID is that of the object that a prune deletes: another one of its name stays.
	UID string

	// original is the saved form of an object that is converted, nil for others.
	original *original
	// appliers are the managers with their fields.
	appliers []manifest.Manager
	// handsOver is true of an apply whose object is handed over by the very next write.
	handsOver bool
	// pruned is what a prune goes by.
	pruned *pruned
}

// noDetails are those of steps that have none.
var noDetails StepDetails

// Details returns what only some steps have. They are to be read.
func (s *Step) Details() *StepDetails {
	if s.details == nil {
		return &noDetails
	}
	return s.details
}

// detail returns the details of the step to be changed.
func (s *Step) detail() *StepDetails {
	if s.details == nil {
		s.details = &StepDetails{}
	}
	return s.details
}

// isEmpty reports whether there is nothing to keep.
func (d *StepDetails) isEmpty() bool {
	return d.From == "" && d.Hint == "" && d.UID == "" && !d.handsOver &&
		len(d.Changes)+len(d.Notices)+len(d.Refusals)+len(d.Rewritten)+len(d.Owners)+len(d.Managers)+len(d.appliers) == 0 &&
		d.Need == nil && d.Replaces == nil && d.original == nil && d.pruned == nil
}

// kept returns details that a step keeps, nil if there are none.
func (d StepDetails) kept() *StepDetails {
	if d.isEmpty() {
		return nil
	}
	return &d
}

// stepDocument is a step in JSON (docs/json.md).
type stepDocument struct {
	ID         int                `json:"id"`
	Action     Action             `json:"action"`
	Object     appbur.ObjectID    `json:"object,omitzero"`
	APIVersion string             `json:"apiVersion,omitempty"`
	From       string             `json:"from,omitempty"`
	Verdict    compat.VerdictKind `json:"verdict,omitempty"`
	Changes    []compat.Change    `json:"changes,omitempty"`
	Notices    []compat.Change    `json:"notices,omitempty"`
	Refusals   []compat.Refusal   `json:"refusals,omitempty"`
	Rewritten  []compat.Change    `json:"rewritten,omitempty"`
	Phase      int                `json:"phase,omitempty"`
	Why        string             `json:"why"`
	Hint       string             `json:"hint,omitempty"`
	After      []int              `json:"after,omitempty"`
	Needs      []int              `json:"needs,omitempty"`
	Owners     []Owner            `json:"owners,omitempty"`
	Managers   []string           `json:"managers,omitempty"`
	Need       *Need              `json:"need,omitempty"`
	Replaces   *Replacement       `json:"replaces,omitempty"`
	UID        string             `json:"uid,omitempty"`
	Digest     appbur.Digest      `json:"digest,omitzero"`
}

// MarshalJSON implements [json.Marshaler].
func (s Step) MarshalJSON() ([]byte, error) {
	d := s.Details()
	return json.Marshal(stepDocument{
		ID: s.ID, Action: s.Action, Object: s.Object, APIVersion: s.APIVersion, From: d.From,
		Verdict: s.Verdict, Changes: d.Changes, Notices: d.Notices, Refusals: d.Refusals, Rewritten: d.Rewritten,
		Phase: s.Phase, Why: s.Why, Hint: d.Hint, After: s.After, Needs: s.Needs, Owners: d.Owners, Managers: d.Managers,
		Need: d.Need, Replaces: d.Replaces, UID: d.UID, Digest: s.Digest,
	})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Step) UnmarshalJSON(data []byte) error {
	var read stepDocument
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("reading a step: %w", err)
	}
	*s = Step{
		ID: read.ID, Action: read.Action, Object: read.Object, APIVersion: read.APIVersion, Verdict: read.Verdict,
		Phase: read.Phase, Why: read.Why, After: read.After, Needs: read.Needs, Digest: read.Digest,
		details: StepDetails{
			From: read.From, Changes: read.Changes, Notices: read.Notices, Refusals: read.Refusals, Rewritten: read.Rewritten,
			Hint: read.Hint, Owners: read.Owners, Managers: read.Managers, Need: read.Need, Replaces: read.Replaces,
			UID: read.UID,
		}.kept(),
	}
	return nil
}
