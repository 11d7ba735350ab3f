package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// oldUse is a client, or a record of one, that speaks an API version which a
// newer Kubernetes does not serve. Restored objects are converted; whoever wrote
// them in the old version will go on doing so until somebody changes it.
type oldUse struct {
	// Who is "request", "field manager", "helm release", or "client": one that an audit log names.
	Who string `json:"who"`
	// Name is that of the manager, the release or the client, empty for requests.
	Name string `json:"name,omitempty"`
	// API is the version in use, with the kind or resource.
	API     string `json:"api"`
	Objects int    `json:"objects,omitempty"`
	// Requests is how many of a client are in the log.
	Requests int `json:"requests,omitempty"`
}

func (u oldUse) compare(other oldUse) int {
	return cmp.Or(strings.Compare(u.Who, other.Who), strings.Compare(u.Name, other.Name), strings.Compare(u.API, other.API))
}

// oldUses finds in the evidence what the version does not serve.
func oldUses(evidence appbur.Evidence, index map[appbur.ObjectID]manifest.Entry, version appbur.KubeVersion) []oldUse {
	target := compat.TableTarget(version)
	gone := func(apiVersion, kind string) bool {
		group, v, ok := strings.Cut(apiVersion, "/")
		if !ok {
			group, v = "", apiVersion
		}
		return target.Serves(group, v, kind) == compat.No
	}

	counts := map[oldUse]int{}
	for _, d := range evidence.DeprecatedRequests {
		removed, err := appbur.ParseKubeVersion(d.RemovedRelease)
		if err == nil && version.AtLeast(removed.Major, removed.Minor) {
			counts[oldUse{Who: "request", API: strings.TrimPrefix(d.Group+"/"+d.Version+" "+d.Resource, "/")}] = 0
		}
	}

	for id, entry := range index {
		for _, m := range entry.Managers {
			if gone(m.APIVersion, id.Kind) {
				counts[oldUse{Who: "field manager", Name: m.Manager, API: m.APIVersion + " " + id.Kind}]++
			}
		}
	}

	for _, r := range evidence.HelmReleases {
		for _, o := range r.Objects {
			if gone(o.APIVersion, o.Kind) {
				counts[oldUse{Who: "helm release", Name: r.Namespace + "/" + r.Name, API: o.APIVersion + " " + o.Kind}]++
			}
		}
	}

	uses := make([]oldUse, 0, len(counts))
	for use := range maps.Keys(counts) {
		objects := counts[use]
		use.Objects = objects
		uses = append(uses, use)
	}

	slices.SortFunc(uses, oldUse.compare)
	return uses
}

func (e *env) printUse(uses []oldUse, evidence appbur.Evidence) {
	t := e.newTable(oldUseColumns...)
	for _, u := range uses {
		objects := ""
		switch {
		case u.Objects > 0:
			objects = fmt.Sprint(u.Objects)
		case u.Requests > 0:
			objects = fmt.Sprintf("%d calls", u.Requests)
		}
		t.add(coloured(sgrYellow, u.Who), plain(u.Name), plain(u.API), plain(objects))
	}
	t.print(e.Out)
	if !evidence.RequestsReadable && evidence.Format != 0 {
		e.warn("whether deprecated APIs are requested is not known: %s", evidence.RequestsReason)
	}
	for _, r := range evidence.HelmReleases {
		if r.Problem != "" {
			e.warn("the record of the Helm release %s/%s could not be read: %s", r.Namespace, r.Name, r.Problem)
		}
	}
}
