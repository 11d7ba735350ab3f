package services

import (
	"cmp"
	"net"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// endpoint is one replica that may be called.
type endpoint struct {
	address string
	ready   bool
}

// endpointsOf lists the replicas behind a port, ready ones first and then by their addresses, so
// that the same one is chosen as long as nothing changes.
func endpointsOf(list []discoveryv1.EndpointSlice, port string) []endpoint {
	var found []endpoint
	for _, slice := range list {
		i := slices.IndexFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool {
			return p.Port != nil && (p.Name == nil && port == "" || p.Name != nil && *p.Name == port)
		})
		if i < 0 {
			continue
		}
		number := strconv.Itoa(int(*slice.Ports[i].Port))
		for _, e := range slice.Endpoints {
			if len(e.Addresses) == 0 || e.TargetRef == nil || e.TargetRef.Kind != "Pod" {
				continue // of what is not in this cluster, as far as anybody knows
			}
			found = append(found, endpoint{net.JoinHostPort(e.Addresses[0], number), isReady(e.Conditions)})
		}
	}

	slices.SortFunc(found, func(a, b endpoint) int {
		if a.ready != b.ready {
			if a.ready {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.address, b.address)
	})
	// While endpoints move from one slice to another, both have them.
	return slices.CompactFunc(found, func(a, b endpoint) bool { return a.address == b.address })
}

// isReady reads the conditions as kube-proxy does: what nobody said is ready, and what ends is
// not, also where a Service publishes addresses that are not ready.
func isReady(c discoveryv1.EndpointConditions) bool {
	return (c.Ready == nil || *c.Ready) && (c.Terminating == nil || !*c.Terminating)
}
