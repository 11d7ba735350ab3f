package restore

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
)

// owners checks, once all objects are read, that every owner reference of the plan
// is there with the live uid and the right flags, and that no reference at all
// points at a uid that nothing has.
func (v *verifier) owners(ctx context.Context, p *Plan) error {
	for _, step := range p.Steps {
		facts := v.live[step.Object]
		if step.Action != ActionApply || facts == nil {
			continue
		}
		err := v.guard(step, func() error { return v.ownersOf(ctx, step, facts) })
		if err != nil {
			return err
		}
	}
	return nil
}

// ownersOf checks the references of one object.
func (v *verifier) ownersOf(ctx context.Context, step *Step, facts *liveFacts) error {
	for _, owner := range step.Details().Owners {
		v.findings.Owners++
		if live := v.live[owner.Object]; live != nil {
			v.ownerReference(step.Object, owner, live.uid, facts)
		}
	}
	for _, reference := range facts.owners {
		if v.alive[sumOf(text(reference, "uid"))] {
			continue
		}
		if err := v.stranger(ctx, step, reference); err != nil {
			return err
		}
	}
	return nil
}

// ownerReference checks one reference that the plan says. The flags of one that a controller
// holds are the controller's, as in a restore.
func (v *verifier) ownerReference(id appbur.ObjectID, owner Owner, uid string, facts *liveFacts) {
	for _, reference := range facts.owners {
		if text(reference, "uid") != uid {
			continue
		}
		if facts.theirs[uid] {
			return
		}
		controller, _ := field(reference, "controller").(bool)
		blocks, _ := field(reference, "blockOwnerDeletion").(bool)
		if controller != (owner.Controller != nil && *owner.Controller) ||
			blocks != (owner.BlockOwnerDeletion != nil && *owner.BlockOwnerDeletion) {
			v.find(Finding{
				Kind: FindingOwner, Object: id, Path: "metadata.ownerReferences",
				What: fmt.Sprintf("owner %s has other flags than saved: controller %t, blockOwnerDeletion %t", owner.Object, controller, blocks),
			})
		}
		return
	}

	v.find(Finding{
		Kind: FindingOwner, Object: id, Path: "metadata.ownerReferences",
		What: fmt.Sprintf("owner %s with uid %s is missing", owner.Object, uid),
	})
}

// stranger checks a reference to an object that the plan does not have.
func (v *verifier) stranger(ctx context.Context, step *Step, reference any) error {
	apiVersion, uid := text(reference, "apiVersion"), text(reference, "uid")
	id := appbur.ObjectID{
		Group: groupOf(apiVersion), Kind: text(reference, "kind"),
		Namespace: step.Object.Namespace, Name: text(reference, "name"),
	}
	live, err := v.read(ctx, &Step{ID: step.ID, Object: id}, id, apiVersion)

	what := ""
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case apierrors.IsNotFound(err) || errors.Is(err, ErrNotServed):
		what = fmt.Sprintf("owner %s with uid %s does not exist", id, uid)
	case err != nil:
		v.find(Finding{Kind: FindingUnreadable, Object: id, What: err.Error()})
		return nil
	case text(live, "metadata", "uid") != uid:
		what = fmt.Sprintf("owner %s has uid %s, the reference says %s", id, text(live, "metadata", "uid"), uid)
	default:
		return nil
	}

	v.find(Finding{Kind: FindingDangling, Object: step.Object, Path: "metadata.ownerReferences", What: what})
	return nil
}
