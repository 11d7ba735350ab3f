package compat

import "math"

// deploymentFromExtensions follows the defaults of extensions/v1beta1, which
// kept every revision and never gave up on a rollout.
func deploymentFromExtensions(e *edit) {
	selectorFromTemplate(e)
	spec := makeMap(e.object, "spec")
	e.drop(spec, "spec", "rollbackTo", "apps/v1 rolls back by editing the template")
	e.setDefault(spec, "spec", "progressDeadlineSeconds", int64(math.MaxInt32))
	e.setDefault(spec, "spec", "revisionHistoryLimit", int64(math.MaxInt32))
	if kind := stringAt(spec, "strategy", "type"); kind == "" || kind == "RollingUpdate" {
		rolling := makeMap(spec, "strategy", "rollingUpdate")
		e.setDefault(rolling, "spec.strategy.rollingUpdate", "maxUnavailable", int64(1))
		e.setDefault(rolling, "spec.strategy.rollingUpdate", "maxSurge", int64(1))
	}
}

// deploymentFromAppsBeta1 follows the defaults of apps/v1beta1, which kept two
// revisions.
func deploymentFromAppsBeta1(e *edit) {
	selectorFromTemplate(e)
	spec := makeMap(e.object, "spec")
	e.drop(spec, "spec", "rollbackTo", "apps/v1 rolls back by editing the template")
	e.setDefault(spec, "spec", "revisionHistoryLimit", int64(2))
}

func daemonSetFromExtensions(e *edit) {
	selectorFromTemplate(e)
	spec := makeMap(e.object, "spec")
	// The counter belonged to the controller; apps/v1 keeps it elsewhere.
	if _, ok := take(spec, "templateGeneration"); ok {
		e.changed("spec.templateGeneration", "removed: apps/v1 counts generations in an annotation of its own")
	}
	e.setDefault(makeMap(spec, "updateStrategy"), "spec.updateStrategy", "type", "OnDelete")
}

func statefulSetFromAppsBeta1(e *edit) {
	selectorFromTemplate(e)
	e.setDefault(makeMap(e.object, "spec", "updateStrategy"), "spec.updateStrategy", "type", "OnDelete")
}

// selectorFromTemplate fills the selector, and the labels, that old versions took
// from the template.
func selectorFromTemplate(e *edit) {
	labels := mapAt(e.object, "spec", "template", "metadata", "labels")
	if len(labels) == 0 {
		return
	}
	spec := makeMap(e.object, "spec")
	if mapAt(spec, "selector") == nil {
		spec["selector"] = map[string]any{"matchLabels": clone(labels)}
		e.changed("spec.selector", "taken from the labels of the template, as the old version did")
	}
	if len(mapAt(e.object, "metadata", "labels")) == 0 {
		makeMap(e.object, "metadata")["labels"] = clone(labels)
		e.changed("metadata.labels", "taken from the labels of the template, as the old version did")
	}
}
