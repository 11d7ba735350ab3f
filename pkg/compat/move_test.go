package compat_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/compat"
)

func TestKindsThatMovedToAnotherGroup(t *testing.T) {
	var got []string
	for _, m := range compat.Moves() {
		got = append(got, m.From.String()+" -> "+m.To.String())
	}
	want := []string{
		"DaemonSet.extensions -> DaemonSet.apps",
		"Deployment.extensions -> Deployment.apps",
		"Ingress.extensions -> Ingress.networking.k8s.io",
		"NetworkPolicy.extensions -> NetworkPolicy.networking.k8s.io",
		"PodSecurityPolicy.extensions -> PodSecurityPolicy.policy",
		"ReplicaSet.extensions -> ReplicaSet.apps",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}
