package helm

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// statusDeployed is the status of the revision that is live.
const statusDeployed = "deployed"

// Latest keeps one revision of each release: the one that Helm's next upgrade
// starts from. That is the deployed one, of several the newest, as Helm does after
// a race; where none is deployed it is the newest of any status, so look at the
// status before taking its objects for live ones. The result is sorted by namespace
// and name.
//
// Latest may be applied in steps, Latest(append(Latest(a), b...)), so that the
// records of a cluster need not be in memory at once.
func Latest(releases []Release) []Release {
	// Histories are distinguished as Helm does: by name, where they are stored.
	type history struct{ kind, namespace, name string }
	kept := map[history]Release{}
	for _, r := range releases {
		key := history{kind: r.record.Kind, namespace: r.record.Namespace, name: r.summary.Name}
		if have, ok := kept[key]; !ok || r.compare(have) > 0 {
			kept[key] = r
		}
	}
	return slices.SortedFunc(maps.Values(kept), func(a, b Release) int {
		return cmp.Or(
			strings.Compare(a.summary.Namespace, b.summary.Namespace),
			strings.Compare(a.summary.Name, b.summary.Name),
			a.record.Compare(b.record),
		)
	})
}

// compare orders the revisions of one history, the one to keep last.
func (r Release) compare(other Release) int {
	return cmp.Or(
		cmp.Compare(deployed(r.summary), deployed(other.summary)),
		cmp.Compare(r.summary.Revision, other.summary.Revision),
		r.record.Compare(other.record),
	)
}

func deployed(s appbur.HelmRelease) int {
	if s.Status == statusDeployed {
		return 1
	}
	return 0
}
