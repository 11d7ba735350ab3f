package restore

import (
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// referenceRule finds the objects that an object names and that should be there
// before it. What it finds orders steps and nothing else: the referenced object
// may be missing, or fail, and the one that names it is applied all the same,
// as it would be in any cluster.
type referenceRule struct {
	name   string
	reason string
	// kinds that the rule looks at; empty for every kind that no other rule names.
	kinds []appbur.GroupKind
	find  func(o Object, s *scope) []appbur.ObjectID
	// orderOnly references are to objects that the other one can do without.
	orderOnly bool
}

// scope is what a rule can read about the rest of the restore point.
type scope struct {
	// claims holds the names of all claims by namespace, sorted.
	claims map[string][]string
	// addressed are the restored Services that chose their address, sorted.
	addressed []appbur.ObjectID
	// podsIn are the namespaces of restored Pods.
	podsIn map[string]bool
	// leftEmpty are the kinds of which a restored object names no class.
	leftEmpty map[appbur.GroupKind]bool
}

func newScope() *scope {
	return &scope{claims: make(map[string][]string), podsIn: make(map[string]bool), leftEmpty: make(map[appbur.GroupKind]bool)}
}

// scopeOf is the scope of drafts, which are sorted.
func scopeOf(drafts []*draft) *scope {
	s := newScope()
	for _, d := range drafts {
		s.add(d.object.ID, d.object.open, !d.blocked)
	}
	return s
}

// add takes in one more object. They come sorted.
func (s *scope) add(id appbur.ObjectID, open func() Object, restored bool) {
	kind := id.GroupKind()
	if kind == kindClaim {
		s.claims[id.Namespace] = append(s.claims[id.Namespace], id.Name)
	}
	if !restored {
		return
	}

	switch kind {
	case kindPod:
		s.podsIn[id.Namespace] = true
	case kindService:
		if chosenAddress(open()) != "" {
			s.addressed = append(s.addressed, id)
		}
	}
	for _, class := range defaultClasses {
		if kind == class.user && !s.leftEmpty[kind] {
			s.leftEmpty[kind] = class.leftEmpty(open())
		}
	}
}

var (
	kindPod            = appbur.GroupKind{Kind: "Pod"}
	kindNamespace      = appbur.GroupKind{Kind: "Namespace"}
	kindSecret         = appbur.GroupKind{Kind: "Secret"}
	kindConfigMap      = appbur.GroupKind{Kind: "ConfigMap"}
	kindService        = appbur.GroupKind{Kind: "Service"}
	kindServiceAccount = appbur.GroupKind{Kind: "ServiceAccount"}
	kindClaim          = appbur.GroupKind{Kind: "PersistentVolumeClaim"}
	kindVolume         = appbur.GroupKind{Kind: "PersistentVolume"}
	kindStorageClass   = appbur.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}
	kindPriorityClass  = appbur.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	kindRuntimeClass   = appbur.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
	kindIngress        = appbur.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	kindIngressClass   = appbur.GroupKind{Group: "networking.k8s.io", Kind: "IngressClass"}
	kindDefinition     = appbur.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	kindAPIService     = appbur.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}
	kindStatefulSet    = appbur.GroupKind{Group: "apps", Kind: "StatefulSet"}
)

// referenceRules is the table. Every rule has a reason, and a golden plan in
// testdata/plan in which it decides.
var referenceRules = []referenceRule{
	{
		name: "pod-template", reason: "pods are refused or wait without what their template names",
		kinds: podKinds(), find: podReferences,
	},
	{
		name: "stateful-claims", reason: "a stateful set adopts the claims that carry its names, and makes empty ones for those it misses",
		kinds: []appbur.GroupKind{kindStatefulSet}, find: statefulReferences,
	},
	{
		name: "claim", reason: "a claim is bound by its class, or to the volume it names",
		kinds: []appbur.GroupKind{kindClaim},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			refs.add(kindStorageClass, "", text(o.Content, "spec", "storageClassName"))
			refs.add(kindVolume, "", text(o.Content, "spec", "volumeName"))
			return refs
		},
	},
	{
		name: "volume", reason: "a volume belongs to a class and uses secrets to attach",
		kinds: []appbur.GroupKind{kindVolume},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			refs.add(kindStorageClass, "", text(o.Content, "spec", "storageClassName"))
			for _, key := range []string{
				"nodeStageSecretRef", "nodePublishSecretRef", "controllerPublishSecretRef", "controllerExpandSecretRef",
				"nodeExpandSecretRef",
			} {
				ref := field(o.Content, "spec", "csi", key)
				refs.add(kindSecret, text(ref, "namespace"), text(ref, "name"))
			}
			return refs
		},
	},
	{
		name: "service-address", reason: "an address that is assigned at random must not be one that another service requests",
		kinds: []appbur.GroupKind{kindService}, find: addressReferences, orderOnly: true,
	},
	{
		name: "service-account", reason: "pods take the pull secrets from their account when they are made",
		kinds: []appbur.GroupKind{kindServiceAccount},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			for _, key := range []string{"secrets", "imagePullSecrets"} {
				for _, s := range list(o.Content, key) {
					refs.add(kindSecret, o.ID.Namespace, text(s, "name"))
				}
			}
			return refs
		},
	},
	{
		name: "token-secret", reason: "a token secret is refused without its account",
		kinds: []appbur.GroupKind{kindSecret},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			refs.add(kindServiceAccount, o.ID.Namespace, text(o.Content, "metadata", "annotations", "kubernetes.io/service-account.name"))
			return refs
		},
	},
	{
		name: "binding", reason: "a binding grants nothing until its role exists, and names its subjects",
		kinds: []appbur.GroupKind{kindClusterRoleBinding, kindRoleBinding},
		find:  bindingReferences,
	},
	{
		name: "ingress", reason: "an ingress names its class, its certificates and its services",
		kinds: []appbur.GroupKind{kindIngress}, find: ingressReferences,
	},
	{
		name: "autoscaler", reason: "an autoscaler acts on a workload that is there",
		kinds: []appbur.GroupKind{{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			refs.addTyped(o.ID.Namespace, dict(o.Content, "spec", "scaleTargetRef"))
			return refs
		},
	},
	{
		name: "webhook", reason: "a webhook without its backend refuses what it should judge",
		kinds: []appbur.GroupKind{
			{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"},
			{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"},
		},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			for _, hook := range list(o.Content, "webhooks") {
				service := field(hook, "clientConfig", "service")
				refs.add(kindService, text(service, "namespace"), text(service, "name"))
			}
			return refs
		},
	},
	{
		name: "policy-binding", reason: "a binding puts the policy it names in force",
		kinds: []appbur.GroupKind{
			{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"},
			{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"},
		},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			policy := appbur.GroupKind{Group: o.ID.Group, Kind: strings.TrimSuffix(o.ID.Kind, "Binding")}
			refs.add(policy, "", text(o.Content, "spec", "policyName"))
			return refs
		},
	},
	{
		name: "aggregated-api", reason: "an aggregated API is served by a service",
		kinds: []appbur.GroupKind{kindAPIService},
		find: func(o Object, _ *scope) []appbur.ObjectID {
			var refs idList
			service := field(o.Content, "spec", "service")
			refs.add(kindService, text(service, "namespace"), text(service, "name"))
			return refs
		},
	},
	{
		name: "certificate", reason: "cert-manager issues anew what it finds no Secret of",
		kinds: []appbur.GroupKind{kindCertificate}, find: certificateReferences,
	},
	{
		name:   "typed-reference",
		reason: "custom resources name others as {apiVersion, kind, name}; their controllers complain about those that are missing",
		find:   typedReferences,
	},
}

// references returns what the object names, sorted, without the object itself.
func references(o Object, s *scope) []appbur.ObjectID { return namedBy(o, s, false) }

// dependencies returns those of the references that the object cannot do without.
func dependencies(o Object, s *scope) []appbur.ObjectID { return namedBy(o, s, true) }

func namedBy(o Object, s *scope, needed bool) []appbur.ObjectID {
	var refs []appbur.ObjectID
	named := false
	for _, rule := range referenceRules {
		if len(rule.kinds) == 0 && !named || slices.Contains(rule.kinds, o.ID.GroupKind()) {
			named = true
			if needed && rule.orderOnly {
				continue
			}
			refs = append(refs, rule.find(o, s)...)
		}
	}
	slices.SortFunc(refs, appbur.ObjectID.Compare)
	refs = slices.Compact(refs)
	return slices.DeleteFunc(refs, func(id appbur.ObjectID) bool { return id == o.ID })
}

// idList collects references; those without a name are no references.
type idList []appbur.ObjectID

func (l *idList) add(kind appbur.GroupKind, namespace, name string) {
	if name != "" {
		*l = append(*l, appbur.ObjectID{Group: kind.Group, Kind: kind.Kind, Namespace: namespace, Name: name})
	}
}

// addTyped adds what {apiVersion or apiGroup, kind, name, namespace} names. The
// object may be cluster-scoped, which the reference does not say; both ids are
// added, and the one that does not exist is no edge.
func (l *idList) addTyped(namespace string, ref map[string]any) {
	group := text(ref, "apiGroup")
	if apiVersion := text(ref, "apiVersion"); apiVersion != "" {
		group = groupOf(apiVersion)
	}
	kind := appbur.GroupKind{Group: group, Kind: text(ref, "kind")}
	if kind.Kind == "" {
		return
	}
	if other := text(ref, "namespace"); other != "" {
		namespace = other
	}
	l.add(kind, "", text(ref, "name"))
	if namespace != "" {
		l.add(kind, namespace, text(ref, "name"))
	}
}

func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

func bindingReferences(o Object, _ *scope) []appbur.ObjectID {
	var refs idList
	role := field(o.Content, "roleRef")
	namespace := o.ID.Namespace
	if text(role, "kind") == "ClusterRole" {
		namespace = ""
	}
	refs.add(appbur.GroupKind{Group: o.ID.Group, Kind: text(role, "kind")}, namespace, text(role, "name"))
	for _, subject := range list(o.Content, "subjects") {
		if text(subject, "kind") == "ServiceAccount" {
			refs.add(kindServiceAccount, text(subject, "namespace"), text(subject, "name"))
		}
	}
	return refs
}

func ingressReferences(o Object, _ *scope) []appbur.ObjectID {
	var refs idList
	backend := func(b any) { refs.add(kindService, o.ID.Namespace, text(b, "service", "name")) }
	refs.add(kindIngressClass, "", text(o.Content, "spec", "ingressClassName"))
	backend(field(o.Content, "spec", "defaultBackend"))
	for _, t := range list(o.Content, "spec", "tls") {
		refs.add(kindSecret, o.ID.Namespace, text(t, "secretName"))
	}
	for _, rule := range list(o.Content, "spec", "rules") {
		for _, p := range list(rule, "http", "paths") {
			backend(field(p, "backend"))
		}
	}
	return refs
}

// addressReferences returns the Services that requested their address, of one that
// did not.
func addressReferences(o Object, s *scope) []appbur.ObjectID {
	if chosenAddress(o) != "" || text(o.Content, "spec", "clusterIP") != "" {
		return nil
	}
	return s.addressed
}

// typedReferences walks the complete spec of a custom resource.
func typedReferences(o Object, _ *scope) []appbur.ObjectID {
	var refs idList
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if text(v, "kind") != "" && text(v, "name") != "" {
				refs.addTyped(o.ID.Namespace, v)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}

	walk(o.Content["spec"])
	return refs
}
