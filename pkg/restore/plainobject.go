package restore

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/appbur/appbur"
)

// ErrSecretMoved is the error of an object whose secret values are not where they were in the
// restore point, so that nothing knows what to encrypt.
var ErrSecretMoved = errors.New("conversion may have moved its secret values")

// Phase is a part of the objects of a plan that is applied before the next part.
type Phase struct {
	// Number never changes, whether earlier phases have objects or not.
	Number int    `json:"number"`
	Name   string `json:"name"`
	// Why says why the phase comes when it comes.
	Why string `json:"why"`
}

// definitionsPhase comes before everything else: a tool that has read its files before it applies
// the first of them knows no kind that one of them defines.
var definitionsPhase = Phase{1, "definitions", "custom resources can be applied once these are established"}

// stagePhases are the phases of the stages.
var stagePhases = map[stage]Phase{
	stageState:     {2, "objects", "what others name comes before them, custom resources before the workloads that act on them"},
	stagePods:      {3, "pods", barrierReasons[stagePods]},
	stageLimits:    {4, "limits", barrierReasons[stageLimits]},
	stageWorkloads: {5, "workloads", barrierReasons[stageWorkloads]},
	stageGuards:    {6, "guards", barrierReasons[stageGuards]},
	stageAdmission: {7, "admission", barrierReasons[stageAdmission]},
}

// PlainObject is one object of a plan in the form that any tool can apply, without a cluster
// that it is for: no owner reference, because the uids of owners are known in a cluster only,
// and no status, which controllers write.
type PlainObject struct {
	Object  appbur.ObjectID
	Phase   Phase
	Content map[string]any
	// Secrets are the paths below which values are secret.
	Secrets [][]string
	// Owners are the references that were left out.
	Owners []Owner
	// Status says that a status was left out.
	Status bool
	// Late is why a restore would complete the object later than it creates it, "" if it would not.
	// A file has one form only, the complete one.
	Late string
	// Unappliable is why server-side apply would refuse the object from other tools, "" if it
	// would not. A create takes it.
	Unappliable string
}

// Plain returns the objects of the plan in the order in which they can be applied. What is
// blocked or skipped is not among them.
func (p *Plan) Plain() ([]PlainObject, error) {
	if err := p.applicable(); err != nil {
		return nil, err
	}
	var objects []PlainObject
	at := make(map[appbur.ObjectID]int)

	for _, step := range p.Steps {
		place, known := at[step.Object]
		switch {
		case step.Action == ActionStatus && known:
			objects[place].Status = true
			continue
		case step.Action != ActionPrepare && step.Action != ActionApply:
			continue
		case !known:
			place, at[step.Object] = len(objects), len(objects)
			objects = append(objects, PlainObject{Object: step.Object, Phase: phaseOf(step.Object.GroupKind())})
		}

		o := &objects[place]
		if step.Action == ActionPrepare {
			o.Late = step.Why
			continue // its apply has the complete content
		}
		if err := o.complete(step); err != nil {
			return nil, err
		}
	}

	slices.SortStableFunc(objects, func(a, b PlainObject) int { return a.Phase.Number - b.Phase.Number })
	return objects, nil
}

func phaseOf(kind appbur.GroupKind) Phase {
	if kind == kindDefinition {
		return definitionsPhase
	}
	stage, _ := placeOf(kind)
	return stagePhases[stage]
}

// complete takes over what a step applies.
func (o *PlainObject) complete(step *Step) error {
	o.Content, o.Owners = step.Content.Object(), step.Details().Owners
	if o.Content["status"] != nil {
		o.Content, o.Status = maps.Clone(o.Content), true
		delete(o.Content, "status")
	}
	o.Unappliable = unappliable(o.Content)
	if step.redaction == nil {
		return nil
	}

	o.Secrets = step.redaction.paths
	if step.Details().original == nil {
		return nil
	}
	saved, content := step.Details().original.content.Object(), step.Content.Object()
	for _, path := range o.Secrets {
		if reaches(saved, path) && !reaches(content, path) {
			return appbur.WithHint(fmt.Errorf("%s: %w", o.Object, ErrSecretMoved), "leave the object out, or have its values in clear")
		}
	}
	return nil
}

// Holds reports whether a path of map keys leads to a value.
func (o PlainObject) Holds(path []string) bool { return reaches(o.Content, path) }

// reaches reports whether a path of map keys leads to a value; lists are passed through, and
// containers without any value are none.
func reaches(value any, path []string) bool {
	switch v := value.(type) {
	case map[string]any:
		if len(path) > 0 {
			return reaches(v[path[0]], path[1:])
		}
		for _, child := range v {
			if reaches(child, nil) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return reaches(element, path) })
	}
	return value != nil && len(path) == 0
}
