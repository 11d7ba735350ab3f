package compat

// ingress converts networking.k8s.io/v1beta1 to v1.
func ingress(e *edit) {
	spec := mapAt(e.object, "spec")
	if backend, ok := take(spec, "backend"); ok {
		spec["defaultBackend"] = backend
		e.changed("spec.backend", "moved to spec.defaultBackend")
		if m, ok := backend.(map[string]any); ok {
			ingressBackend(e, m, "spec.defaultBackend")
		}
	}
	eachMap(listAt(spec, "rules"), "spec.rules", func(rule map[string]any, path string) {
		eachMap(listAt(rule, "http", "paths"), path+".http.paths", func(p map[string]any, path string) {
			e.setDefault(p, path, "pathType", "ImplementationSpecific")
			if backend := mapAt(p, "backend"); backend != nil {
				ingressBackend(e, backend, path+".backend")
			}
		})
	})
}

// ingressBackend turns serviceName and servicePort into service. Backends that
// name a resource instead stay.
func ingressBackend(e *edit, backend map[string]any, path string) {
	name, named := take(backend, "serviceName")
	port, ported := take(backend, "servicePort")
	if !named && !ported {
		return
	}
	service := map[string]any{"name": name}
	if !named {
		delete(service, "name")
	}
	switch p := port.(type) {
	case string:
		service["port"] = map[string]any{"name": p}
	case nil:
	default:
		service["port"] = map[string]any{"number": p}
	}
	backend["service"] = service
	e.changed(path, "serviceName and servicePort moved under service")
}

// networkPolicy makes policyTypes explicit the way extensions/v1beta1 derived
// them, which is also how networking.k8s.io/v1 does.
func networkPolicy(e *edit) {
	spec := makeMap(e.object, "spec")
	if len(listAt(spec, "policyTypes")) > 0 {
		return
	}
	types := []any{"Ingress"}
	if len(listAt(spec, "egress")) > 0 {
		types = append(types, "Egress")
	}
	e.setDefault(spec, "spec", "policyTypes", types)
}
