package compat

import (
	"fmt"
	"slices"
	"strings"
)

// webhookConfiguration converts admissionregistration.k8s.io/v1beta1 to v1. The
// defaults changed; those of v1beta1 are made explicit. sideEffects is checked by
// a fix-up, since servers also hand out v1 objects that v1 refuses to create.
func webhookConfiguration(e *edit) {
	eachMap(listAt(e.object, "webhooks"), "webhooks", func(webhook map[string]any, path string) {
		e.setDefault(webhook, path, "failurePolicy", "Ignore")
		e.setDefault(webhook, path, "matchPolicy", "Exact")
		e.setDefault(webhook, path, "timeoutSeconds", int64(30))
		if len(listAt(webhook, "admissionReviewVersions")) == 0 {
			e.setDefault(webhook, path, "admissionReviewVersions", []any{"v1beta1"})
		}
	})
}

// webhookSideEffects blocks what only the author of the webhook can decide. v1
// accepts None and NoneOnDryRun only; to guess either would let dry runs reach a
// webhook that acts on them.
func webhookSideEffects(e *edit) {
	eachMap(listAt(e.object, "webhooks"), "webhooks", func(webhook map[string]any, path string) {
		switch effects := stringAt(webhook, "sideEffects"); effects {
		case "None", "NoneOnDryRun":
		default:
			if effects == "" {
				effects = "not set"
			}
			e.block(
				fmt.Sprintf("%s.sideEffects of %q is %s; new webhooks must say None or NoneOnDryRun", path, stringAt(webhook, "name"), effects),
				"ask the author of the webhook, set sideEffects in the source cluster or in an overlay, and restore again")
		}
	})
}

// webhookReviewVersions reports webhooks that speak no review version that is left.
func webhookReviewVersions(e *edit) {
	eachMap(listAt(e.object, "webhooks"), "webhooks", func(webhook map[string]any, path string) {
		versions := stringList(listAt(webhook, "admissionReviewVersions"))
		if !slices.Contains(versions, "v1") && !slices.Contains(versions, "v1beta1") {
			e.block(
				fmt.Sprintf("%s.admissionReviewVersions is [%s]; it must contain v1 or v1beta1", path, strings.Join(versions, ", ")),
				"upgrade the webhook to one that speaks AdmissionReview v1")
		}
	})
}

// webhookRules reports rules that name versions the target no longer has: such a
// rule matches nothing, and what it guarded goes unguarded.
func webhookRules(e *edit) {
	eachMap(listAt(e.object, "webhooks"), "webhooks", func(webhook map[string]any, path string) {
		eachMap(listAt(webhook, "rules"), path+".rules", func(rule map[string]any, path string) {
			noticeGoneVersions(e, rule, path)
		})
	})
}

// admissionPolicyRules does the same for policies.
func admissionPolicyRules(e *edit) {
	for _, field := range []string{"resourceRules", "excludeResourceRules"} {
		for _, parent := range []string{"matchConstraints", "matchResources"} {
			eachMap(listAt(e.object, "spec", parent, field), "spec."+parent+"."+field, func(rule map[string]any, path string) {
				noticeGoneVersions(e, rule, path)
			})
		}
	}
}

func noticeGoneVersions(e *edit, rule map[string]any, path string) {
	versions := stringList(listAt(rule, "apiVersions"))
	for _, group := range stringList(listAt(rule, "apiGroups")) {
		if versionsGone(e.target, group, versions) {
			name := group
			if name == "" {
				name = "core"
			}
			e.noticed(path,
				fmt.Sprintf("matches %s/%s, which the target does not serve: the rule guards nothing there", name, strings.Join(versions, ",")))
		}
	}
}

// versionsGone reports whether Kubernetes had the named versions of the group and
// the target surely serves nothing of any of them.
func versionsGone(t Target, group string, versions []string) bool {
	known := false
	for gvk := range lifecycle().lives {
		if gvk.Group != group || (!slices.Contains(versions, gvk.Version) && !slices.Contains(versions, "*")) {
			continue
		}
		known = true
		if t.Serves(group, gvk.Version, gvk.Kind) != No {
			return false
		}
	}
	return known
}
