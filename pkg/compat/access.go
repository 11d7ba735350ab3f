package compat

const rbacGroup = "rbac.authorization.k8s.io"

// rbacSubjects replaces the API version of subjects by their group. The user "*"
// of v1alpha1 means every authenticated user.
func rbacSubjects(e *edit) {
	eachMap(listAt(e.object, "subjects"), "subjects", func(subject map[string]any, path string) {
		apiVersion, had := take(subject, "apiVersion")
		group := ""

		switch kind := stringAt(subject, "kind"); kind {
		case "ServiceAccount":
		case "User", "Group":
			group = rbacGroup
			if kind == "User" && subject["name"] == "*" {
				subject["kind"], subject["name"] = "Group", "system:authenticated"
				e.changed(path, `user "*" became the group system:authenticated`)
			}
		default:
			text, _ := apiVersion.(string)
			if gvk, ok := GVKOf(map[string]any{"apiVersion": text, "kind": "Subject"}); ok {
				group = gvk.Group
			}
		}

		if group != "" {
			subject["apiGroup"] = group
		}
		if had {
			e.changed(path+".apiVersion", "replaced by apiGroup")
		}
	})
}

// admissionPolicyFromAlpha fills what later versions require, with what the alpha
// versions did.
func admissionPolicyFromAlpha(e *edit) {
	spec := mapAt(e.object, "spec")
	if spec == nil || stringAt(e.object, "kind") != "ValidatingAdmissionPolicyBinding" {
		return
	}
	if len(listAt(spec, "validationActions")) == 0 {
		e.setDefault(spec, "spec", "validationActions", []any{"Deny"})
	}
	if param := mapAt(spec, "paramRef"); param != nil {
		e.setDefault(param, "spec.paramRef", "parameterNotFoundAction", "Deny")
	}
}
