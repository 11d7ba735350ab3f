package compat

import (
	"fmt"
	"strings"
)

const (
	seccompPod       = "seccomp.security.alpha.kubernetes.io/pod"
	seccompContainer = "container.seccomp.security.alpha.kubernetes.io/"
	appArmor         = "container.apparmor.security.beta.kubernetes.io/"
)

// podSeccomp moves seccomp annotations to the fields. Servers since 1.27 do not
// read them, so a template with the setting only in an annotation would run
// unconfined.
func podSeccomp(e *edit) {
	eachPod(e, func(p pod) {
		annotations := p.annotations()
		if value, ok := annotations[seccompPod].(string); ok {
			profileToField(e, p, p.spec, p.specPath, "seccompProfile", seccompPod, value)
		}
		p.containers(func(container map[string]any, path string) {
			key := seccompContainer + stringAt(container, "name")
			if value, ok := annotations[key].(string); ok {
				profileToField(e, p, container, path, "seccompProfile", key, value)
			}
		})
		dropOrphans(e, p, seccompContainer)
	})
}

// podAppArmor does the same for AppArmor, which has annotations per container only.
func podAppArmor(e *edit) {
	eachPod(e, func(p pod) {
		annotations := p.annotations()
		p.containers(func(container map[string]any, path string) {
			key := appArmor + stringAt(container, "name")
			if value, ok := annotations[key].(string); ok {
				profileToField(e, p, container, path, "appArmorProfile", key, value)
			}
		})
		dropOrphans(e, p, appArmor)
	})
}

// profileToField moves one annotation to securityContext of a pod or container.
// Where the field is set it is kept: it is what nodes use.
func profileToField(e *edit, p pod, owner map[string]any, ownerPath, field, key, value string) {
	path := annotationPath(p.path, key)
	profile := securityProfile(value)
	if profile == nil {
		e.noticed(path, fmt.Sprintf("%q is no profile", value))
		return
	}
	deleteAnnotation(p.template, key)
	context := makeMap(owner, "securityContext")
	to := ownerPath + ".securityContext." + field

	existing := mapAt(context, field)
	switch {
	case existing == nil:
		context[field] = profile
		e.changed(path, "moved to "+to)
	case existing["type"] == profile["type"] && existing["localhostProfile"] == profile["localhostProfile"]:
		e.changed(path, "removed: "+to+" says the same")
	default:
		e.lost(path, fmt.Sprintf("removed %q: %s says %v, and they must not differ", value, to, existing["type"]))
	}
}

func securityProfile(value string) map[string]any {
	switch value {
	case "runtime/default", "docker/default":
		return map[string]any{"type": "RuntimeDefault"}
	case "unconfined":
		return map[string]any{"type": "Unconfined"}
	}
	if file, ok := strings.CutPrefix(value, "localhost/"); ok && file != "" {
		return map[string]any{"type": "Localhost", "localhostProfile": file}
	}
	return nil
}

// dropOrphans removes annotations that name a container the pod does not have.
// The server refuses those of AppArmor and ignores those of seccomp.
func dropOrphans(e *edit, p pod, prefix string) {
	names := map[string]bool{}
	p.containers(func(container map[string]any, _ string) { names[stringAt(container, "name")] = true })
	annotations := p.annotations()
	for _, key := range sortedKeys(annotations) {
		if name, ok := strings.CutPrefix(key, prefix); ok && !names[name] {
			deleteAnnotation(p.template, key)
			e.lost(annotationPath(p.path, key), fmt.Sprintf("removed: there is no container %q", name))
		}
	}
}
