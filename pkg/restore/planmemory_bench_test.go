package restore

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

// BenchmarkPlanMemory reports what stays in memory of each object of a point, and of each of its plan. Half
// of the objects are ConfigMaps, half Secrets of about 1 KiB, 500 in a namespace.
//
//	go test -run '^$' -bench PlanMemory -benchtime 1x ./pkg/restore
func BenchmarkPlanMemory(b *testing.B) {
	const objects = 100_000
	for b.Loop() {
		empty := liveBytes()
		point := pointOfMany(objects)
		read := liveBytes()
		plan, err := NewPlan(point, target, Options{})
		if err != nil {
			b.Fatal(err)
		}
		planned := liveBytes()
		if len(plan.Steps) < objects {
			b.Fatalf("got %d steps", len(plan.Steps))
		}

		b.ReportMetric(float64(read-empty)/objects, "B/object-of-the-point")
		b.ReportMetric(float64(planned-empty)/objects, "B/object-of-the-plan")
		runtime.KeepAlive(plan)
	}
}

// liveBytes is what the heap has after all garbage is collected.
func liveBytes() uint64 {
	runtime.GC()
	runtime.GC() // what had a cleanup is gone after the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// pointOfMany is a point of so many objects, with their namespaces.
func pointOfMany(objects int) Point {
	const inNamespace = 500
	var point Point
	index := make(map[appbur.ObjectID]manifest.Entry)
	add := func(kind, namespace, name string, data map[string]any) {
		id := appbur.ObjectID{Kind: kind, Namespace: namespace, Name: name}
		metadata := map[string]any{"name": name}
		if namespace != "" {
			metadata["namespace"] = namespace
		}
		content := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": metadata}
		if data != nil {
			content["data"] = data
		}
		point.Objects.Add(Object{ID: id, APIVersion: "v1", Content: content})
		index[id] = manifest.Entry{UID: "uid-of-" + namespace + "-" + kind + "-" + name}
	}
	for i := range objects {
		namespace := fmt.Sprintf("bench-%03d", i/inNamespace)
		if i%inNamespace == 0 {
			add("Namespace", "", namespace, nil)
		}
		kind := []string{"ConfigMap", "Secret"}[i%2]
		add(kind, namespace, fmt.Sprintf("object-%05d", i), map[string]any{"key": strings.Repeat(fmt.Sprintf("%08d", i), 128)})
	}
	point.Objects.Sort()
	point.Index = TrimIndex(index)
	return point
}
