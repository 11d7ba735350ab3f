package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// addition describes types that k8s.io/api no longer holds, or holds without
// lifecycle methods. The releases are those of the API servers that served them.
type addition struct {
	groupVersion                    string
	kinds                           []string
	introduced, deprecated, removed string
	replacement                     string
	why                             string
}

var additions = []addition{
	{"autoscaling/v2beta1", []string{"HorizontalPodAutoscaler"}, "1.8", "1.22", "1.25", "autoscaling/v2", "deleted from k8s.io/api in v0.36"},
	{"autoscaling/v2beta2", []string{"HorizontalPodAutoscaler"}, "1.12", "1.23", "1.26", "autoscaling/v2", "deleted from k8s.io/api in v0.36"},
	{
		"autoscaling/v2alpha1",
		[]string{"HorizontalPodAutoscaler"},
		"1.6", "1.8", "1.9", "autoscaling/v2",
		"deleted from k8s.io/api before v0.18",
	},
	{"policy/v1beta1", []string{"PodSecurityPolicy"}, "1.10", "1.21", "1.25", "", "deleted from k8s.io/api in v0.29; it has no successor"},
	{"extensions/v1beta1", []string{"PodSecurityPolicy"}, "1.3", "1.11", "1.16", "policy/v1beta1", "deleted from k8s.io/api in v0.26"},
	{
		"flowcontrol.apiserver.k8s.io/v1alpha1",
		[]string{"FlowSchema", "PriorityLevelConfiguration"},
		"1.18", "1.20", "1.21",
		"flowcontrol.apiserver.k8s.io/v1", "deleted from k8s.io/api in v0.29",
	},
	{"batch/v2alpha1", []string{"CronJob"}, "1.5", "1.8", "1.21", "batch/v1", "deleted from k8s.io/api in v0.21"},
	{"settings.k8s.io/v1alpha1", []string{"PodPreset"}, "1.6", "", "1.20", "", "deleted from k8s.io/api in v0.20; it has no successor"},
	{
		"auditregistration.k8s.io/v1alpha1",
		[]string{"AuditSink"},
		"1.13", "", "1.19", "",
		"deleted from k8s.io/api in v0.19; it has no successor",
	},
	{
		"discovery.k8s.io/v1alpha1",
		[]string{"EndpointSlice"},
		"1.16", "1.17", "1.19", "discovery.k8s.io/v1",
		"deleted from k8s.io/api in v0.21",
	},
	{
		"scheduling.k8s.io/v1alpha1",
		[]string{"PriorityClass"},
		"1.8", "1.14", "1.23", "scheduling.k8s.io/v1",
		"deleted from k8s.io/api; in the OpenAPI of 1.22, not of 1.24",
	},
	{"scheduling.k8s.io/v1alpha1", []string{"Workload"}, "1.35", "", "1.36", "", "an alpha of one release"},
	{"scheduling.k8s.io/v1alpha2", []string{"Workload", "PodGroup"}, "1.36", "", "1.37", "", "an alpha of one release"},
	{
		"scheduling.k8s.io/v1alpha3",
		[]string{"Workload", "PodGroup", "CompositePodGroup"},
		"1.37", "", "", "", "no lifecycle methods; a server of 1.35 does not know them",
	},
	{
		"rbac.authorization.k8s.io/v1alpha1",
		[]string{"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
		"1.5", "1.17", "1.23",
		"rbac.authorization.k8s.io/v1", "no lifecycle methods; in the OpenAPI of 1.22, not of 1.24",
	},
	{
		"node.k8s.io/v1alpha1",
		[]string{"RuntimeClass"},
		"1.12", "1.20", "1.23", "node.k8s.io/v1",
		"no lifecycle methods; in the OpenAPI of 1.22, not of 1.24",
	},
	{"networking.k8s.io/v1alpha1", []string{"ClusterCIDR"}, "1.25", "", "1.29", "", "deleted from k8s.io/api; it has no successor"},
	{
		"networking.k8s.io/v1alpha1",
		[]string{"IPAddress", "ServiceCIDR"},
		"1.27", "1.30", "1.31", "networking.k8s.io/v1",
		"tag said 1.33, servers of 1.31 have no storage for it; deleted from k8s.io/api in v0.34",
	},
	{
		"resource.k8s.io/v1alpha1",
		[]string{"ResourceClass", "ResourceClaim", "ResourceClaimTemplate", "PodScheduling"},
		"1.26", "", "1.27", "",
		"replaced wholesale by v1alpha2",
	},
	{"resource.k8s.io/v1alpha2", []string{
		"ResourceClass", "ResourceClaim", "ResourceClaimTemplate", "PodSchedulingContext",
	}, "1.27", "", "1.31", "", "replaced wholesale by v1alpha3"},
	{
		"resource.k8s.io/v1alpha2",
		[]string{"ResourceClassParameters", "ResourceClaimParameters", "ResourceSlice"},
		"1.30", "", "1.31", "",
		"came with structured parameters, a server of 1.29 does not know them; replaced wholesale by v1alpha3",
	},
	{
		"resource.k8s.io/v1alpha3",
		[]string{"PodSchedulingContext"},
		"1.31", "", "1.32", "",
		"dropped with control plane controllers for resource claims",
	},
	{
		"resource.k8s.io/v1alpha3",
		[]string{"DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"},
		"1.31", "", "1.34",
		"resource.k8s.io/v1", "tags said 1.37, types and storage went in 1.34",
	},
	{
		"storagemigration.k8s.io/v1alpha1",
		[]string{"StorageVersionMigration"},
		"1.30", "1.33", "1.35", "storagemigration.k8s.io/v1",
		"tag said 1.36, the type went in 1.35",
	},
	{"coordination.k8s.io/v1alpha1", []string{"LeaseCandidate"}, "1.31", "", "1.32", "", "an alpha of one release"},
}

// correction repairs what the lifecycle methods say of a type that exists.
type correction struct {
	groupVersion, kind string
	repair             func(*row)
	why                string
}

var corrections = []correction{
	{"discovery.k8s.io/v1beta1", "EndpointSlice", func(r *row) { r.Introduced = "1.17" }, "tag says 1.16, absent from the OpenAPI of 1.16"},
	{
		"certificates.k8s.io/v1alpha1", "ClusterTrustBundle", func(r *row) { r.Introduced = "1.27" },
		"tag says 1.26, absent from the OpenAPI of 1.26",
	},
	{"extensions/v1beta1", "Ingress", func(r *row) { r.Replacement = "networking.k8s.io/v1" }, "stable successor, not the beta the tag names"},
}

// neverServed are types of the API modules that no API server serves under their name.
var neverServed = []schema.GroupVersionKind{
	{Version: "v1", Kind: "RangeAllocation"}, // what an API server writes into etcd for itself
}

func applyOverlay(rows map[schema.GroupVersionKind]row) error {
	for _, gvk := range neverServed {
		delete(rows, gvk)
	}
	for _, a := range additions {
		gv, err := schema.ParseGroupVersion(a.groupVersion)
		if err != nil {
			return fmt.Errorf("overlay: %w", err)
		}
		for _, kind := range a.kinds {
			gvk := gv.WithKind(kind)
			if known, ok := rows[gvk]; ok && (known.Removed != "" || known.Introduced != "") {
				return fmt.Errorf("overlay adds %s, but the API module knows it: turn it into a correction", gvk)
			}
			rows[gvk] = row{
				Group: gvk.Group, Version: gvk.Version, Kind: kind,
				Introduced: a.introduced, Deprecated: a.deprecated, Removed: a.removed,
				Replacement: a.replacement, Why: a.why,
			}
		}
	}

	for _, c := range corrections {
		gv, err := schema.ParseGroupVersion(c.groupVersion)
		if err != nil {
			return fmt.Errorf("overlay: %w", err)
		}
		r, ok := rows[gv.WithKind(c.kind)]
		if !ok {
			return fmt.Errorf("overlay corrects %s %s, which the API module no longer holds: turn it into an addition", c.groupVersion, c.kind)
		}
		c.repair(&r)
		r.Why = c.why
		rows[gv.WithKind(c.kind)] = r
	}

	return nil
}
