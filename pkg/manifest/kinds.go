package manifest

import "github.com/appbur/appbur"

// Selectors of kinds that match many. Any other selector is a kind as
// [appbur.GroupKind.String] writes it, "Pod" or "Deployment.apps", or a pattern of
// such, in which "*" and "?" match any characters: "*.cattle.io".
const (
	// EveryKind selects all kinds.
	EveryKind = "every kind"
	// BuiltInKinds selects the kinds that Kubernetes itself serves.
	BuiltInKinds = "built-in kinds"
	// CustomKinds selects all others: custom resources and what aggregated API
	// servers serve.
	CustomKinds = "custom kinds"
)

// builtInGroups are the API groups that kube-apiserver has served from 1.16 on.
// The suffix k8s.io alone is not enough: CustomResourceDefinitions use it too
// (gateway.networking.k8s.io, snapshot.storage.k8s.io).
var builtInGroups = map[string]bool{
	"":                             true,
	"admissionregistration.k8s.io": true,
	"apiextensions.k8s.io":         true,
	"apiregistration.k8s.io":       true,
	"apps":                         true,
	"auditregistration.k8s.io":     true,
	"authentication.k8s.io":        true,
	"authorization.k8s.io":         true,
	"autoscaling":                  true,
	"batch":                        true,
	"certificates.k8s.io":          true,
	"coordination.k8s.io":          true,
	"discovery.k8s.io":             true,
	"events.k8s.io":                true,
	"extensions":                   true,
	"flowcontrol.apiserver.k8s.io": true,
	"imagepolicy.k8s.io":           true,
	"internal.apiserver.k8s.io":    true,
	"networking.k8s.io":            true,
	"node.k8s.io":                  true,
	"policy":                       true,
	"rbac.authorization.k8s.io":    true,
	"resource.k8s.io":              true,
	"scheduling.k8s.io":            true,
	"settings.k8s.io":              true,
	"storage.k8s.io":               true,
	"storagemigration.k8s.io":      true,
}

// IsBuiltIn reports whether kube-apiserver itself serves the group.
func IsBuiltIn(group string) bool { return builtInGroups[group] }

func selects(selector string, gk appbur.GroupKind) bool {
	switch selector {
	case EveryKind:
		return true
	case BuiltInKinds:
		return IsBuiltIn(gk.Group)
	case CustomKinds:
		return !IsBuiltIn(gk.Group)
	default:
		return matches(selector, gk.String())
	}
}

// podTemplates says where the kinds that make pods keep the template.
var podTemplates = []struct{ kind, path string }{
	{"Deployment.apps", "spec.template"},
	{"DaemonSet.apps", "spec.template"},
	{"StatefulSet.apps", "spec.template"},
	{"ReplicaSet.apps", "spec.template"},
	{"ReplicationController", "spec.template"},
	{"Job.batch", "spec.template"},
	{"CronJob.batch", "spec.jobTemplate.spec.template"},
	{"PodTemplate", "template"},
}
