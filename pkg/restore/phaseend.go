package restore

import (
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// phaseEnd is what a phase waits for at its end.
type phaseEnd struct {
	phase   *PlannedPhase
	objects []*Step
	// failed are the objects of the phase that were not restored.
	failed []NotReady
}

// withoutStatus are kinds of which every object is ready as soon as it is there: no controller says
// anything of it.
var withoutStatus = []appbur.GroupKind{
	kindConfigMap, kindSecret, kindServiceAccount, kindRoleBinding, kindClusterRoleBinding, kindPriorityClass, kindStorageClass,
	{Group: "rbac.authorization.k8s.io", Kind: "Role"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
}

// endOf collects what the step that ends a phase waits for.
func (r *run) endOf(step *Step) phaseEnd {
	end := phaseEnd{phase: &r.plan.Phases[step.Phase-1]}
	chosen := make(map[appbur.ObjectID]bool, len(end.phase.Objects))
	for _, id := range end.phase.Objects {
		chosen[id] = true
	}
	for _, id := range end.phase.NotAwaited {
		delete(chosen, id)
	}

	for _, s := range r.plan.Steps {
		if !chosen[s.Object] {
			continue
		}
		if result := r.results.of(s); result != nil && result.result == Failed {
			end.failed = append(end.failed, NotReady{Object: s.Object, Status: "Failed", Why: "it was not restored: " + result.reason()})
			delete(chosen, s.Object)
			continue
		}
		always := end.phase.Condition == "" && slices.Contains(withoutStatus, s.Object.GroupKind())
		if (s.Action == ActionApply || s.Action == ActionKeep) && !always {
			end.objects = append(end.objects, s)
		}
	}
	return end
}

// phaseEnded takes the end of a phase in, and reports whether the next one can begin.
func (r *run) phaseEnded(result *stepResult) bool {
	result.ended = r.worker.now()
	switch {
	case result.interrupted:
		r.interrupted = true
	case result.result == Failed:
		r.notReady = result.err
	default:
		return true
	}
	return false
}

// phaseOutcomes says what became of the phases that were begun.
func (r *run) phaseOutcomes() []PhaseOutcome {
	var outcomes []PhaseOutcome
	before := r.began
	for _, step := range r.plan.Steps {
		if step.Action != ActionReady {
			continue
		}
		result := r.results.of(step)
		if result == nil || result.interrupted {
			continue
		}
		o := PhaseOutcome{Name: r.plan.Phases[step.Phase-1].Name, took: result.ended.Sub(before), waited: result.waited}
		o.Took, o.Waited = o.took.Round(time.Millisecond).String(), o.waited.Round(time.Millisecond).String()
		if result.result == Failed {
			o.NotReady = result.notReady
		}
		outcomes, before = append(outcomes, o), result.ended
	}
	return outcomes
}
