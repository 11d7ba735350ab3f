package restore

import (
	"context"
	"fmt"

	"github.com/appbur/appbur"
)

// systemNamespaces exist in every cluster.
var systemNamespaces = map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true}

func namespaceOf(id appbur.ObjectID) appbur.ObjectID {
	return appbur.ObjectID{Kind: kindNamespace.Kind, Name: id.Namespace}
}

// homeless returns the objects whose namespace is not in the point, by namespace.
func homeless(ids []appbur.ObjectID) map[string][]appbur.ObjectID {
	held := make(map[string]bool)
	for _, id := range ids {
		if id.GroupKind() == kindNamespace {
			held[id.Name] = true
		}
	}
	found := make(map[string][]appbur.ObjectID)
	for _, id := range ids {
		if id.Namespace != "" && !held[id.Namespace] && !systemNamespaces[id.Namespace] {
			found[id.Namespace] = append(found[id.Namespace], id)
		}
	}
	return found
}

// namespaces reads which namespaces exist, if some are missing from the point.
func (s *surveyor) namespaces(ctx context.Context, p Point) error {
	ids := make([]appbur.ObjectID, 0, p.Objects.Len())
	for _, id := range p.Objects.IDs() {
		ids = append(ids, id)
	}
	missing := homeless(ids)
	if len(missing) == 0 {
		return nil
	}

	var existing map[appbur.ObjectID]Identity
	answered, err := s.request(ctx, "which namespaces there are", func() (err error) {
		existing, err = s.worker.cluster.Existing(ctx, "v1", kindNamespace.Kind)
		return err
	})
	if err != nil || !answered {
		return err
	}

	s.Namespaces = make(map[string]bool)
	for id, identity := range existing {
		if _, ok := missing[id.Name]; ok && !identity.Terminating {
			s.Namespaces[id.Name] = true
		}
	}

	return nil
}

// leaveOut extends to objects what a rule said about their namespace. A point that
// is complete and has no such namespace left it out by a rule: it was being deleted, or
// a user excluded it. Its objects come back if the target has the namespace.
// Otherwise they are left out, and that is not a failure. In a partial point it is not
// knows why the namespace is missing, so its objects are tried, and the report says
// what became of them.
func (b *planner) leaveOut() {
	var ids []appbur.ObjectID
	for _, d := range b.order {
		if !d.blocked {
			ids = append(ids, d.object.ID)
		}
	}

	for namespace, members := range homeless(ids) {
		id := appbur.ObjectID{Kind: kindNamespace.Kind, Name: namespace}
		if b.point.Part.narrows() {
			b.withoutNamespace(namespace, members)
			continue
		}
		if b.around.Namespaces == nil || b.around.Namespaces[namespace] || b.point.Meta.Partial {
			b.note(NoteNamespace, id, "not in the restore point: it has to exist in the target, %s and others lie in it", members[0])
			continue
		}
		b.note(NoteNamespace, id, "neither in the restore point (it was being deleted, or a rule leaves it out) nor in the target: "+
			"left out are %s", objectCount(len(members)))
		for _, member := range members {
			d := b.drafts[member]
			d.skipped = true
			d.block(fmt.Sprintf("its namespace %s is neither in the restore point nor in the target", namespace),
				"create the namespace in the target and run the restore again to have it restored")
		}
	}
}

// withoutNamespace deals with chosen objects whose namespace was not chosen.
func (b *planner) withoutNamespace(namespace string, members []appbur.ObjectID) {
	if b.around.Namespaces == nil || b.around.Namespaces[namespace] {
		return
	}
	for _, member := range members {
		d := b.drafts[member]
		d.block(fmt.Sprintf("its namespace %s is neither selected nor in the target", namespace),
			"restore it with its dependencies, or create the namespace in the target")
	}
}

// objectCount says how many objects there are.
func objectCount(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
