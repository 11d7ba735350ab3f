package compat

import (
	"fmt"
	"strings"
)

const (
	labelZone     = "topology.kubernetes.io/zone"
	labelHostname = "kubernetes.io/hostname"
)

func endpointSliceFromAlpha(e *edit) {
	if stringAt(e.object, "addressType") == "IP" {
		e.object["addressType"] = "IPv4"
		e.changed("addressType", "IP is called IPv4")
	}
}

// endpointSlice turns the topology map of v1beta1 into the fields of v1. What has
// no field went to deprecatedTopology on servers that stored it before; no client
// can write that field, so it is lost.
func endpointSlice(e *edit) {
	eachMap(listAt(e.object, "endpoints"), "endpoints", func(endpoint map[string]any, path string) {
		value, ok := take(endpoint, "topology")
		topology, isMap := value.(map[string]any)
		if !ok || !isMap {
			return
		}
		if zone, ok := topology[labelZone]; ok {
			endpoint["zone"] = zone
			delete(topology, labelZone)
		}

		if host, ok := topology[labelHostname]; ok {
			if stringAt(endpoint, "nodeName") == "" {
				endpoint["nodeName"] = host
			}
			if endpoint["nodeName"] == host {
				delete(topology, labelHostname)
			}
		}

		if len(topology) == 0 {
			e.changed(path+".topology", "moved to zone and nodeName")
			return
		}
		e.lost(path+".topology", fmt.Sprintf("v1 has no field for %s", strings.Join(sortedKeys(topology), ", ")))
	})
}

// sliceTopology takes out what servers show of a topology that was written through
// v1beta1. They ignore the field in what they are sent, so it would differ for ever.
func sliceTopology(e *edit) {
	eachMap(listAt(e.object, "endpoints"), "endpoints", func(endpoint map[string]any, path string) {
		keys := strings.Join(sortedKeys(mapAt(endpoint, "deprecatedTopology")), ", ")
		e.drop(endpoint, path, "deprecatedTopology", "it cannot be written through v1, which has no field for "+keys)
	})
}
