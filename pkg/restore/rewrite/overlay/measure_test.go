package overlay

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkApply tells what kustomize costs for 2,000 objects: all of them, and one kind of two.
func BenchmarkApply(b *testing.B) {
	var manifests []string
	for i := range 1000 {
		manifests = append(manifests, fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d, namespace: ns}, data: {a: '%s'}}", i,
			strings.Repeat("x", 800)),
			fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d%d, namespace: ns}, spec: {replicas: 2, template: {spec: "+
				"{containers: [{name: a, image: 'a:1', env: [{name: A, value: '%s'}]}]}}}}", i, strings.Repeat("x", 600)))
	}
	point := pointOf(b, strings.Join(manifests, "\n---\n"))

	for name, file := range map[string]string{
		"all": "resources: [restore-point]\nlabels: [{pairs: {team: a}}]",
		"half": "resources: [restore-point]\n" +
			"patches: [{target: {kind: Deployment}, patch: '[{\"op\": \"remove\", \"path\": \"/spec/replicas\"}]'}]",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				apply(b, point, k, file)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapSys)/(1<<20), "MiB-heap")
		})
	}
}
