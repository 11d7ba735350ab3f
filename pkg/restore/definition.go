package restore

import (
	"slices"

	"github.com/appbur/appbur"
)

// definition is what a restore reads from a CustomResourceDefinition.
type definition struct {
	object appbur.ObjectID
	kind   appbur.GroupKind
	// served lists the versions that are served, statusApart those with a status
	// subresource.
	served      []string
	statusApart []string
}

func readDefinition(id appbur.ObjectID, content map[string]any) definition {
	d := definition{
		object: id,
		kind:   appbur.GroupKind{Group: text(content, "spec", "group"), Kind: text(content, "spec", "names", "kind")},
	}
	for _, v := range list(content, "spec", "versions") {
		if served, _ := field(v, "served").(bool); !served {
			continue
		}
		name := text(v, "name")
		d.served = append(d.served, name)
		if field(v, "subresources", "status") != nil {
			d.statusApart = append(d.statusApart, name)
		}
	}
	return d
}

// hasStatusApart reports whether the version of the kind has a status subresource.
func (d definition) hasStatusApart(apiVersion string) bool {
	return slices.ContainsFunc(d.statusApart, func(v string) bool { return d.kind.Group+"/"+v == apiVersion })
}
