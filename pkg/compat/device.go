package compat

// requestFields are the fields of a v1beta1 device request that v1beta2 holds
// under "exactly".
var requestFields = []string{
	"deviceClassName", "selectors", "allocationMode", "count", "adminAccess",
	"tolerations", "capacity", "derivedAttributes",
}

// devicesFromAlpha drops what belonged to control plane controllers.
func devicesFromAlpha(e *edit) {
	for _, at := range claimSpecs(e.object) {
		e.drop(at.spec, at.path, "controller", "control plane controllers for claims are gone since 1.32")
	}
	if e.object["kind"] == "DeviceClass" {
		e.drop(mapAt(e.object, "spec"), "spec", "suitableNodes", "nodes are found by device attributes since 1.32")
	}
}

// deviceRequests converts resource.k8s.io/v1beta1 to v1beta2.
func deviceRequests(e *edit) {
	for _, at := range claimSpecs(e.object) {
		eachMap(listAt(at.spec, "devices", "requests"), at.path+".devices.requests", func(request map[string]any, path string) {
			exactly := map[string]any{}
			for _, field := range requestFields {
				if value, ok := take(request, field); ok {
					exactly[field] = value
				}
			}
			if len(exactly) > 0 {
				request["exactly"] = exactly
				e.changed(path, "what the request wants moved under exactly")
			}
		})
	}

	if e.object["kind"] != "ResourceSlice" {
		return
	}

	eachMap(listAt(e.object, "spec", "devices"), "spec.devices", func(device map[string]any, path string) {
		basic, ok := take(device, "basic")
		fields, isMap := basic.(map[string]any)
		if !ok || !isMap {
			return
		}
		for key, value := range fields {
			device[key] = value
		}
		e.changed(path+".basic", "fields moved to the device")
	})
}

type claimSpec struct {
	spec map[string]any
	path string
}

// claimSpecs finds the claim within a claim or a template of one.
func claimSpecs(obj map[string]any) []claimSpec {
	var at claimSpec
	switch obj["kind"] {
	case "ResourceClaim":
		at = claimSpec{mapAt(obj, "spec"), "spec"}
	case "ResourceClaimTemplate":
		at = claimSpec{mapAt(obj, "spec", "spec"), "spec.spec"}
	}
	if at.spec == nil {
		return nil
	}
	return []claimSpec{at}
}

// deviceTaintRule drops the selectors that later versions do not have. Without
// them the rule would taint more devices than it did, so it is blocked instead.
func deviceTaintRule(e *edit) {
	selector := mapAt(e.object, "spec", "deviceSelector")
	for _, field := range []string{"deviceClassName", "selectors"} {
		if _, ok := valueAt(selector, field); ok {
			e.block(
				"spec.deviceSelector."+field+" has no place in later versions, and without it the rule would taint more devices",
				"name driver, pool or device in the selector instead")
		}
	}
}
