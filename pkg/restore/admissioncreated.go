package restore

import (
	"context"
	"fmt"
	"slices"

	admission "k8s.io/api/admissionregistration/v1"

	"github.com/appbur/appbur"
)

// A configuration of webhooks that a restore makes comes after the workload that answers for it, but the Pods
// of that workload come when its controllers have seen it. A webhook that is called for Pods would refuse
// its own from then on, and nobody would ever answer. So it is made to pass what nobody answers for, and
// is in force when somebody does.

// created are the webhooks of configurations that the target lacks, as far as they would refuse: nobody answers
// yet, and the Service that will is of the plan, or is there.
func (r *admissionReview) created(ctx context.Context) ([]Silenced, error) {
	var all []Silenced
	for _, step := range r.plan.Steps {
		id := step.Object
		if step.Action != ActionApply || !isWebhooks(id.GroupKind()) || r.live[id] || step.APIVersion != ConfigurationVersion {
			continue
		}
		hooks, err := webhooksOf(step.Content.Object())
		if err != nil {
			return nil, fmt.Errorf("reading the webhooks of %s: %w", id, err)
		}

		var names []string
		for _, hook := range hooks {
			refuses, err := r.willRefuse(ctx, hook)
			if err != nil {
				return nil, err
			}
			if refuses {
				names = append(names, hook.Name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			all = append(all, Silenced{Configuration: id, Webhooks: names})
		}
	}
	slices.SortFunc(all, func(a, b Silenced) int { return a.Configuration.Compare(b.Configuration) })
	return all, nil
}

func (r *admissionReview) willRefuse(ctx context.Context, hook *webhook) (bool, error) {
	if hook.FailurePolicy != string(admission.Fail) || hook.Service == nil {
		return false, nil
	}
	state, err := r.backend(ctx, *hook.Service)
	if err != nil {
		return false, err
	}
	switch state {
	case BackendDown:
		return true, nil
	case BackendMissing:
		return r.restored[*hook.Service] != nil, nil
	case BackendRuns, BackendUnknown:
	}
	return false, nil
}

// LeftSilent are webhooks that a restore has silenced which did not end.
type LeftSilent struct {
	Silenced

	// UntilEnd is true where the next restore leaves them silent until its end: it is asked to, or has the
	// configuration, too, and goes on with what was interrupted. All others are put in force before it writes.
	UntilEnd bool `json:"untilEnd,omitempty"`
}

// IsRestored reports whether the plan applies an object.
func (p *Plan) IsRestored(id appbur.ObjectID) bool {
	return slices.ContainsFunc(p.Steps, func(s *Step) bool { return s.Action == ActionApply && s.Object == id })
}
