package compat

// emptySelectorKey is the label by which Kubernetes itself carries the meaning of
// the empty selector between policy/v1beta1 and policy/v1.
const emptySelectorKey = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"

// podDisruptionBudget keeps what the selector selects: an empty one selects no
// pod in v1beta1 and every pod in v1.
func podDisruptionBudget(e *edit) {
	selector, ok := valueAt(e.object, "spec", "selector")
	m, isMap := selector.(map[string]any)
	if !ok || !isMap {
		return
	}

	labels, expressions := mapAt(m, "matchLabels"), listAt(m, "matchExpressions")
	if len(labels) == 0 && len(expressions) == 0 {
		makeMap(e.object, "spec")["selector"] = map[string]any{"matchExpressions": []any{
			map[string]any{"key": emptySelectorKey, "operator": "Exists"},
		}}
		e.changed("spec.selector", "an empty selector, which selected no pod, became one that still selects none")
		return
	}

	kept := make([]any, 0, len(expressions))
	for _, item := range expressions {
		if expression, ok := item.(map[string]any); ok && expression["key"] == emptySelectorKey {
			if len(labels) == 0 && len(expressions) == 1 && expression["operator"] == "DoesNotExist" {
				makeMap(e.object, "spec")["selector"] = map[string]any{}
				e.changed("spec.selector", "the selector for every pod is the empty selector in v1")
				return
			}
			continue
		}
		kept = append(kept, item)
	}

	if len(kept) != len(expressions) {
		m["matchExpressions"] = kept
		e.changed("spec.selector.matchExpressions", "removed the key that only v1beta1 gave a meaning to")
	}
}
