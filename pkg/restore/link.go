package restore

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur"
)

// systemNamespaces exist in every cluster.
var systemNamespaces = map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true}

// link makes the nodes and the bonds between them.
func (b *planner) link() {
	for _, d := range b.order {
		b.makeNodes(d)
	}
	missing := make(map[string]appbur.ObjectID) // namespaces, with an object that needs them
	for _, d := range b.order {
		if d.apply == nil {
			continue
		}
		id := d.object.ID
		if id.Namespace != "" {
			namespace := b.applyOf(appbur.ObjectID{Kind: kindNamespace.Kind, Name: id.Namespace})
			d.apply.after(namespace, firm)
			if namespace == nil && !systemNamespaces[id.Namespace] {
				missing[id.Namespace] = id
			}
		}
		if definition, ok := b.kinds[id.GroupKind()]; ok {
			d.apply.after(b.drafts[definition.object].wait, firm)
		}
		if d.aggregated != (appbur.ObjectID{}) {
			d.apply.after(b.applyOf(d.aggregated), firm)
		}
		for _, owner := range d.owners {
			d.apply.after(b.applyOf(owner.Object), owning)
		}
		for _, reference := range d.references {
			d.apply.after(b.applyOf(reference), soft)
		}
	}
	for namespace, id := range missing {
		b.note(NoteNamespace, appbur.ObjectID{Kind: kindNamespace.Kind, Name: namespace},
			"not in the restore point: it has to exist in the target, %s and others lie in it", id)
	}
}

func (b *planner) applyOf(id appbur.ObjectID) *node {
	if d, ok := b.drafts[id]; ok {
		return d.apply
	}
	return nil
}

// makeNodes makes the steps that concern one object alone.
func (b *planner) makeNodes(d *draft) {
	stage, rank := placeOf(d.object.ID.GroupKind())
	base := Step{
		Object: d.object.ID, APIVersion: d.object.APIVersion, From: d.from, Verdict: d.verdict.Kind,
		Changes: d.verdict.Changes, Notices: d.verdict.Notices, Why: d.why, Hint: d.hint, veil: d.veil,
	}
	if d.blocked {
		base.Action = ActionBlocked
		d.blockedNode = &node{stage: stageNever, rank: rank, step: base}
		return
	}
	base.Action, base.Content, base.Owners = ActionApply, d.object.Content, d.owners
	d.apply = &node{stage: stage, rank: rank, step: base}
	if d.object.ID.GroupKind() == kindDefinition {
		d.wait = &node{stage: stage, rank: rank, step: Step{
			Action: ActionWait, Object: d.object.ID, APIVersion: d.object.APIVersion, Content: d.object.Content,
			Why: "its custom resources can be created once it is established",
		}}
		d.wait.after(d.apply, firm)
	}
	if d.status != nil {
		d.statusNode = &node{stage: stage, rank: rank, step: Step{
			Action: ActionStatus, Object: d.object.ID, APIVersion: d.object.APIVersion,
			Content: statusContent(d.object.APIVersion, d.object.ID, d.status),
			Why:     "its controller goes on from where it was", veil: d.veil,
		}}
		d.statusNode.after(d.apply, firm)
	}
}

// steps orders the nodes.
func (b *planner) steps() ([]Step, error) {
	var nodes []*node
	byObject := make(map[*node]*draft)
	for _, d := range b.order {
		for _, n := range []*node{d.apply, d.wait, d.statusNode} {
			if n != nil {
				nodes = append(nodes, n)
				byObject[n] = d
			}
		}
	}
	slices.SortFunc(nodes, (*node).compare)
	nodes = append(nodes, b.relinks(breakCycles(nodes), byObject)...)
	raiseStages(nodes)
	nodes = addBarriers(nodes)
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
		if steps[i].Content == nil || steps[i].Action == ActionWait {
			continue
		}
		var err error
		if steps[i].Digest, err = digestContent(steps[i].veil.mask(steps[i].Content)); err != nil {
			return nil, fmt.Errorf("%s: %w", steps[i].Object, err)
		}
	}
	return steps, nil
}

// relinks makes one step per object that is applied before one of its owners.
func (b *planner) relinks(late [][2]*node, byNode map[*node]*draft) []*node {
	made := make(map[*node]bool)
	var nodes []*node
	for _, pair := range late {
		owner, owned := pair[0], pair[1]
		d := byNode[owned]
		if !made[owned] {
			made[owned] = true
			relink := &node{stage: owned.stage, rank: owned.rank, step: Step{
				Action: ActionRelink, Object: d.object.ID, APIVersion: d.object.APIVersion, Content: d.object.Content,
				Owners: slices.Clone(d.owners), Why: "owners form a cycle: this object comes first and gets its owner afterwards", veil: d.veil,
			}}
			relink.after(owned, firm)
			for _, o := range d.owners {
				relink.after(b.applyOf(o.Object), firm) // it sends all references, so it needs all uids
			}
			nodes = append(nodes, relink)
		}
		d.owners = slices.Clone(d.owners)
		for i := range d.owners {
			if d.owners[i].Object == owner.step.Object {
				d.owners[i].Late = true
			}
		}
		owned.step.Owners = d.owners
	}
	return nodes
}
