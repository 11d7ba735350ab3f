package pause

import (
	"fmt"
)

// readiness is what an object says of itself.
type readiness struct {
	ready bool
	// failed objects have said that they will not become ready by themselves.
	failed bool
	why    string
}

// readinessOf reads a condition of an object, by the conventions of kstatus: what was said of an
// earlier generation does not count. An object that says nothing is not ready: nobody has looked at
// it yet, while kstatus would call it current.
func readinessOf(live map[string]any, condition string) readiness {
	generation := lookup(live, []string{"metadata", "generation"})
	if seen := lookup(live, []string{"status", "observedGeneration"}); seen != nil && !same(seen, generation) {
		return readiness{
			why: fmt.Sprintf("its controller has not looked at it since it was released (generation %v, observed %v)", generation, seen),
		}
	}

	found := readiness{why: "it has no condition " + condition + " yet"}
	conditions, _ := lookup(live, []string{"status", "conditions"}).([]any)
	for _, c := range conditions {
		get := func(key string) any { return lookup(c, []string{key}) }
		if seen := get("observedGeneration"); seen != nil && !same(seen, generation) {
			continue
		}
		said := fmt.Sprintf("%v: %v", get("reason"), get("message"))
		switch {
		case get("type") == "Stalled" && get("status") == "True":
			return readiness{failed: true, why: "it is stalled: " + said}
		case get("type") == condition && get("status") == "True":
			found = readiness{ready: true}
		case get("type") == condition:
			found = readiness{why: fmt.Sprintf("%s is %v: %s", condition, get("status"), said)}
		}
	}
	return found
}
