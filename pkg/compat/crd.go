package compat

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

var crdKind = appbur.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// customResourceDefinition converts apiextensions.k8s.io/v1beta1 to v1: what can
// differ by version moves into every version, and conversion is nested. Whether
// the schema is good enough for v1 is decided by crdStructural afterwards.
func customResourceDefinition(e *edit) {
	spec := makeMap(e.object, "spec")
	crdVersions(e, spec)
	crdConversion(e, spec)
	e.setDefault(spec, "spec", "scope", "Namespaced")
	// Absent means true in v1beta1 and false in v1.
	if _, ok := valueAt(spec, "preserveUnknownFields"); !ok {
		spec["preserveUnknownFields"] = true
	}
}

func crdVersions(e *edit, spec map[string]any) {
	name, named := take(spec, "version")
	versions := listAt(spec, "versions")
	switch {
	case len(versions) == 0 && named:
		versions = []any{map[string]any{"name": name, "served": true, "storage": true}}
		spec["versions"] = versions
		e.changed("spec.version", "moved to spec.versions")
	case named:
		e.changed("spec.version", "removed: spec.versions says it")
	}

	for _, field := range []string{"subresources", "additionalPrinterColumns", "selectableFields"} {
		value, ok := take(spec, field)
		if !ok {
			continue
		}
		copyToVersions(versions, field, value)
		e.changed("spec."+field, "copied to every version")
	}

	if validation, ok := take(spec, "validation"); ok {
		if m, isMap := validation.(map[string]any); isMap && m["openAPIV3Schema"] != nil {
			copyToVersions(versions, "schema", m)
			e.changed("spec.validation", "copied to the schema of every version")
		}
	}
	eachMap(versions, "spec.versions", func(version map[string]any, path string) {
		eachMap(listAt(version, "additionalPrinterColumns"), path+".additionalPrinterColumns", func(column map[string]any, path string) {
			e.move(column, path, "JSONPath", "jsonPath")
		})
	})
}

// copyToVersions sets a field in every version that does not have its own.
func copyToVersions(versions []any, field string, value any) {
	eachMap(versions, "", func(version map[string]any, _ string) {
		if version[field] == nil {
			version[field] = clone(value)
		}
	})
}

func crdConversion(e *edit, spec map[string]any) {
	conversion := mapAt(spec, "conversion")
	if conversion == nil {
		return
	}
	client, hasClient := take(conversion, "webhookClientConfig")
	reviews, hasReviews := take(conversion, "conversionReviewVersions")
	if stringAt(conversion, "strategy") != "Webhook" {
		if hasClient || hasReviews {
			e.changed("spec.conversion", "removed the webhook of a conversion that uses none")
		}
		return
	}

	webhook := makeMap(conversion, "webhook")
	if hasClient {
		webhook["clientConfig"] = client
	}
	if hasReviews {
		webhook["conversionReviewVersions"] = reviews
	}
	e.changed("spec.conversion", "the webhook moved under webhook")
	e.setDefault(webhook, "spec.conversion.webhook", "conversionReviewVersions", []any{"v1beta1"})
}

// crdStructural makes a CRD that v1 creates of one that servers only tolerate:
// preserveUnknownFields goes, and every version gets a structural schema that
// preserves unknown fields by itself. Other CRDs are left alone: without
// preserveUnknownFields, servers always demanded structural schemas.
func crdStructural(e *edit) {
	spec := mapAt(e.object, "spec")
	preserve := spec["preserveUnknownFields"] == true
	if preserve {
		delete(spec, "preserveUnknownFields")
		e.changed("spec.preserveUnknownFields", "true became x-kubernetes-preserve-unknown-fields in every schema")
	}

	eachMap(listAt(spec, "versions"), "spec.versions", func(version map[string]any, path string) {
		path += ".schema.openAPIV3Schema"
		schema := mapAt(version, "schema", "openAPIV3Schema")
		if schema == nil {
			version["schema"] = map[string]any{"openAPIV3Schema": anything()}
			e.changed(path, "v1 requires a schema: one that takes anything was added")
			return
		}
		if !preserve {
			return // the server has made sure that the schema is structural
		}
		var s structural
		s.root(schema)
		switch {
		case s.fault != "":
			version["schema"] = map[string]any{"openAPIV3Schema": anything()}
			e.lost(path, fmt.Sprintf("replaced by a schema that takes anything, since v1 refuses the old one: %s", s.fault))
		case s.touched:
			e.changed(path, "made structural: types filled in, unknown fields preserved")
		}
	})
}

// anything is the schema of objects about which nothing is known.
func anything() map[string]any {
	return map[string]any{"type": "object", preserveUnknown: true}
}

const approvedAnnotation = "api-approved.kubernetes.io"

// crdProtectedGroup adds the annotation without which v1 refuses new CRDs in the
// groups of the Kubernetes project. "unapproved" is the value the project set
// aside for CRDs that came before the rule.
func crdProtectedGroup(e *edit) {
	group := stringAt(e.object, "spec", "group")
	if !protectedGroup(group) || stringAt(e.object, "metadata", "annotations", approvedAnnotation) != "" {
		return
	}
	makeMap(e.object, "metadata", "annotations")[approvedAnnotation] = "unapproved, the definition carried no approval where it came from"
	e.changed(annotationPath("", approvedAnnotation), "added: the group "+group+" is protected")
}

func protectedGroup(group string) bool {
	for _, domain := range []string{"k8s.io", "kubernetes.io"} {
		if group == domain || strings.HasSuffix(group, "."+domain) {
			return true
		}
	}
	return false
}
