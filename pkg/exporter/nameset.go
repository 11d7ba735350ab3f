package exporter

import (
	"encoding/binary"
	"strings"

	"github.com/appbur/appbur"
)

// nameSet remembers which objects were emitted, in as little memory as will do: lists
// come sorted, so each name is kept as what differs from the one before. It is the
// only thing of a capture that grows with the cluster, by some ten bytes an object.
type nameSet struct {
	kinds map[appbur.GroupKind]*names
}

// names are the objects of one kind: for each one how many bytes it shares with the
// one before, how many follow, and these.
type names struct {
	packed []byte
	last   string
}

// add writes down one object.
func (r *nameSet) add(id appbur.ObjectID) {
	if r.kinds == nil {
		r.kinds = make(map[appbur.GroupKind]*names)
	}
	n := r.kinds[id.GroupKind()]
	if n == nil {
		n = &names{}
		r.kinds[id.GroupKind()] = n
	}
	key := id.Namespace + "/" + id.Name
	shared := 0
	for shared < len(key) && shared < len(n.last) && key[shared] == n.last[shared] {
		shared++
	}
	n.packed = binary.AppendUvarint(n.packed, uint64(shared))
	n.packed = binary.AppendUvarint(n.packed, uint64(len(key)-shared))
	n.packed = append(n.packed, key[shared:]...)
	n.last = key
}

// each calls do for every object, in the order in which they were added.
func (r *nameSet) each(do func(appbur.ObjectID)) {
	for gk, n := range r.kinds {
		var key []byte
		for rest := n.packed; len(rest) > 0; {
			shared, width := binary.Uvarint(rest)
			rest = rest[width:]
			added, width := binary.Uvarint(rest)
			rest = rest[width:]
			key = append(key[:shared], rest[:added]...)
			rest = rest[added:]
			// No name of a namespace has a slash.
			namespace, name, _ := strings.Cut(string(key), "/")
			do(appbur.ObjectID{Group: gk.Group, Kind: gk.Kind, Namespace: namespace, Name: name})
		}
	}
}
