package manifest

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/appbur/appbur"
)

// Selection holds for the objects that match each of its parts; a part that is
// empty matches all. In Kinds, Namespaces and Names, "*" and "?" match any
// characters. A namespace selects what is in it and the Namespace itself.
type Selection struct {
	Kinds      []string
	Namespaces []string
	Names      []string
	// Labels is a label selector as kubectl takes it. It is the zero value, or made
	// by [ParsePolicy], in a selection that is valid.
	Labels labels.Selector
}

// String writes the selection as it can be compared: the order of patterns does not
// matter and is not kept.
func (c Selection) String() string {
	var parts []string
	part := func(name string, patterns []string) {
		if len(patterns) > 0 {
			parts = append(parts, name+" "+strings.Join(slices.Compact(slices.Sorted(slices.Values(patterns))), " or "))
		}
	}
	part("kind", c.Kinds)
	part("namespace", c.Namespaces)
	part("name", c.Names)
	if c.Labels != nil && !c.Labels.Empty() {
		parts = append(parts, "labels "+c.Labels.String())
	}
	if len(parts) == 0 {
		return anything
	}
	return strings.Join(parts, ", ")
}

// anything is the text of the selection that has no parts.
const anything = "anything"

func (c Selection) holds(s subject) bool {
	id := s.object.id
	if len(c.Kinds) > 0 && !slices.ContainsFunc(c.Kinds, func(selector string) bool { return selects(selector, id.GroupKind()) }) {
		return false
	}
	if len(c.Namespaces) > 0 {
		namespace := id.Namespace
		if id.GroupKind() == (appbur.GroupKind{Kind: "Namespace"}) {
			namespace = id.Name
		}
		if namespace == "" || !anyMatches(c.Namespaces, namespace) {
			return false
		}
	}
	if len(c.Names) > 0 && !anyMatches(c.Names, id.Name) {
		return false
	}
	return c.Labels == nil || c.Labels.Matches(labelsOf(s.object))
}

// reaches reports whether the selection can hold for an object of the kind.
func (c Selection) reaches(gk appbur.GroupKind) bool {
	return len(c.Kinds) == 0 || slices.ContainsFunc(c.Kinds, func(selector string) bool { return selects(selector, gk) })
}

// covers reports whether all that other holds for, this one certainly holds for.
// It may say false of selections that do, never true of those that do not.
func (c Selection) covers(other Selection) bool {
	covered := func(ours, theirs []string, matches func(pattern, text string) bool) bool {
		if len(ours) == 0 {
			return true
		}
		return len(theirs) > 0 && !slices.ContainsFunc(theirs, func(text string) bool {
			return !slices.ContainsFunc(ours, func(pattern string) bool { return matches(pattern, text) })
		})
	}
	if c.Labels != nil && !c.Labels.Empty() && (other.Labels == nil || c.Labels.String() != other.Labels.String()) {
		return false
	}
	return covered(c.Kinds, other.Kinds, wider) && covered(c.Namespaces, other.Namespaces, wider) && covered(c.Names, other.Names, wider)
}

// wider reports whether a pattern matches all that another matches.
func wider(pattern, other string) bool {
	return pattern == other || pattern == "*" || !strings.ContainsAny(other, "*?") && matches(pattern, other)
}

func anyMatches(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, text) })
}

func labelsOf(o *object) labels.Set {
	fields, _ := o.metadata["labels"].(map[string]any)
	set := make(labels.Set, len(fields))
	for key, value := range fields {
		if text, ok := value.(string); ok {
			set[key] = text
		}
	}
	return set
}

// needed holds for what a partial capture cannot be restored without: a Namespace
// that one of the selections may select something in, and a
// CustomResourceDefinition whose objects one of them may select. It looks at one
// object at a time, so it holds for all that might be needed.
type needed struct{ selections []Selection }

func (c needed) String() string {
	texts := make([]string, len(c.selections))
	for i, s := range c.selections {
		texts[i] = fmt.Sprintf("(%s)", s)
	}
	return "namespace or definition of " + strings.Join(texts, " or ")
}

var (
	namespaceKind  = appbur.GroupKind{Kind: "Namespace"}
	definitionKind = appbur.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

func (c needed) holds(s subject) bool {
	switch s.object.id.GroupKind() {
	case namespaceKind:
		return slices.ContainsFunc(c.selections, func(each Selection) bool {
			return len(each.Namespaces) == 0 && !each.clusterWide() || anyMatches(each.Namespaces, s.object.id.Name)
		})
	case definitionKind:
		spec, _ := s.object.content["spec"].(map[string]any)
		names, _ := spec["names"].(map[string]any)
		var gk appbur.GroupKind
		gk.Group, _ = spec["group"].(string)
		gk.Kind, _ = names["kind"].(string)
		return slices.ContainsFunc(c.selections, func(each Selection) bool { return each.reaches(gk) })
	default:
		return false
	}
}

func (c needed) reaches(gk appbur.GroupKind) bool { return gk == namespaceKind || gk == definitionKind }

// clusterWide reports whether the selection is certainly about objects without a
// namespace only, as far as it is known from the built-in kinds.
func (c Selection) clusterWide() bool {
	return len(c.Kinds) > 0 && !slices.ContainsFunc(c.Kinds, func(kind string) bool { return !clusterKinds[kind] })
}

// clusterKinds are the built-in kinds without a namespace that are saved.
var clusterKinds = map[string]bool{
	"Namespace": true, "PersistentVolume": true,
	"APIService.apiregistration.k8s.io":                             true,
	"ClusterRole.rbac.authorization.k8s.io":                         true,
	"ClusterRoleBinding.rbac.authorization.k8s.io":                  true,
	"ClusterTrustBundle.certificates.k8s.io":                        true,
	"CSIDriver.storage.k8s.io":                                      true,
	"CustomResourceDefinition.apiextensions.k8s.io":                 true,
	"DeviceClass.resource.k8s.io":                                   true,
	"FlowSchema.flowcontrol.apiserver.k8s.io":                       true,
	"IngressClass.networking.k8s.io":                                true,
	"MutatingAdmissionPolicy.admissionregistration.k8s.io":          true,
	"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":   true,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":     true,
	"PriorityClass.scheduling.k8s.io":                               true,
	"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io":       true,
	"RuntimeClass.node.k8s.io":                                      true,
	"StorageClass.storage.k8s.io":                                   true,
	"ValidatingAdmissionPolicy.admissionregistration.k8s.io":        true,
	"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": true,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io":   true,
	"VolumeAttributesClass.storage.k8s.io":                          true,
}
