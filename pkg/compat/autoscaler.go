package compat

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Annotations that carry fields of newer versions through older ones.
const (
	hpaBehavior   = "autoscaling.alpha.kubernetes.io/behavior"
	hpaMetrics    = "autoscaling.alpha.kubernetes.io/metrics"
	hpaStatuses   = "autoscaling.alpha.kubernetes.io/current-metrics"
	hpaConditions = "autoscaling.alpha.kubernetes.io/conditions"
)

// horizontalPodAutoscaler converts autoscaling/v2beta1 to v2beta2.
func horizontalPodAutoscaler(e *edit) {
	eachMap(listAt(e.object, "spec", "metrics"), "spec.metrics", func(metric map[string]any, path string) {
		for _, kind := range []string{"resource", "containerResource", "pods", "object", "external"} {
			if source := mapAt(metric, kind); source != nil {
				metricSource(e, kind, source, join(path, kind))
			}
		}
	})
	behaviorFromAnnotation(e)
	for _, key := range []string{hpaMetrics, hpaStatuses, hpaConditions} {
		if annotations := mapAt(e.object, "metadata", "annotations"); annotations[key] != nil {
			deleteAnnotation(e.object, key)
			e.changed(annotationPath("", key), "removed: it repeats what the fields say")
		}
	}
	// The status is in the old shape, and the controller writes it again.
	if _, ok := take(e.object, "status"); ok {
		e.changed("status", "removed: the controller writes it again")
	}
}

// metricSource converts one metric. Sources in the new shape stay.
func metricSource(e *edit, kind string, source map[string]any, path string) {
	target := map[string]any{}
	switch kind {
	case "resource", "containerResource":
		utilization, hasUtilization := take(source, "targetAverageUtilization")
		average, hasAverage := take(source, "targetAverageValue")
		switch {
		case hasUtilization:
			target["type"], target["averageUtilization"] = "Utilization", utilization
		case hasAverage:
			target["type"] = "AverageValue"
		default:
			return
		}
		if hasAverage {
			target["averageValue"] = average
		}
	case "pods":
		average, ok := take(source, "targetAverageValue")
		if !ok {
			return
		}
		target["type"], target["averageValue"] = "AverageValue", average
		source["metric"] = metricIdentifier(source, "selector")
	case "object":
		if _, old := valueAt(source, "metricName"); !old {
			return
		}
		if described, ok := take(source, "target"); ok {
			source["describedObject"] = described
		}
		value, hasValue := take(source, "targetValue")
		average, hasAverage := take(source, "averageValue")
		// targetValue was required, and zero together with an average: v2 has it absent then.
		if hasValue && (!hasAverage || !zeroQuantity(value)) {
			target["type"], target["value"] = "Value", value
		}
		if hasAverage {
			target["type"], target["averageValue"] = "AverageValue", average
		}
		source["metric"] = metricIdentifier(source, "selector")
	case "external":
		if _, old := valueAt(source, "metricName"); !old {
			return
		}
		value, hasValue := take(source, "targetValue")
		average, hasAverage := take(source, "targetAverageValue")
		if hasValue {
			target["type"], target["value"] = "Value", value
		} else {
			target["type"] = "AverageValue"
		}
		if hasAverage {
			target["averageValue"] = average
		}
		source["metric"] = metricIdentifier(source, "metricSelector")
	}

	source["target"] = target
	e.changed(path, "rewritten as metric identifier and target")
}

// zeroQuantity reports whether a quantity, a string or a number, is zero in any unit.
func zeroQuantity(quantity any) bool { return !strings.ContainsAny(fmt.Sprint(quantity), "123456789") }

func metricIdentifier(source map[string]any, selectorKey string) map[string]any {
	metric := map[string]any{}
	if name, ok := take(source, "metricName"); ok {
		metric["name"] = name
	}
	if selector, ok := take(source, selectorKey); ok {
		metric["selector"] = selector
	}
	return metric
}

// behaviorFromAnnotation moves spec.behavior out of the annotation that carried
// it. The annotation holds the server's internal type, whose keys are Go names.
func behaviorFromAnnotation(e *edit) {
	annotations := mapAt(e.object, "metadata", "annotations")
	text, ok := annotations[hpaBehavior].(string)
	if !ok {
		return
	}
	deleteAnnotation(e.object, hpaBehavior)
	var behavior map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&behavior); err != nil || len(behavior) == 0 {
		e.lost(annotationPath("", hpaBehavior), "removed: it holds no readable behavior, and servers ignored it")
		return
	}
	makeMap(e.object, "spec")["behavior"] = fieldNames(behavior)
	e.changed(annotationPath("", hpaBehavior), "moved to spec.behavior")
}

// fieldNames turns Go field names into JSON ones and numbers into integers.
// Empty values go: the internal type writes them where the API leaves them out.
func fieldNames(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if item == nil || key == "" {
				continue
			}
			out[strings.ToLower(key[:1])+key[1:]] = fieldNames(item)
		}
		return out

	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = fieldNames(item)
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		return v.String()
	default:
		return value
	}
}
