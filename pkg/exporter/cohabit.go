package exporter

import "github.com/appbur/appbur"

// cohabits lists kinds that API servers have served from two groups with one
// storage behind them. The first group is not read where the second is served.
var cohabits = []struct {
	old, now appbur.GroupKind
	reason   string
}{
	{gk("extensions", "Deployment"), gk("apps", "Deployment"), "moved in 1.8, gone from extensions in 1.16"},
	{gk("extensions", "DaemonSet"), gk("apps", "DaemonSet"), "moved in 1.8, gone from extensions in 1.16"},
	{gk("extensions", "ReplicaSet"), gk("apps", "ReplicaSet"), "moved in 1.8, gone from extensions in 1.16"},
	{gk("extensions", "NetworkPolicy"), gk("networking.k8s.io", "NetworkPolicy"), "moved in 1.7, gone from extensions in 1.16"},
	{gk("extensions", "Ingress"), gk("networking.k8s.io", "Ingress"), "moved in 1.14, gone from extensions in 1.22"},
	{gk("extensions", "PodSecurityPolicy"), gk("policy", "PodSecurityPolicy"), "moved in 1.10, gone from extensions in 1.16"},
	{gk("", "Event"), gk("events.k8s.io", "Event"), "served by both groups since 1.8"},
}

func gk(group, kind string) appbur.GroupKind { return appbur.GroupKind{Group: group, Kind: kind} }
