package restore

import (
	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// TrimIndex returns an index without what no restore uses, which is most of it: managers that get
// nothing back, and entries of which nothing is left but a uid that no object refers to.
func TrimIndex(index map[appbur.ObjectID]manifest.Entry) map[appbur.ObjectID]manifest.Entry {
	owners := make(map[string]bool)
	for _, entry := range index {
		for _, owner := range entry.Owners {
			owners[owner.UID] = true
		}
	}

	used := make(map[appbur.ObjectID]manifest.Entry)
	for id, entry := range index {
		entry.Managers = appliersOf(entry)
		if owners[entry.UID] || identified[id.GroupKind()] || !holdsNothing(entry) {
			used[id] = entry
		}
	}
	return used
}

// identified are the kinds whose uid or age is used although no object names them as its owner.
var identified = map[appbur.GroupKind]bool{
	kindClaim:      true, // its volume holds its uid
	kindVolume:     true,
	kindDefinition: true, // the older one has the names
}

// holdsNothing reports whether an entry says nothing but who an object was.
func holdsNothing(e manifest.Entry) bool {
	return len(e.Owners)+len(e.Finalizers)+len(e.Managers)+len(e.Status)+len(e.Fields) == 0 && e.Versions == nil
}
