package exporter

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// virtualGroups are API groups whose objects are computed for each request and
// stored nowhere. An aggregated server behind such a group that does not answer
// costs a backup nothing, so it is no hole in its coverage.
var virtualGroups = map[string]string{
	"metrics.k8s.io":                "usage of nodes and pods, measured at the moment (kubernetes/metrics)",
	"custom.metrics.k8s.io":         "metrics that autoscalers read, taken from a monitoring system (kubernetes/metrics)",
	"external.metrics.k8s.io":       "metrics from outside the cluster, as above (kubernetes/metrics)",
	"subresources.kubevirt.io":      "actions on virtual machines, such as consoles (KubeVirt)",
	"packages.operators.coreos.com": "a view on catalogues (Operator Lifecycle Manager)",
}

// markVirtual says of each failed group whether anything could have been missed.
func markVirtual(failed []appbur.GroupFailure) {
	for i := range failed {
		group, _, _ := strings.Cut(failed[i].GroupVersion, "/")
		_, failed[i].Virtual = virtualGroups[group]
	}
}

// anyReal reports whether something may have been missed.
func anyReal(failed []appbur.GroupFailure) bool {
	return slices.ContainsFunc(failed, func(f appbur.GroupFailure) bool { return !f.Virtual })
}
