package metrics

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/exporter"
)

// mostKinds is how many kinds have samples of their own. What is beyond is told in one sum, so that
// definitions without end are not samples without end.
const mostKinds = 1000

// others names that sum. No kind is called so.
var others = appbur.GroupKind{Kind: "(others)"}

// kinds are those of the cluster.
type kinds struct {
	objects, excluded, unsaved, unreadable, watched, groups *prometheus.Desc

	mu     sync.Mutex
	known  map[appbur.GroupKind]kind
	counts map[appbur.GroupKind]int
	holes  int
}

// kind is what the last list of a kind said.
type kind struct {
	excluded, unsaved int
	// cause is why it cannot be read, "" if it can.
	cause exporter.Cause
}

func newKinds(f *families) *kinds {
	k := &kinds{known: map[appbur.GroupKind]kind{}}
	k.objects = f.described("objects", "Objects that main holds, by kind.", "group", "kind")
	k.excluded = f.described("objects_excluded", "Objects that a rule leaves out, by kind, as of its last list.", "group", "kind")
	k.unsaved = f.described("objects_unsaved", "Objects that exist and cannot be saved, by kind.", "group", "kind")
	k.watched = f.described("kinds", "Kinds of the cluster that are read.")
	k.unreadable = f.described("kind_unreadable", "1 for each kind that cannot be read now; its files stay as they are.",
		"group", "kind", "reason")
	k.groups = f.described("api_groups_unreadable", "API groups whose kinds are not known, because discovery cannot read them.")
	f.registry.MustRegister(k)
	return k
}

// Describe implements [prometheus.Collector].
func (k *kinds) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{k.objects, k.excluded, k.unsaved, k.unreadable, k.watched, k.groups} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (k *kinds) Collect(out chan<- prometheus.Metric) {
	k.mu.Lock()
	defer k.mu.Unlock()
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}

	rest := struct{ objects, excluded, unsaved int }{}
	for i, gk := range k.sorted() {
		state, objects := k.known[gk], k.counts[gk]
		if i >= mostKinds {
			rest.objects, rest.excluded, rest.unsaved = rest.objects+objects, rest.excluded+state.excluded, rest.unsaved+state.unsaved
			continue
		}
		gauge(k.excluded, state.excluded, gk.Group, gk.Kind)
		gauge(k.unsaved, state.unsaved, gk.Group, gk.Kind)
		if state.cause != "" {
			gauge(k.unreadable, 1, gk.Group, gk.Kind, string(state.cause))
		}
		if k.counts != nil {
			gauge(k.objects, objects, gk.Group, gk.Kind)
		}
	}

	if len(k.known) > mostKinds {
		gauge(k.objects, rest.objects, others.Group, others.Kind)
		gauge(k.excluded, rest.excluded, others.Group, others.Kind)
		gauge(k.unsaved, rest.unsaved, others.Group, others.Kind)
	}
	gauge(k.watched, len(k.known))
	gauge(k.groups, k.holes)
}

// sorted are the kinds, those that cannot be read first: they are the ones to hear of.
func (k *kinds) sorted() []appbur.GroupKind {
	list := make([]appbur.GroupKind, 0, len(k.known))
	for gk := range k.known {
		list = append(list, gk)
	}
	slices.SortFunc(list, func(a, b appbur.GroupKind) int {
		if x, y := k.known[a].cause == "", k.known[b].cause == ""; x != y {
			if y {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Kind, b.Kind))
	})
	return list
}

// set notes what is known of a kind.
func (k *kinds) set(c appbur.TypeCoverage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	state := k.known[c.GroupKind()]
	if c.Complete {
		state = kind{excluded: c.Excluded, unsaved: c.Failed}
	} else {
		state.cause = exporter.CauseOf(c.Reason)
	}
	k.known[c.GroupKind()] = state
}

// gone forgets a kind.
func (k *kinds) gone(gk appbur.GroupKind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, gk)
}

func (k *kinds) setHoles(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holes = n
}

// list is what there is to count.
func (k *kinds) list() []appbur.GroupKind {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sorted()
}

func (k *kinds) count(counts map[appbur.GroupKind]int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.counts = counts
}
