package restore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

const (
	// shownNamespaces is how many namespaces are counted one by one.
	shownNamespaces = 20
	// shownKinds is how many kinds of a namespace are.
	shownKinds = 5
)

// renderTotals says in one line how much of the plan is not simply applied as it was saved.
func (p *Plan) renderTotals(b *page) {
	applied, unusual := 0, make(map[string]int)
	for _, s := range p.Steps {
		switch s.Action {
		case ActionApply:
			applied++
			unusual[appliedAs[s.section()]]++
			if s.Details().Replaces != nil {
				unusual["deleted and created again"]++
			}
		case ActionBlocked:
			unusual["blocked"]++
		case ActionKeep:
			unusual["left as they are"]++
		case ActionSkip:
			unusual["left out"]++
		case ActionPrune:
			unusual["deleted"]++
		default: // another step of an object that is counted
		}
	}

	list := func(separator string, words ...string) string {
		var parts []string
		for _, what := range words {
			if n := unusual[what]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, what))
			}
		}
		return strings.Join(parts, separator)
	}
	unusual["to note"] = len(p.allNotes())
	fmt.Fprintf(b, "%s to apply", objectCount(applied))
	if among := list(", ", "expected to be refused", "deleted and created again", "lossy", "converted"); among != "" {
		fmt.Fprintf(b, " (%s)", among)
	}
	if besides := list("; ", "blocked", "deleted", "left as they are", "left out", "to note"); besides != "" {
		fmt.Fprintf(b, "; %s", besides)
	}
	b.WriteByte('\n')
}

// appliedAs are the verdicts of objects that are applied and not as they were saved.
var appliedAs = map[compat.VerdictKind]string{
	compat.Refused: "expected to be refused", compat.Lossy: "lossy", compat.Convertible: "converted",
}

// renderNamespaces counts by namespace and kind, the namespaces with most objects first.
func (p *Plan) renderNamespaces(b *page) {
	groups := make(map[string]map[appbur.GroupKind]int)
	sums := make(map[string]int)
	for _, s := range p.Steps {
		if s.Action != ActionApply && s.Action != ActionBlocked {
			continue
		}
		if groups[s.Object.Namespace] == nil {
			groups[s.Object.Namespace] = make(map[appbur.GroupKind]int)
		}
		groups[s.Object.Namespace][s.Object.GroupKind()]++
		sums[s.Object.Namespace]++
	}
	if len(groups) < 2 {
		return
	}

	b.WriteString("\nIn the cluster and its namespaces\n")
	left, leftObjects := 0, 0
	for i, namespace := range mostFirst(sums, strings.Compare) {
		if i >= shownNamespaces {
			left, leftObjects = left+1, leftObjects+sums[namespace]
			continue
		}
		kinds := mostFirst(groups[namespace], appbur.GroupKind.Compare)
		counted := make([]string, len(kinds))
		for i, kind := range kinds {
			counted[i] = fmt.Sprintf("%d %s", groups[namespace][kind], kind)
		}
		b.cut = b.cut || len(kinds) > shownKinds
		fmt.Fprintf(b, "  %s (%d): %s\n", cmp.Or(namespace, "no namespace"), sums[namespace], appbur.Shortlist(counted, shownKinds))
	}

	if left > 0 {
		b.more(left, fmt.Sprintf(" namespaces with %s", objectCount(leftObjects)))
	}
}

// mostFirst sorts what is counted.
func mostFirst[K comparable](counted map[K]int, compare func(x, y K) int) []K {
	keys := make([]K, 0, len(counted))
	for key := range counted {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(x, y K) int { return cmp.Or(cmp.Compare(counted[y], counted[x]), compare(x, y)) })
	return keys
}
