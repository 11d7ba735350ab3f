package endpointslice

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ManagedBy says in the label of an EndpointSlice that this package writes it.
const ManagedBy = "appbur.dev"

// slice leads a Service to an address.
func (w *Writer) slice(to netip.AddrPort) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: w.o.Service, Namespace: w.o.Namespace,
			Labels: map[string]string{discoveryv1.LabelServiceName: w.o.Service, discoveryv1.LabelManagedBy: ManagedBy},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	if to.Addr().Is6() {
		s.AddressType = discoveryv1.AddressTypeIPv6
	}
	w.lead(s, to)
	return s
}

// lead leads a slice to an address, and leaves what others have added to its labels.
func (w *Writer) lead(s *discoveryv1.EndpointSlice, to netip.AddrPort) {
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	s.Labels[discoveryv1.LabelServiceName], s.Labels[discoveryv1.LabelManagedBy] = w.o.Service, ManagedBy
	ready, protocol, port := true, corev1.ProtocolTCP, int32(to.Port())
	s.Endpoints = []discoveryv1.Endpoint{{
		Addresses: []string{to.Addr().String()}, Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &ready},
	}}
	s.Ports = []discoveryv1.EndpointPort{{Name: &w.o.Port, Port: &port, Protocol: &protocol}}
}

// leads reports whether a slice leads to an address, and nowhere else.
func (w *Writer) leads(s *discoveryv1.EndpointSlice, to netip.AddrPort) bool {
	if len(s.Endpoints) != 1 || len(s.Ports) != 1 || s.Labels[discoveryv1.LabelServiceName] != w.o.Service {
		return false
	}
	endpoint, port := s.Endpoints[0], s.Ports[0]
	return len(endpoint.Addresses) == 1 && endpoint.Addresses[0] == to.Addr().String() &&
		(endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready) &&
		port.Port != nil && *port.Port == int32(to.Port()) && port.Name != nil && *port.Name == w.o.Port
}
