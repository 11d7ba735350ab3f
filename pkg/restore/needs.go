package restore

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// needs finds what chosen objects cannot do without: their namespace, the definition of
// their kind, their owners, what they name, and for an account what grants it its rights.
type needs struct {
	choice Choice
	scope  *scope
	point  Point

	objects  map[appbur.ObjectID]packed
	byUID    map[string]appbur.ObjectID
	served   map[appbur.GroupKind]appbur.ObjectID // definitions by the kind they define
	services map[string]appbur.ObjectID           // APIServices by group/version
	granting map[string][]appbur.ObjectID         // bindings by the user or group they are for

	chosen  map[appbur.ObjectID]bool
	needed  map[appbur.ObjectID]Need
	unowned []string
}

func newNeeds(p Point, objects Objects, c Choice) *needs {
	c.Owners = cmp.Or(c.Owners, OwnersInclude)
	n := &needs{
		choice: c, point: p, scope: newScope(),
		objects: make(map[appbur.ObjectID]packed, objects.Len()), byUID: make(map[string]appbur.ObjectID, objects.Len()),
		served: make(map[appbur.GroupKind]appbur.ObjectID), services: make(map[string]appbur.ObjectID),
		granting: make(map[string][]appbur.ObjectID),
		chosen:   make(map[appbur.ObjectID]bool), needed: make(map[appbur.ObjectID]Need),
	}

	for i, o := range objects.All() {
		n.objects[o.ID] = objects.list[i]
		n.scope.add(o.ID, objects.list[i].open, true)
		if uid := p.Index[o.ID].UID; uid != "" {
			n.byUID[uid] = o.ID
		}
		switch o.ID.GroupKind() {
		case kindDefinition:
			n.served[readDefinition(o.ID, o.Content).kind] = o.ID
		case kindAPIService:
			n.services[text(o.Content, "spec", "group")+"/"+text(o.Content, "spec", "version")] = o.ID
		case kindRoleBinding, kindClusterRoleBinding:
			for _, subject := range list(o.Content, "subjects") {
				if user := userOf(subject); user != "" {
					n.granting[user] = append(n.granting[user], o.ID)
				}
			}
		}
	}
	return n
}

var (
	kindRoleBinding        = appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}
	kindClusterRoleBinding = appbur.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}
)

// The names that the API server gives accounts (apiserver/pkg/authentication/serviceaccount).
const (
	accountUsers  = "system:serviceaccount:"
	accountGroups = "system:serviceaccounts:"
)

// userOf is the user or the group of accounts that a subject of a binding is, "" for
// others.
func userOf(subject any) string {
	name := text(subject, "name")
	switch {
	case text(subject, "kind") == kindServiceAccount.Kind:
		return accountUsers + text(subject, "namespace") + ":" + name
	case strings.HasPrefix(name, accountUsers), strings.HasPrefix(name, accountGroups):
		return name
	}
	return ""
}

// follow brings what the object needs, and what that needs. What a binding grants to
// others than the account that it comes for is not followed.
func (n *needs) follow(o Object, subjects bool) {
	n.owners(o)
	if !n.choice.Dependencies {
		return
	}
	if o.ID.Namespace != "" {
		n.need(namespaceOf(o.ID), "namespace", o.ID, true)
	}
	n.need(n.served[o.ID.GroupKind()], "definition", o.ID, true)
	n.need(n.services[o.APIVersion], "aggregated API", o.ID, true)

	for _, id := range dependencies(o, n.scope) {
		if subjects || id.GroupKind() != kindServiceAccount {
			n.need(id, "dependency", o.ID, true)
		}
	}
	if o.ID.GroupKind() != kindServiceAccount {
		return
	}
	for _, user := range []string{accountUsers + o.ID.Namespace + ":" + o.ID.Name, accountGroups + o.ID.Namespace} {
		for _, binding := range n.granting[user] {
			n.need(binding, "binding", o.ID, false)
		}
	}
}

// need brings one object, if the point has it and it is not there yet.
func (n *needs) need(id appbur.ObjectID, as string, by appbur.ObjectID, subjects bool) {
	o, ok := n.objects[id]
	if !ok || n.chosen[id] {
		return
	}
	if _, ok := n.needed[id]; ok {
		return
	}
	n.needed[id] = Need{As: as, By: by}
	n.follow(o.open(), subjects)
}

// owners brings the owners of an object, or notes those that are missing.
func (n *needs) owners(o Object) {
	for _, reference := range n.point.Index[o.ID].Owners {
		owner, ok := n.byUID[reference.UID]
		if !ok || n.chosen[owner] {
			continue
		}
		switch n.choice.Owners {
		case OwnersInclude:
			n.need(owner, "owner", o.ID, true)
		case OwnersFail:
			if _, needed := n.needed[owner]; !needed {
				n.unowned = append(n.unowned, fmt.Sprintf("%s, owner of %s", owner, o.ID))
			}
		case OwnersDrop:
		}
	}
}
