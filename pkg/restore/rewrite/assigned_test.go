package rewrite

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/restore"
)

const assigned = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}, {port: 81, nodePort: 30001}]}
---
apiVersion: v1
kind: Service
metadata: {name: requested, namespace: shop}
spec:
  clusterIP: 10.0.0.9
  clusterIPs: [10.0.0.9]
  loadBalancerIP: 192.0.2.1
  healthCheckNodePort: 30009
  ports: [{port: 80, nodePort: 30002}]
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: shop}
spec: {clusterIP: None, clusterIPs: [None]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {volumeName: pv}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec: {claimRef: {namespace: shop, name: data}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: free}
spec: {claimRef: {namespace: gone, name: data}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, namespace: shop, finalizers: [example.com/cleanup]}
`

func assignedPoint(t *testing.T) restore.Point {
	t.Helper()
	point := pointOf(t, assigned)
	fields := func(kind, name string, fields map[string]string) {
		entry := manifest.Entry{Fields: map[string]json.RawMessage{}}
		for path, value := range fields {
			entry.Fields[path] = json.RawMessage(value)
		}
		point.Index[appbur.ObjectID{Kind: kind, Namespace: "shop", Name: name}] = entry
	}
	fields("Service", "web", map[string]string{
		"spec.clusterIP": `"10.0.0.7"`, "spec.clusterIPs": `["10.0.0.7"]`, "spec.ports[0].nodePort": "30123", "spec.ports[7].nodePort": "1",
		"spec.healthCheckNodePort": "30200",
	})
	fields("PersistentVolumeClaim", "data", map[string]string{"spec.volumeName": `"pv"`})
	return point
}

func specOf(t *testing.T, p restore.Point, id string) string {
	t.Helper()
	spec, err := json.Marshal(find(t, p, id).Content["spec"])
	if err != nil {
		t.Fatal(err)
	}
	return string(spec)
}

func TestWhatTheOldClusterChoseComesBackIfItIsWanted(t *testing.T) {
	point := assignedPoint(t)
	before, _ := json.Marshal(contents(point))
	kept := apply(t, Changes{Preserve: []Assigned{NodePorts, Addresses}}, point)

	want := `{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"healthCheckNodePort":30200,` +
		`"ports":[{"nodePort":30123,"port":80},{"nodePort":30001,"port":81}]}`
	if got := specOf(t, kept, "Service/shop/web"); got != want {
		t.Errorf("got %s", got)
	}
	if got := len(find(t, kept, "Service/shop/web").Rewritten); got != 4 {
		t.Errorf("%d changes are told", got)
	}
	if after, _ := json.Marshal(contents(point)); string(after) != string(before) {
		t.Error("the point that was given has changed")
	}

	ports := apply(t, Changes{Preserve: []Assigned{NodePorts}}, point)
	if got := specOf(t, ports, "Service/shop/web"); strings.Contains(got, "10.0.0.7") {
		t.Errorf("addresses came back as well: %s", got)
	}
	damaged := assignedPoint(t)
	damaged.Index[damaged.Objects.At(0).ID].Fields["spec.clusterIP"] = json.RawMessage("{")
	if _, err := (Changes{Preserve: []Assigned{Addresses}}).Apply(damaged); err == nil {
		t.Error("a damaged index is used")
	}
}

func TestWhatWasRequestedIsChosenAnewIfItIsWanted(t *testing.T) {
	anew := apply(t, Changes{Reassign: []Assigned{NodePorts, Addresses, Volumes, Finalizers}}, assignedPoint(t))
	for id, want := range map[string]string{
		"Service/shop/web":                `{"ports":[{"port":80},{"port":81}]}`,
		"Service/shop/requested":          `{"ports":[{"port":80}]}`,
		"Service/shop/headless":           `{"clusterIP":"None","clusterIPs":["None"]}`,
		"PersistentVolumeClaim/shop/data": `{}`,
		"PersistentVolume/free":           `{"claimRef":{"name":"data","namespace":"gone"}}`,
		"Widget.example.com/shop/w":       `null`,
	} {
		if got := specOf(t, anew, id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	if slices.Contains(ids(anew), "PersistentVolume/pv") || !strings.Contains(noteAbout(anew, "PersistentVolume/pv"), "left out") {
		t.Errorf("the old volume is restored, too: %v", ids(anew))
	}
	claim := find(t, anew, "PersistentVolumeClaim/shop/data")
	if name, err := anew.Index[claim.ID].VolumeName(); err != nil || name != "" {
		t.Errorf("the index still has volume %q (%v)", name, err)
	}
	if metadata := find(t, anew, "Widget.example.com/shop/w").Content["metadata"].(map[string]any); metadata["finalizers"] != nil {
		t.Error("the finalizer is still there")
	}
}

func TestWordsForWhatAClusterAssigns(t *testing.T) {
	if list, err := ParseReassign([]string{"volumes", "finalizers"}); err != nil || !slices.Equal(list, []Assigned{Volumes, Finalizers}) {
		t.Errorf("%v %v", list, err)
	}
	var e *AssignedError
	if _, err := ParsePreserve([]string{"volumes"}); !errors.As(err, &e) || err.Error() != `"volumes": want some of node-ports, addresses` {
		t.Errorf("got %v", err)
	}
}
