package restore

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// link makes the nodes and the edges between them.
func (b *planner) link() {
	s := scopeOf(b.order)
	for _, d := range b.order {
		b.makeNodes(d)
		b.prepare(d, s)
		d.handOverNode(b.point.Index[d.saved()])
	}

	for _, d := range b.order {
		b.awaitsNames(d)
	}

	for _, d := range b.order {
		if d.apply == nil {
			continue
		}
		id := d.object.ID
		if id.Namespace != "" {
			d.apply.after(b.firstOf(namespaceOf(id)), firm)
		}
		if definition, ok := b.kinds[id.GroupKind()]; ok {
			d.apply.after(b.drafts[definition.object].wait, firm)
		}
		if d.aggregated != nil {
			d.apply.after(b.firstOf(*d.aggregated), firm)
		}
		for _, owner := range d.known().Owners {
			d.apply.after(b.firstOf(owner.Object), owning)
		}
		for _, reference := range d.references {
			d.first().after(b.firstOf(reference), strengthOf(d.object.ID, reference))
		}
	}
}

// firstOf returns the step after which an object is there, nil for objects that
// the plan does not make.
func (b *planner) firstOf(id appbur.ObjectID) *node {
	if d, ok := b.drafts[id]; ok {
		return d.first()
	}
	return nil
}

func (d *draft) first() *node {
	if d.prepared != nil {
		return d.prepared
	}
	return d.apply
}

// prepare splits the apply of an object that has fields which come late. What is
// prepared has no owners yet: they may come later than those that need it.
func (b *planner) prepare(d *draft, s *scope) {
	if d.apply == nil {
		return
	}
	if !slices.ContainsFunc(lateRules, func(r lateRule) bool { return r.kind == d.object.ID.GroupKind() }) {
		return
	}
	content, rule, ok := early(d.object.open(), s)
	if !ok {
		return
	}
	step, withoutOwners := *d.apply.step, *d.apply.step.Details()
	withoutOwners.Owners = nil
	step.Action, step.Content, step.Digest = ActionPrepare, ContentOf(content), appbur.Digest{}
	step.details, step.Why = withoutOwners.kept(), rule.reason+"; it is completed after them"
	d.prepared = &node{stage: d.apply.stage, rank: d.apply.rank, step: &step}
	d.apply.stage = stageLimits
	d.apply.after(d.prepared, firm)
}

// makeNodes makes the steps that concern one object alone.
func (b *planner) makeNodes(d *draft) {
	stage, rank := placeOf(d.object.ID.GroupKind())
	base := Step{
		Object: d.object.ID, APIVersion: d.object.APIVersion, Verdict: d.verdict.Kind, Why: d.why, redaction: d.redaction,
	}
	if len(d.verdict.Changes)+len(d.verdict.Notices)+len(d.verdict.Refusals) > 0 {
		details := d.detail()
		details.Changes, details.Notices, details.Refusals = d.verdict.Changes, d.verdict.Notices, d.verdict.Refusals
	}
	base.details = d.details

	if d.kept {
		d.blockedNode = &node{stage: stageNever, rank: rank, step: &Step{
			Action: ActionKeep, Object: d.object.ID, APIVersion: d.object.APIVersion, details: &StepDetails{Need: d.object.Need},
			Why: d.object.Need.String() + "; the target has it, and it is left as it is",
		}}
		return
	}

	if d.blocked {
		base.Action = ActionBlocked
		if d.skipped {
			base.Action = ActionSkip
		}
		if len(base.Details().Owners) > 0 {
			base.detail().Owners = nil // found before it was blocked
		}
		d.blockedNode = &node{stage: stageNever, rank: rank, step: &base}
		return
	}

	var needed *StepDetails // also of the steps beside it
	if d.object.Need != nil {
		base.detail().Need, needed = d.object.Need, &StepDetails{Need: d.object.Need}
		base.Why = d.object.Need.String() + "; created where the target has none"
	}
	base.Action, base.Content, base.Digest = ActionApply, d.object.Content, d.digest
	d.apply = &node{stage: stage, rank: rank, step: &base}
	if d.object.ID.GroupKind() == kindDefinition {
		d.wait = &node{stage: stage, rank: rank, step: &Step{
			Action: ActionWait, Object: d.object.ID, APIVersion: d.object.APIVersion, Content: d.object.Content,
			Why: "its custom resources can be created once it is established",
		}}
		d.wait.after(d.apply, firm)
	}

	if d.status != nil {
		d.statusNode = &node{stage: stage, rank: rank, step: &Step{
			Action: ActionStatus, Object: d.object.ID, APIVersion: d.object.APIVersion,
			Content: ContentOf(statusContent(d.object.APIVersion, d.object.ID, d.status)),
			Why:     "its controller goes on from where it was", redaction: d.redaction, details: needed,
		}}
		d.statusNode.after(d.apply, firm)
	}
}

// steps returns the steps of an object in their order.
func (d *draft) steps() []*node {
	return slices.DeleteFunc([]*node{d.prepared, d.apply, d.wait, d.statusNode, d.handOver}, func(n *node) bool { return n == nil })
}

// steps orders the nodes.
func (b *planner) steps() ([]*Step, error) {
	var nodes []*node
	for _, d := range b.order {
		nodes = append(nodes, d.steps()...)
	}

	slices.SortFunc(nodes, (*node).compare)
	nodes = append(nodes, b.relinks(breakCycles(nodes))...)
	raiseStages(nodes)

	nodes = b.addReady(addBarriers(nodes))
	for _, d := range b.order {
		if d.blockedNode != nil {
			nodes = append(nodes, d.blockedNode)
		}
	}

	steps := number(nodes)
	if len(steps) != len(nodes) {
		return nil, fmt.Errorf("internal error: %d steps of the plan depend on each other", len(nodes)-len(steps))
	}

	for i := range steps {
		if steps[i].Content.IsZero() || !steps[i].Digest.IsZero() || steps[i].Action == ActionWait {
			continue
		}
		var err error
		if steps[i].Digest, err = digestContent(steps[i].redaction.mask(steps[i].Content.Object())); err != nil {
			return nil, fmt.Errorf("%s: %w", steps[i].Object, err)
		}
	}

	return steps, nil
}

// relinks makes one step per object that is applied before one of its owners.
func (b *planner) relinks(late [][2]*node) []*node {
	made := make(map[*node]bool)
	var nodes []*node

	for _, pair := range late {
		owner, owned := pair[0], pair[1]
		d := b.drafts[owned.step.Object]
		if !made[owned] {
			made[owned] = true
			relink := &node{phase: owned.phase, stage: owned.stage, rank: owned.rank, step: &Step{
				Action: ActionRelink, Object: d.object.ID, APIVersion: d.object.APIVersion, Content: d.object.Content,
				Why:       "owners form a cycle: this object comes first and gets its owner afterwards",
				redaction: d.redaction, details: &StepDetails{Owners: slices.Clone(d.known().Owners), Need: d.object.Need},
			}}
			relink.after(owned, firm)
			for _, o := range d.known().Owners {
				relink.after(b.firstOf(o.Object), firm) // it sends all references, so it needs all uids
			}
			if d.handOver != nil {
				d.handOver.after(relink, firm)
			}
			nodes = append(nodes, relink)
		}
		owners := owned.step.Details().Owners
		for i := range owners {
			if owners[i].Object == owner.step.Object {
				owners[i].Late = true
			}
		}
	}

	return nodes
}
