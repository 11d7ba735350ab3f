package manifest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

func sampleIndex() map[appbur.ObjectID]Entry {
	block := true
	at := time.Date(2026, 11, 21, 3, 2, 38, 0, time.UTC)
	return map[appbur.ObjectID]Entry{
		{Group: "cluster.x-k8s.io", Kind: "Machine", Namespace: "fleet", Name: "m-1"}: {
			UID: "11111111-2222-3333-4444-555555555555", Created: at,
			Owners: []Owner{{
				APIVersion: "cluster.x-k8s.io/v1beta1", Kind: "MachineSet", Name: "ms", UID: "u", Controller: new(true),
				BlockOwnerDeletion: &block,
			}},
			Managers: []Manager{{Manager: "manager", Operation: "Update", APIVersion: "cluster.x-k8s.io/v1beta1", Subresource: "status", Time: at}},
			Status:   json.RawMessage(`{"nodeRef":{"name":"a<b"},"ready":9007199254740993}`),
		},
		{Group: "cluster.x-k8s.io", Kind: "Machine", Namespace: "fleet", Name: "m-2"}: {UID: "x"},
		{Kind: "Service", Namespace: "default", Name: "web"}: {
			UID: "y", Finalizers: []string{"service.kubernetes.io/load-balancer-cleanup"},
			Fields: map[string]json.RawMessage{"spec.clusterIP": json.RawMessage(`"10.0.0.7"`), "spec.ports[0].nodePort": json.RawMessage("30080")},
		},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:thing"}: {UID: "z"},
	}
}

func TestIndexGivesBackWhatItWasGiven(t *testing.T) {
	want := sampleIndex()
	files, err := EncodeIndex(want)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path)
	}

	if diff := cmp.Diff([]string{
		"index/cluster/clusterrole.rbac.authorization.k8s.io.json", "index/namespaces/default/service.json",
		"index/namespaces/fleet/machine.cluster.x-k8s.io.json",
	}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	got, err := DecodeIndex(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
	compareGolden(t, "index.json", files[2].Data)
}

func TestEntryFields(t *testing.T) {
	e := Entry{Fields: map[string]json.RawMessage{
		"spec.volumeName":       json.RawMessage(`"pv-1"`),
		"status.storedVersions": json.RawMessage(`["v1","v2"]`), "bad": json.RawMessage(`{}`),
	}}
	if name, err := e.VolumeName(); err != nil || name != "pv-1" {
		t.Errorf("VolumeName = %q, %v", name, err)
	}
	if versions, err := e.StoredVersions(); err != nil || !cmp.Equal(versions, []string{"v1", "v2"}) {
		t.Errorf("StoredVersions = %v, %v", versions, err)
	}
	var text string
	if found, err := e.Field("absent", &text); found || err != nil {
		t.Errorf("absent field: %v, %v", found, err)
	}
	if found, err := e.Field("bad", &text); !found || err == nil {
		t.Errorf("field of another type: %v, %v", found, err)
	}
}

func TestDecodeIndexRefuses(t *testing.T) {
	for name, file := range map[string]appbur.File{
		"no JSON":           {Path: "index/cluster/node.json", Data: []byte("nope")},
		"no kind":           {Path: "index/cluster/node.json", Data: []byte(`{"entries":{}}`)},
		"moved file":        {Path: "index/cluster/other.json", Data: []byte(`{"kind":"Node","entries":{}}`)},
		"object of no name": {Path: "index/cluster/node.json", Data: []byte(`{"kind":"Node","entries":{"":{}}}`)},
	} {
		if _, err := DecodeIndex([]appbur.File{file}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKindsThatDifferOnlyInCaseHaveTheirOwnIndex(t *testing.T) {
	want := map[appbur.ObjectID]Entry{
		{Group: "a.b", Kind: "Thing", Namespace: "n", Name: "x"}: {UID: "1"},
		{Group: "a.b", Kind: "THING", Namespace: "n", Name: "x"}: {UID: "2"},
	}
	files, err := EncodeIndex(want)
	if err != nil || len(files) != 2 || strings.EqualFold(files[0].Path, files[1].Path) {
		t.Fatalf("%v, %v", files, err)
	}
	got, err := DecodeIndex(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("index (-want +got):\n%s", diff)
	}
}

// checkIndexFile checks that a file that can be read is written back as something
// that reads the same.
func checkIndexFile(t *testing.T, path string, data []byte) {
	t.Helper()
	entries, err := DecodeIndex([]appbur.File{{Path: path, Data: data}})
	if err != nil {
		return
	}
	files, err := EncodeIndex(entries)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v\n%s", err, data)
	}

	back, err := DecodeIndex(files)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	again, err := EncodeIndex(back)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again); diff != "" {
		t.Errorf("writing is not stable (-first +second):\n%s", diff)
	}
}
