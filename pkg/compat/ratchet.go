package compat

import (
	"fmt"
	"strings"
)

// cronJobTimeZone moves the prefix TZ= or CRON_TZ= of a schedule to spec.timeZone.
func cronJobTimeZone(e *edit) {
	spec := mapAt(e.object, "spec")
	prefix, schedule, ok := strings.Cut(stringAt(spec, "schedule"), " ")
	if !ok {
		return
	}
	zone, isZone := strings.CutPrefix(prefix, "CRON_TZ=")
	if !isZone {
		zone, isZone = strings.CutPrefix(prefix, "TZ=")
	}
	if !isZone {
		return
	}
	spec["schedule"] = strings.TrimSpace(schedule)

	switch existing := stringAt(spec, "timeZone"); {
	case existing != "" && existing != zone:
		e.lost("spec.schedule", fmt.Sprintf("dropped %s: spec.timeZone says %s", prefix, existing))
	case existing != "":
		e.changed("spec.schedule", fmt.Sprintf("dropped %s: spec.timeZone says the same", prefix))
	case zone == "" || strings.EqualFold(zone, "local"):
		// Without a zone the controller uses its own, which is what Local means.
		e.changed("spec.schedule", fmt.Sprintf("dropped %s: the controller's own zone is the default", prefix))
	default:
		spec["timeZone"] = zone
		e.changed("spec.schedule", fmt.Sprintf("%s moved to spec.timeZone", prefix))
	}
}

const ingressClassAnnotation = "kubernetes.io/ingress.class"

// equalClassesSince is the release from which an Ingress may say its class twice,
// if it says the same (kubernetes/kubernetes#115447).
var equalClassesSince = release(27)

// ingressClassTwice drops the annotation where the field says the class too.
func ingressClassTwice(e *edit) {
	class := stringAt(e.object, "spec", "ingressClassName")
	annotations := mapAt(e.object, "metadata", "annotations")
	annotated, ok := annotations[ingressClassAnnotation].(string)
	if !ok || class == "" || (annotated == class && e.atLeast(equalClassesSince)) {
		return
	}
	deleteAnnotation(e.object, ingressClassAnnotation)
	path := annotationPath("", ingressClassAnnotation)
	if annotated == class {
		e.changed(path, "removed: spec.ingressClassName says the same")
		return
	}
	e.lost(path, fmt.Sprintf("removed %q: spec.ingressClassName says %q, and a new Ingress must not say both", annotated, class))
}

// legacySigner blocks requests to the signer that new requests must not name.
func legacySigner(e *edit) {
	if stringAt(e.object, "spec", "signerName") == "kubernetes.io/legacy-unknown" {
		e.block("new certificate requests must not name the signer kubernetes.io/legacy-unknown",
			"leave it out: the client that needs a certificate requests it again")
	}
}
