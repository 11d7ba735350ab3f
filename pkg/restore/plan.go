package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/appbur/appbur"
)

// PlanFormat is the version of the plan's JSON document.
const PlanFormat = 1

// Action is what a step does. The set is closed.
type Action string

// The actions of a plan.
const (
	// ActionApply creates the object, or brings an existing one to the content.
	ActionApply Action = "apply"
	// ActionPrepare creates the object without the fields that act on others as soon
	// as they are set; an apply sets them later. An object that exists is left alone.
	ActionPrepare Action = "prepare"
	// ActionStatus fills the status of a custom resource that was just created.
	ActionStatus Action = "status"
	// ActionWait waits until a custom resource definition is established and its
	// kinds are served.
	ActionWait Action = "wait"
	// ActionRelink adds the owner references that could not be set at first
	// because owners form a cycle.
	ActionRelink Action = "relink"
	// ActionHandOver gives the fields of an object that was created back to those who
	// applied them in the source.
	ActionHandOver Action = "handover"
	// ActionBarrier does nothing but come after one stage and before the next.
	ActionBarrier Action = "barrier"
	// ActionReady waits until the objects of a phase are ready.
	ActionReady Action = "ready"
	// ActionKeep marks an object that the chosen ones need and that the target has: it is
	// left as it is.
	ActionKeep Action = "keep"
	// ActionSkip marks an object that is left out because its namespace was left out
	// of the restore point.
	ActionSkip Action = "skip"
	// ActionPrune deletes an object that the restore point does not have.
	ActionPrune Action = "prune"
	// ActionBlocked marks an object that cannot be restored to the target.
	ActionBlocked Action = "blocked"
)

// HasObject reports whether steps of the action are about one object.
func (a Action) HasObject() bool { return a != ActionBarrier && a != ActionReady }

// Policy is what the user allows. It is part of the plan, so that a plan that was
// shown is the plan that is applied.
type Policy struct {
	// AllowBlocked lets a restore begin although some objects are blocked; they
	// are left out.
	AllowBlocked bool `json:"allowBlocked"`
	// ForceConflicts takes fields over from other field managers. Without it, an
	// existing object whose differing fields belong to others is left as it is
	// and reported as failed. Objects of which appbur still manages some field, from
	// an earlier restore, are always brought to the plan.
	ForceConflicts bool `json:"forceConflicts"`
	// SkipConflicts leaves such objects out, as a decision and not as a failure.
	SkipConflicts bool `json:"skipConflicts,omitempty"`
	// ReplaceImmutable says that objects which cannot be changed are deleted and created again ([Replace]).
	ReplaceImmutable bool `json:"replaceImmutable,omitempty"`
	// Prune says that the plan deletes what the restore point does not have ([Prune]).
	Prune bool `json:"prune,omitempty"`
}

// Plan describes what a restore will do, completely and in advance. It is a pure function of
// the restore point, the target and the policy. Steps are in an order in which
// they could be run one by one; [Apply] runs independent ones at the same time.
//
// The JSON form leaves the content of objects out: it would carry Secrets in
// clear. Each step has a digest instead, so a plan that was saved is used by
// making the plan again and comparing [Plan.Digest].
type Plan struct {
	Format int                   `json:"format"`
	Point  appbur.RestorePointID `json:"restorePoint"`
	Source appbur.Cluster        `json:"source"`
	Target appbur.KubeVersion    `json:"targetVersion"`
	Policy Policy                `json:"policy"`
	Steps  []*Step               `json:"steps"`
	// Part says which part of the point was chosen, nil for all of it.
	Part *Part `json:"part,omitempty"`
	// Pausing says what controllers must wait for, nil if nothing is restored paused.
	Pausing *Pausing `json:"pausing,omitempty"`
	// Phases are parts of the restore that come one after the other, before all else.
	Phases []PlannedPhase `json:"phases,omitempty"`
	// Notes are what a person should know and no step shows.
	Notes []Note `json:"notes,omitempty"`
	// Kept are the objects that the restore point does not have and that [Prune] leaves.
	Kept []Kept `json:"kept,omitempty"`
	// Undoes is true for a plan that undoes a restore.
	Undoes bool `json:"undoes,omitempty"`
	// Apps are the applications whose state is imported once all steps are done.
	// They are in the order in which they are tried.
	Apps []appbur.AppState `json:"apps,omitempty"`
	// AppsAfter says which of them wait for others.
	AppsAfter []AppAfter `json:"appsAfter,omitempty"`

	// partial is true when the point is: what it does not have is not known to be absent.
	partial bool
	// covered are the kinds of which the point has all objects, as the target serves them.
	covered []coveredKind
	// taken is when reading the point began.
	taken time.Time
}

// Owner is an owner reference that does not know its uid yet.
type Owner struct {
	Object             appbur.ObjectID `json:"object"`
	APIVersion         string          `json:"apiVersion"`
	Controller         *bool           `json:"controller,omitempty"`
	BlockOwnerDeletion *bool           `json:"blockOwnerDeletion,omitempty"`
	// Late owners are applied after what they own, because owners form a cycle.
	// The reference is set at once if the owner is live already, else by a relink.
	Late bool `json:"late,omitempty"`
}

// NoteKind says what a note is about. The set is closed.
type NoteKind string

// The kinds of notes.
const (
	// NoteOwner is an owner reference that is not restored.
	NoteOwner NoteKind = "owner"
	// NoteNamespace is a namespace that has objects but is not in the point.
	NoteNamespace NoteKind = "namespace"
	// NoteStatus is a status that is not restored.
	NoteStatus NoteKind = "status"
	// NoteTwice is an object that the point holds in two groups.
	NoteTwice NoteKind = "twice"
	// NoteAddress is an address or a port that the target cannot give.
	NoteAddress NoteKind = "address"
	// NoteDefault is something that the source left empty and the target fills in.
	NoteDefault NoteKind = "default"
	// NoteVolume is a volume that keeps its data to itself.
	NoteVolume NoteKind = "volume"
	// NoteContest is a definition that wants the names of another one.
	NoteContest NoteKind = "contest"
	// NoteUnchangeable is an object that cannot be changed, and not be replaced either.
	NoteUnchangeable NoteKind = "unchangeable"
	// NoteTarget is a question that the target did not answer.
	NoteTarget NoteKind = "target"
	// NoteUID is a field of a kind in which objects hold uids of the source.
	NoteUID NoteKind = "uid"
	// NoteRunning are objects that a controller acts on while they are restored.
	NoteRunning NoteKind = "running"
	// NoteApplication is about the order of applications.
	NoteApplication NoteKind = "application"
	// NoteChange is something that a change on the way left out, or could not decide.
	NoteChange NoteKind = "change"
)

// Note is something a person should know about one object.
type Note struct {
	Kind   NoteKind        `json:"kind"`
	Object appbur.ObjectID `json:"object,omitzero"`
	What   string          `json:"what"`
}

// ErrBlocked is the error of applying a plan that has blocked objects and does not
// allow them.
var ErrBlocked = errors.New("the plan has objects that cannot be restored to this target")

// ErrSealed is the error of applying a plan whose point was not decrypted. Such a
// plan can be made and looked at.
var ErrSealed = errors.New("the plan holds sealed secrets")

// Blocked returns the steps of objects that cannot be restored.
func (p *Plan) Blocked() []*Step {
	var blocked []*Step
	for _, s := range p.Steps {
		if s.Action == ActionBlocked {
			blocked = append(blocked, s)
		}
	}
	return blocked
}

// Digest identifies the plan: two plans with one digest do the same.
func (p *Plan) Digest() (appbur.Digest, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return appbur.Digest{}, fmt.Errorf("encoding the plan: %w", err)
	}
	return appbur.DigestOf(data), nil
}

// digestContent is the digest of what a step sends. Secret values were masked
// before: from a plain hash of a short value the value can be guessed.
func digestContent(masked map[string]any) (appbur.Digest, error) {
	data, err := json.Marshal(without(masked, appbur.SealedKey))
	if err != nil {
		return appbur.Digest{}, fmt.Errorf("encoding the content: %w", err)
	}
	return appbur.DigestOf(data), nil
}
