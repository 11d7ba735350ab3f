package capture

import (
	"bytes"
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/helm"
	"github.com/appbur/appbur/pkg/manifest"
)

// evidence collects, during a capture, what an upgrade will want to know
// of a cluster that may be gone by then.
type evidence struct {
	mu       sync.Mutex
	releases []helm.Release
	crds     []appbur.Definition
}

// see looks at one saved object. It may be called from several goroutines.
func (c *evidence) see(result manifest.Result) {
	id := result.Manifest.ID
	versions, isDefinition := result.Entry.CustomVersions()
	if !isDefinition && !mayBeHelm(id, result.Manifest.Data) {
		return
	}
	object, err := manifest.Decode(result.Manifest.Data)
	if err != nil {
		return // the manifest was just written; a restore would report it as well
	}

	if isDefinition {
		kind, _, _ := unstructured.NestedString(object, "spec", "names", "kind")
		c.mu.Lock()
		defer c.mu.Unlock()
		c.crds = append(c.crds, appbur.Definition{
			Name: id.Name, Kind: kind, Served: versions.Served,
			Storage: versions.Storage, Stored: versions.Stored, Conversion: versions.Conversion,
		})
		return
	}

	// A record that cannot be read is still evidence: its summary says why.
	release, isRecord, _ := helm.Read(object)
	if !isRecord {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.releases = helm.Latest(append(c.releases, release))
}

// mayBeHelm is a cheap look at the bytes, so that not every Secret is decoded
// again: storage drivers mark their records by type or by label.
func mayBeHelm(id appbur.ObjectID, data []byte) bool {
	if id.Group != "" || (id.Kind != "Secret" && id.Kind != "ConfigMap") {
		return false
	}
	return bytes.Contains(data, []byte("helm.sh/release.v1")) || bytes.Contains(data, []byte("owner: helm"))
}

// gather adds what the API server remembers of requests.
func (c *evidence) gather(ctx context.Context, source Source) (appbur.Evidence, error) {
	seen, err := source.Deprecations(ctx)
	switch {
	case ctx.Err() != nil:
		return appbur.Evidence{}, ctx.Err()
	case err != nil:
		// Evidence that is missing must not cost the backup, and must not look like
		// evidence that nothing was requested.
		seen.Unreadable = err.Error()
	}

	e := appbur.Evidence{
		Format: appbur.EvidenceFormat, RequestsReadable: seen.Unreadable == "", RequestsReason: seen.Unreadable,
		Definitions: c.crds,
	}
	for _, d := range seen.Requested {
		e.DeprecatedRequests = append(e.DeprecatedRequests, appbur.DeprecatedRequest{
			Group: d.Group, Version: d.Version, Resource: d.Resource, Subresource: d.Subresource, RemovedRelease: d.RemovedRelease,
		})
	}

	for _, w := range seen.Warnings {
		e.Warnings = append(e.Warnings, w.Text)
	}
	for _, r := range c.releases {
		e.HelmReleases = append(e.HelmReleases, r.Summary())
	}
	e.Sort()
	return e, nil
}
