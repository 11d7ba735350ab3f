package compat

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
)

// GroupVersionKind names one version of one kind. The core group is "".
type GroupVersionKind struct {
	Group, Version, Kind string
}

// GVKOf reads apiVersion and kind of an object. It reports false when either is
// missing or malformed.
func GVKOf(obj map[string]any) (GroupVersionKind, bool) {
	apiVersion, _ := obj["apiVersion"].(string)
	kind, _ := obj["kind"].(string)
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	if version == "" || kind == "" || strings.Contains(version, "/") || (grouped && group == "") {
		return GroupVersionKind{}, false
	}
	return GroupVersionKind{Group: group, Version: version, Kind: kind}, true
}

// APIVersion returns the value of the field apiVersion: "v1", "apps/v1".
func (gvk GroupVersionKind) APIVersion() string {
	if gvk.Group == "" {
		return gvk.Version
	}
	return gvk.Group + "/" + gvk.Version
}

// GroupKind returns the kind without its version.
func (gvk GroupVersionKind) GroupKind() appbur.GroupKind {
	return appbur.GroupKind{Group: gvk.Group, Kind: gvk.Kind}
}

// String returns "apps/v1 Deployment".
func (gvk GroupVersionKind) String() string { return gvk.APIVersion() + " " + gvk.Kind }

// stability orders the stages of an API version.
type stability int

const (
	notKubernetes stability = iota // a name that follows no convention, e.g. "2021-01-01"
	alpha
	beta
	stable
)

var kubeVersionName = regexp.MustCompile(`^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$`)

func parseVersionName(version string) (stage stability, major, minor int) {
	m := kubeVersionName.FindStringSubmatch(version)
	if m == nil {
		return notKubernetes, 0, 0
	}
	// The pattern admits digits only; numbers too big for an int saturate, which
	// keeps them last among their stage.
	major, _ = strconv.Atoi(m[1])
	switch m[2] {
	case "":
		return stable, major, 0
	case "beta":
		minor, _ = strconv.Atoi(m[3])
		return beta, major, minor
	default:
		minor, _ = strconv.Atoi(m[3])
		return alpha, major, minor
	}
}

// CompareVersions orders API version names as Kubernetes does: v1 above v1beta2
// above v1beta1 above v1alpha1, a higher number above a lower one, and names that
// follow no convention last, in reverse alphabetical order of preference. The
// result is positive when a is preferred.
func CompareVersions(a, b string) int {
	aStage, aMajor, aMinor := parseVersionName(a)
	bStage, bMajor, bMinor := parseVersionName(b)
	return cmp.Or(cmp.Compare(aStage, bStage), cmp.Compare(aMajor, bMajor), cmp.Compare(aMinor, bMinor), strings.Compare(b, a))
}
