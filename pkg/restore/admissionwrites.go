package restore

import (
	"context"
	"maps"

	admission "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// writes returns the requests of a restore by the plan that admission would see.
func (r *admissionReview) writes(ctx context.Context) ([]write, error) {
	steps := make(map[appbur.ObjectID]*Step)
	statuses := make(map[appbur.ObjectID]bool)
	for _, step := range r.plan.Steps {
		switch step.Action {
		case ActionApply, ActionPrune:
			steps[step.Object] = step
		case ActionStatus:
			statuses[step.Object] = true
		case ActionPrepare, ActionWait, ActionRelink, ActionHandOver, ActionBarrier, ActionReady, ActionKeep, ActionSkip, ActionBlocked:
		}
	}

	var all []write
	add := func(step *Step, before map[string]string, operations ...admission.OperationType) {
		w := write{object: step.Object, apiVersion: step.APIVersion, resource: r.names.resource(ctx, step), before: before}
		if step.Action == ActionApply {
			w.labels = labelsOf(step.Content.Object())
		}
		if w.resource == "" {
			return // the server will say it
		}
		for _, w.operation = range operations {
			all = append(all, w)
		}
		if statuses[step.Object] {
			w.resource, w.operation = w.resource+"/status", admission.Update
			all = append(all, w)
		}
	}

	touched, err := Touch(ctx, r.plan, r.cluster, r.rules, func(live map[string]any) error {
		step := steps[idOf(live)]
		switch {
		case step == nil: // an owner of what is touched
		case step.Action == ActionPrune:
			add(step, labelsOf(live), admission.Delete)
		case step.Details().Replaces != nil:
			add(step, labelsOf(live), admission.Update, admission.Delete, admission.Create)
		default:
			add(step, labelsOf(live), admission.Update)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, absent := range touched.Absent {
		add(steps[absent.Object], nil, admission.Create)
	}
	made := make(map[appbur.ObjectID]bool)
	for _, step := range r.plan.Steps { // also of what is as planned: its Pods may be what is missing
		if step.Action == ActionApply && !made[step.Object] {
			made[step.Object] = true
			all = append(all, madeFrom(step)...)
		}
	}
	return all, r.locate(ctx, all, steps)
}

// locate adds the labels of the namespaces as they will be.
func (r *admissionReview) locate(ctx context.Context, writes []write, steps map[appbur.ObjectID]*Step) error {
	known := make(map[string]map[string]string)
	for i := range writes {
		namespace := writes[i].object.Namespace
		if namespace == "" {
			continue
		}
		if known[namespace] == nil {
			id := namespaceOf(writes[i].object)
			live, err := r.cluster.Get(ctx, id, "v1")
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
				return err
			}

			merged := labelsOf(live)
			if step := steps[id]; step != nil && step.Action == ActionApply {
				maps.Copy(merged, labelsOf(step.Content.Object()))
			}
			merged["kubernetes.io/metadata.name"] = namespace // the server sets it
			known[namespace] = merged
		}
		writes[i].around = known[namespace]
	}
	return nil
}

// labelsOf returns the labels of an object, never nil.
func labelsOf(content map[string]any) map[string]string {
	found := make(map[string]string)
	for key, value := range dict(content, "metadata", "labels") {
		if value, ok := value.(string); ok {
			found[key] = value
		}
	}
	return found
}

// idOf is the id of a live object, which has all parts of one.
func idOf(live map[string]any) appbur.ObjectID {
	return appbur.ObjectID{
		Group: groupOf(text(live, "apiVersion")), Kind: text(live, "kind"),
		Namespace: text(live, "metadata", "namespace"), Name: text(live, "metadata", "name"),
	}
}

// kindNamer knows by which name a kind is or will be served.
type kindNamer struct {
	target resourceNamer
	// plurals are those of kinds that the plan defines.
	plurals map[appbur.GroupKind]string
}

func namerOf(target resourceNamer, p *Plan) kindNamer {
	n := kindNamer{target, make(map[appbur.GroupKind]string)}
	for _, s := range p.Steps {
		if s.Object.GroupKind() == kindDefinition && !s.Content.IsZero() {
			spec := dict(s.Content.Object(), "spec")
			n.plurals[appbur.GroupKind{Group: text(spec, "group"), Kind: text(spec, "names", "kind")}] = text(spec, "names", "plural")
		}
	}
	return n
}

// resource returns the name of the kind of a step, "" if nobody knows it.
func (n kindNamer) resource(ctx context.Context, s *Step) string {
	name, _ := n.target.resourceName(ctx, s.APIVersion, s.Object.Kind)
	if name == "" {
		name = n.plurals[s.Object.GroupKind()]
	}
	return name
}
