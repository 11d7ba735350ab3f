package accessrules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// right is one verb on one resource, or on a path that is no resource.
type right struct {
	// namespace is "" for the whole cluster.
	namespace string
	group     string
	resource  string
	// name is the only object that is meant, "" for all of them.
	name string
	path string
	verb string
	why  string
}

// The reasons. Each stands once in what is printed, before the rules that have it.
const (
	whySaved    = "what is saved is listed, and then watched"
	whyIdentity = "the uid of this namespace says which cluster it is"
	whyTypes    = "they prove which types exist, and which are gone"
	whyPoints   = "restore points note which deprecated APIs are in use"
	whyApps     = "applications are found by their Services (apps.find)"
	whyCommands = "commands of applications run in pods of this namespace (docs/programs.md)"
	whyDeclared = "ConfigMaps of this namespace declare commands of applications (apps.commands)"
	whyLease    = "the Lease says which of several daemons writes (leaderElection)"
	whyEvents   = "Events on the Lease tell what is wrong; without this right there are none"
	whyService  = "the Service for audit events leads to the daemon that leads (audit.webhook.service)"
	whyToken    = "applications ask whether this account may export their state (apps.tokenFile)"
)

// always are the rights that every daemon uses, whatever it saves.
var always = []right{
	{resource: "namespaces", name: "kube-system", verb: "get", why: whyIdentity},
	{resource: "namespaces", verb: "list", why: whyIdentity},
	{group: "apiextensions.k8s.io", resource: "customresourcedefinitions", verb: "list", why: whyTypes},
	{group: "apiregistration.k8s.io", resource: "apiservices", verb: "list", why: whyTypes},
}

// finding are those that look for applications.
var finding = []right{
	{resource: "services", verb: "list", why: whyApps},
	{group: "discovery.k8s.io", resource: "endpointslices", verb: "list", why: whyApps},
	{resource: "configmaps", verb: "get", why: whyApps}, // their authorities
}

// exporting is the right that an application asks about (pkg/contract/kubeauth).
func exporting(app appbur.AppKey) right {
	return right{namespace: app.Namespace, group: "appbur.dev", resource: "exports", name: app.Name, verb: "create", why: whyToken}
}

// running are the rights to choose a pod and to run commands in it. Servers that want another right for WebSockets get
// the commands by SPDY.
func running(namespace string) []right {
	to := func(resource, verb string) right {
		return right{namespace: namespace, resource: resource, verb: verb, why: whyCommands}
	}
	return []right{to("pods", "get"), to("pods", "list"), to("pods/exec", "create")}
}

// declaring are the rights to read what ConfigMaps declare.
func declaring(namespace string) []right {
	to := func(verb string) right {
		return right{namespace: namespace, resource: "configmaps", verb: verb, why: whyDeclared}
	}
	return []right{to("get"), to("list")}
}

// electing are the rights to a Lease, and to what is told of it. A request that creates an object has no name that could be allowed.
func (l Lease) electing() []right {
	to := func(verb, name string) right {
		return right{namespace: l.Namespace, group: "coordination.k8s.io", resource: "leases", name: name, verb: verb, why: whyLease}
	}
	telling := func(verb string) right {
		return right{namespace: l.Namespace, group: "events.k8s.io", resource: "events", verb: verb, why: whyEvents}
	}
	return []right{
		to("create", ""), to("get", l.Name), to("patch", l.Name), to("update", l.Name), telling("create"), telling("patch"),
	}
}

// leading are the rights to the EndpointSlice of a Service. A request that creates an object has no name that could be allowed.
func leading(namespace, service string) []right {
	to := func(verb, name string) right {
		return right{
			namespace: namespace, group: "discovery.k8s.io", resource: "endpointslices", name: name, verb: verb, why: whyService,
		}
	}
	return []right{to("create", ""), to("get", service), to("update", service)}
}

// rights are all that the work needs, each once.
func (w Work) rights() []right {
	var all []right
	if w.SavesAll {
		w.Saved = append(slices.Clone(w.Saved), Resource{Group: "*", Name: "*", Watched: true})
	}
	for _, r := range w.Saved {
		all = append(all, right{group: r.Group, resource: r.Name, verb: "list", why: whySaved})
		if r.Watched {
			all = append(all, right{group: r.Group, resource: r.Name, verb: "watch", why: whySaved})
		}
	}

	all = append(all, always...)
	if w.MakesPoints {
		all = append(all, right{path: "/metrics", verb: "get", why: whyPoints})
	}
	if w.FindsApps {
		all = append(all, finding...)
	}

	for _, namespace := range w.Commands {
		all = append(all, running(namespace)...)
	}
	for _, namespace := range w.Declared {
		all = append(all, declaring(namespace)...)
	}

	if w.Lease.Name != "" {
		all = append(all, w.Lease.electing()...)
	}
	if w.LeadsService != "" {
		all = append(all, leading(w.Lease.Namespace, w.LeadsService)...)
	}
	if w.ShowsToken && w.FindsApps {
		all = append(all, exporting(appbur.AppKey{}))
	}
	if w.ShowsToken {
		for _, app := range w.Named {
			all = append(all, exporting(app))
		}
	}
	return needed(all)
}

// needed leaves out what an earlier right allows as well.
func needed(all []right) []right {
	var kept []right
	for _, r := range all {
		if !slices.ContainsFunc(kept, func(k right) bool { return k.allows(r) }) {
			kept = append(kept, r)
		}
	}
	return kept
}

// allows reports whether a request that the other right is for would be allowed by this one.
func (r right) allows(o right) bool {
	covers := func(mine, other string) bool { return mine == other || mine == "*" }
	return r.verb == o.verb && r.path == o.path && (r.namespace == "" || r.namespace == o.namespace) &&
		(r.name == "" || r.name == o.name) && covers(r.group, o.group) && covers(r.resource, o.resource)
}

// ruled is a rule with the reason for it.
type ruled struct {
	Rule
	why string
}

// rulesOf joins rights to rules, by the reason: resources of one group that need the same verbs are
// one rule. Reasons keep the order in which the rights have them.
func rulesOf(rights []right) []ruled {
	type object struct{ why, group, resource, name, path string }
	type rule struct{ why, group, name, verbs string }
	verbs := make(map[object][]string)
	var reasons []string
	for _, r := range rights {
		o := object{r.why, r.group, r.resource, r.name, r.path}
		verbs[o] = append(verbs[o], r.verb)
		if !slices.Contains(reasons, r.why) {
			reasons = append(reasons, r.why)
		}
	}

	resources, paths := make(map[rule][]string), make(map[rule][]string)
	keys := make(map[rule]bool)
	for o, v := range verbs {
		slices.Sort(v)
		key := rule{o.why, o.group, o.name, strings.Join(v, " ")}
		keys[key] = true
		if o.path != "" {
			paths[key] = append(paths[key], o.path)
		} else {
			resources[key] = append(resources[key], o.resource)
		}
	}

	sorted := slices.SortedFunc(maps.Keys(keys), func(a, b rule) int {
		return cmp.Or(cmp.Compare(slices.Index(reasons, a.why), slices.Index(reasons, b.why)),
			cmp.Compare(a.group, b.group), cmp.Compare(a.verbs, b.verbs), cmp.Compare(a.name, b.name))
	})
	rules := make([]ruled, 0, len(sorted))
	for _, key := range sorted {
		made := Rule{Verbs: strings.Fields(key.verbs), Paths: slices.Sorted(slices.Values(paths[key]))}
		if len(made.Paths) == 0 {
			made.Groups, made.Resources = []string{key.group}, slices.Sorted(slices.Values(resources[key]))
		}
		if key.name != "" {
			made.Names = []string{key.name}
		}
		rules = append(rules, ruled{made, key.why})
	}
	return rules
}
