package appbur

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EvidenceFile says what is known of the use of old API versions (restore points
// only).
const EvidenceFile = "evidence.json"

// EvidenceFormat is the version of the evidence document.
const EvidenceFormat = 1

// Evidence is what a capture learned about the use of old API versions beyond the
// objects themselves: who still asks for them, and what was written in them. It
// holds names, never values.
type Evidence struct {
	Format int `json:"format"`
	// RequestsReadable is true when the API server's metrics could be read, so that
	// no entry in DeprecatedRequests means no request. RequestsReason says why they
	// could not be read.
	RequestsReadable   bool                `json:"requestsReadable"`
	RequestsReason     string              `json:"requestsReason,omitempty"`
	DeprecatedRequests []DeprecatedRequest `json:"deprecatedRequests,omitempty"`
	// Warnings are the texts of the Warning headers that the API server sent while
	// it was read.
	Warnings     []string      `json:"warnings,omitempty"`
	HelmReleases []HelmRelease `json:"helmReleases,omitempty"`
	Definitions  []Definition  `json:"definitions,omitempty"`
}

// DeprecatedRequest is a deprecated API that somebody asked for since the API
// server started, by its metric apiserver_requested_deprecated_apis.
type DeprecatedRequest struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	// RemovedRelease is the release that stops serving it, for example "1.25". It
	// is empty when no removal is planned.
	RemovedRelease string `json:"removedRelease,omitempty"`
}

// HelmRelease is one revision of a Helm release, by the record that Helm keeps in
// the cluster.
type HelmRelease struct {
	Namespace    string `json:"namespace"`
	Name         string `json:"name"`
	Revision     int    `json:"revision"`
	Status       string `json:"status,omitempty"`
	Chart        string `json:"chart,omitempty"`
	ChartVersion string `json:"chartVersion,omitempty"`
	AppVersion   string `json:"appVersion,omitempty"`
	// Objects are those that the record holds manifests of, hooks included.
	Objects []HelmObject `json:"objects,omitempty"`
	// Problem says why the record could not be read, wholly or in part.
	Problem string `json:"problem,omitempty"`
}

// HelmObject is an object that a Helm release wrote, as the chart wrote it.
type HelmObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Namespace is empty for cluster-scoped objects, and where the chart leaves it
	// to the release.
	Namespace string `json:"namespace,omitempty"`
	// Name is empty when the server generates it.
	Name string `json:"name,omitempty"`
}

// Compare orders by namespace, kind, API version and name.
func (o HelmObject) Compare(other HelmObject) int {
	return cmp.Or(
		strings.Compare(o.Namespace, other.Namespace),
		strings.Compare(o.Kind, other.Kind),
		strings.Compare(o.APIVersion, other.APIVersion),
		strings.Compare(o.Name, other.Name),
	)
}

// Definition is what a CustomResourceDefinition says about its versions.
type Definition struct {
	// Name is that of the CustomResourceDefinition: "<plural>.<group>".
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Served are the versions that can be read, Storage the one that is written.
	Served  []string `json:"served,omitempty"`
	Storage string   `json:"storage"`
	// Stored are the versions that objects in etcd may still have.
	Stored []string `json:"stored,omitempty"`
	// Conversion is the strategy: None or Webhook.
	Conversion string `json:"conversion,omitempty"`
}

// Sort brings every list into the order of the file and drops repetitions, so
// that equal evidence has equal bytes, in whichever order it was found.
func (e *Evidence) Sort() {
	slices.SortFunc(e.DeprecatedRequests, DeprecatedRequest.compare)
	e.DeprecatedRequests = slices.Compact(e.DeprecatedRequests)
	slices.Sort(e.Warnings)
	e.Warnings = slices.Compact(e.Warnings)
	for i := range e.HelmReleases {
		release := &e.HelmReleases[i]
		slices.SortFunc(release.Objects, HelmObject.Compare)
		release.Objects = slices.Compact(release.Objects)
	}
	slices.SortFunc(e.HelmReleases, HelmRelease.compare)
	for i := range e.Definitions {
		definition := &e.Definitions[i]
		slices.Sort(definition.Served)
		slices.Sort(definition.Stored)
		definition.Served, definition.Stored = slices.Compact(definition.Served), slices.Compact(definition.Stored)
	}
	slices.SortFunc(e.Definitions, Definition.compare)
}

func (r DeprecatedRequest) compare(other DeprecatedRequest) int {
	return cmp.Or(
		strings.Compare(r.Group, other.Group),
		strings.Compare(r.Resource, other.Resource),
		strings.Compare(r.Subresource, other.Subresource),
		strings.Compare(r.Version, other.Version),
		strings.Compare(r.RemovedRelease, other.RemovedRelease),
	)
}

// compare looks at every field: one release may have two records of a revision,
// in a Secret and in a ConfigMap.
func (r HelmRelease) compare(other HelmRelease) int {
	return cmp.Or(
		strings.Compare(r.Namespace, other.Namespace),
		strings.Compare(r.Name, other.Name),
		cmp.Compare(r.Revision, other.Revision),
		strings.Compare(r.Status, other.Status),
		strings.Compare(r.Chart, other.Chart),
		strings.Compare(r.ChartVersion, other.ChartVersion),
		strings.Compare(r.AppVersion, other.AppVersion),
		strings.Compare(r.Problem, other.Problem),
		slices.CompareFunc(r.Objects, other.Objects, HelmObject.Compare),
	)
}

func (d Definition) compare(other Definition) int {
	return cmp.Or(
		strings.Compare(d.Name, other.Name),
		strings.Compare(d.Kind, other.Kind),
		strings.Compare(d.Storage, other.Storage),
		strings.Compare(d.Conversion, other.Conversion),
		slices.Compare(d.Served, other.Served),
		slices.Compare(d.Stored, other.Stored),
	)
}

// ParseEvidence reads evidence.json. It refuses formats that this release does not
// know and entries that name nothing. The result is sorted.
func ParseEvidence(data []byte) (Evidence, error) {
	var e Evidence
	if err := json.Unmarshal(data, &e); err != nil {
		return Evidence{}, fmt.Errorf("reading %s: %w", EvidenceFile, err)
	}
	if e.Format != EvidenceFormat {
		return Evidence{}, WithHint(
			fmt.Errorf("%s has format %d, this release reads format %d", EvidenceFile, e.Format, EvidenceFormat),
			"use the appbur release that wrote it, or a later one")
	}
	if err := e.check(); err != nil {
		return Evidence{}, fmt.Errorf("reading %s: %w", EvidenceFile, err)
	}
	e.Sort()
	return e, nil
}

func (e Evidence) check() error {
	if e.RequestsReadable && e.RequestsReason != "" {
		return errors.New("requests are readable, and there is a reason why not")
	}
	if !e.RequestsReadable && len(e.DeprecatedRequests) > 0 {
		return errors.New("requests are not readable, and there are some")
	}

	for _, r := range e.DeprecatedRequests {
		if r.Version == "" || r.Resource == "" {
			return fmt.Errorf("deprecated request %q has no version or no resource", r.Group+"/"+r.Version+"/"+r.Resource)
		}
		if r.RemovedRelease == "" {
			continue
		}
		if _, err := ParseKubeVersion(r.RemovedRelease); err != nil {
			return fmt.Errorf("deprecated request %s: %w", r.Resource, err)
		}
	}

	for _, release := range e.HelmReleases {
		if release.Name == "" || release.Revision < 0 {
			return fmt.Errorf("helm release %q in %q has no name or a negative revision", release.Name, release.Namespace)
		}
		for _, o := range release.Objects {
			if o.APIVersion == "" || o.Kind == "" {
				return fmt.Errorf("helm release %s/%s: an object has no apiVersion or no kind", release.Namespace, release.Name)
			}
		}
	}

	for _, d := range e.Definitions {
		if d.Name == "" || d.Kind == "" || d.Storage == "" {
			return fmt.Errorf("definition %q has no name, no kind or no storage version", d.Name)
		}
	}
	return nil
}
