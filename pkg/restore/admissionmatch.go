package restore

import (
	"fmt"
	"slices"
	"strings"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/appbur/appbur"
)

// write is a request as admission sees it.
type write struct {
	object     appbur.ObjectID
	apiVersion string
	// resource is its name in addresses, with "/status" for a status.
	resource  string
	operation admission.OperationType
	// labels are those of the object as it becomes and as it is, nil where it is not there.
	labels, before map[string]string
	// around are the labels of its namespace.
	around map[string]string
	// byController is true for what the restore does not write itself.
	byController bool
}

// matcher decides for which requests a webhook is called, as the API server does
// (k8s.io/apiserver/pkg/admission/plugin/webhook/predicates).
type matcher struct {
	rules      []admission.RuleWithOperations
	namespaces labels.Selector
	objects    labels.Selector
	// exact is true where other versions of a resource do not count.
	exact bool
}

func matcherOf(hook *admission.ValidatingWebhook) (matcher, error) {
	m := matcher{rules: hook.Rules, exact: hook.MatchPolicy != nil && *hook.MatchPolicy == admission.Exact}
	var err error
	if m.namespaces, err = selectorOf(hook.NamespaceSelector); err != nil {
		return m, fmt.Errorf("namespaceSelector: %w", err)
	}
	if m.objects, err = selectorOf(hook.ObjectSelector); err != nil {
		return m, fmt.Errorf("objectSelector: %w", err)
	}
	return m, nil
}

// selectorOf reads a selector; one that is absent selects all.
func selectorOf(s *metav1.LabelSelector) (labels.Selector, error) {
	if s == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(s)
}

// matches reports whether the webhook is called for a request. Webhooks are never called for what
// configures them.
func (m matcher) matches(w write) bool {
	if w.object.Group == admission.GroupName {
		return false
	}
	if !slices.ContainsFunc(m.rules, func(r admission.RuleWithOperations) bool { return m.ruleMatches(r, w) }) {
		return false
	}
	return m.namespaceMatches(w) && m.objectMatches(w)
}

// mayMatch reports whether there are requests about the kind of object for which the webhook is called.
func (m matcher) mayMatch(w write) bool {
	if w.object.Group == admission.GroupName {
		return false
	}
	for _, w.operation = range []admission.OperationType{admission.Create, admission.Update, admission.Delete} {
		for _, subresource := range []string{"", "/status"} {
			about := w
			about.resource += subresource
			if slices.ContainsFunc(m.rules, func(r admission.RuleWithOperations) bool { return m.ruleMatches(r, about) }) {
				return true
			}
		}
	}
	return false
}

func (m matcher) ruleMatches(r admission.RuleWithOperations, w write) bool {
	group, version := groupOf(w.apiVersion), w.apiVersion[strings.Index(w.apiVersion, "/")+1:]
	scope := admission.AllScopes
	if r.Scope != nil {
		scope = *r.Scope
	}
	return (slices.Contains(r.Operations, admission.OperationAll) || slices.Contains(r.Operations, w.operation)) &&
		holdsWord(r.APIGroups, group) && (!m.exact || holdsWord(r.APIVersions, version)) &&
		slices.ContainsFunc(r.Resources, func(pattern string) bool { return resourceMatches(pattern, w.resource) }) &&
		(scope == admission.AllScopes || (scope == admission.NamespacedScope) == (w.object.Namespace != ""))
}

func holdsWord(list []string, word string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, word)
}

// resourceMatches compares a resource with a pattern such as pods, */status or *.
func resourceMatches(pattern, resource string) bool {
	wanted, wantedSub, _ := strings.Cut(pattern, "/")
	name, sub, _ := strings.Cut(resource, "/")
	return (wanted == "*" || wanted == name) && (wantedSub == "*" || wantedSub == sub)
}

// namespaceMatches applies the selector of namespaces: to the namespace of the object, to a namespace
// itself, and to nothing else.
func (m matcher) namespaceMatches(w write) bool {
	switch {
	case w.object.Namespace != "":
		return m.namespaces.Matches(labels.Set(w.around))
	case w.object.GroupKind() == kindNamespace:
		return w.labels != nil && m.namespaces.Matches(labels.Set(w.labels)) ||
			w.labels == nil && m.namespaces.Matches(labels.Set(w.before))
	}
	return true
}

// objectMatches applies the selector of objects, to either form.
func (m matcher) objectMatches(w write) bool {
	return w.labels != nil && m.objects.Matches(labels.Set(w.labels)) || w.before != nil && m.objects.Matches(labels.Set(w.before))
}
