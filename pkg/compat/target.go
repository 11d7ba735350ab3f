package compat

import (
	"slices"

	"github.com/appbur/appbur"
)

// Answer is what a target says to a question. The zero value claims nothing.
type Answer int

// The answers.
const (
	Unsure Answer = iota
	No
	Yes
)

// String returns "unsure", "no" or "yes".
func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case No:
		return "no"
	default:
		return "unsure"
	}
}

// Target is the cluster that objects shall live in.
type Target interface {
	// Version is the release of the API server.
	Version() appbur.KubeVersion
	// Serves says whether the target serves this version of the kind.
	Serves(group, version, kind string) Answer
	// Versions lists the versions of the kind that are surely served, the most
	// preferred first.
	Versions(group, kind string) []string
}

// TableTarget is a target of which only the release is known. It answers from
// the lifecycle table, and is unsure about custom resources and about alpha and
// beta types that a cluster serves only when it is configured to.
func TableTarget(v appbur.KubeVersion) Target { return tableTarget{version: v} }

type tableTarget struct{ version appbur.KubeVersion }

func (t tableTarget) Version() appbur.KubeVersion { return t.version }

func (t tableTarget) Serves(group, version, kind string) Answer {
	gvk := GroupVersionKind{Group: group, Version: version, Kind: kind}
	life, ok := Lifecycle(gvk)
	if !ok {
		if builtIn(gvk.GroupKind()) {
			return No
		}
		return Unsure
	}
	if reached(t.version, life.Removed) || (!life.Introduced.IsZero() && !reached(t.version, life.Introduced)) {
		return No
	}

	switch stage, _, _ := parseVersionName(version); {
	case stage == stable:
		return Yes
	case stage == beta && onByDefault(gvk, life):
		return Yes
	default:
		return Unsure
	}
}

func (t tableTarget) Versions(group, kind string) []string {
	var served []string
	for _, version := range lifecycle().versions[appbur.GroupKind{Group: group, Kind: kind}] {
		if t.Serves(group, version, kind) == Yes {
			served = append(served, version)
		}
	}
	return served
}

// betaOffSince is the release from which new beta types are off by default
// (KEP-3136). New versions of betas that were on before stayed on.
var betaOffSince = appbur.KubeVersion{Major: 1, Minor: 24}

// betaOn lists the betas introduced since then that are on all the same.
var betaOn = map[GroupVersionKind]string{
	{"flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema"}:                 "a new version of a beta that was on before 1.24",
	{"flowcontrol.apiserver.k8s.io", "v1beta3", "PriorityLevelConfiguration"}: "a new version of a beta that was on before 1.24",
}

func onByDefault(gvk GroupVersionKind, life Life) bool {
	if _, ok := betaOn[gvk]; ok {
		return true
	}
	return !life.Introduced.AtLeast(betaOffSince.Major, betaOffSince.Minor)
}

// reached reports whether v is at or after a release that is known.
func reached(v, release appbur.KubeVersion) bool {
	return !release.IsZero() && v.AtLeast(release.Major, release.Minor)
}

// NewDiscoveryTarget is a target whose discovery was read: served lists, per kind, every
// version that its discovery shows. What is not listed is not served.
func NewDiscoveryTarget(v appbur.KubeVersion, served map[appbur.GroupKind][]string) Target {
	t := discoveryTarget{version: v, served: make(map[appbur.GroupKind][]string, len(served))}
	for gk, versions := range served {
		t.served[gk] = sortedVersions(versions)
	}
	return t
}

type discoveryTarget struct {
	version appbur.KubeVersion
	served  map[appbur.GroupKind][]string
}

func (t discoveryTarget) Version() appbur.KubeVersion { return t.version }

func (t discoveryTarget) Serves(group, version, kind string) Answer {
	if slices.Contains(t.served[appbur.GroupKind{Group: group, Kind: kind}], version) {
		return Yes
	}
	return No
}

func (t discoveryTarget) Versions(group, kind string) []string {
	return slices.Clone(t.served[appbur.GroupKind{Group: group, Kind: kind}])
}

func sortedVersions(versions []string) []string {
	sorted := slices.Clone(versions)
	slices.SortFunc(sorted, func(a, b string) int { return CompareVersions(b, a) })
	return slices.Compact(sorted)
}
