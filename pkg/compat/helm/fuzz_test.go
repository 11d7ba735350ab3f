package helm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// FuzzRead takes whatever may be written into data.release.
func FuzzRead(f *testing.F) {
	encoded := encode(f, []byte(releaseJSON("web", "shop", 1, "deployed")))
	f.Add(true, twice(encoded))
	f.Add(false, encoded)
	f.Add(false, encoded[:len(encoded)/2])
	f.Add(true, "ENC[AES256_GCM,data:x]")
	f.Add(false, encode(f, []byte(`{"name":"x","version":1,"hooks":[null,{"manifest":"kind: List"}]}`)))
	f.Fuzz(func(t *testing.T, secret bool, data string) {
		obj := configMapRecord("web", "shop", 1, "deployed", data)
		if secret {
			obj = withData(secretRecord("web", "shop", 1, "deployed", ""), map[string]any{"release": data})
		}
		checkRelease(t, obj)
	})
}

// FuzzManifest takes whatever a chart may render.
func FuzzManifest(f *testing.F) {
	f.Add("---\n# Source: x\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", "")
	f.Add("kind: List\nitems: [{apiVersion: v1, kind: ConfigMapList, items: [{}, 1]}]\n...\n--- # x\n--- {a: b}\n",
		"---\n---\n%YAML 1.1\n---\nnull")
	f.Add("a: &a [*a]\n", "a: &a x\nb: [*a, *a]\napiVersion: v1\nkind: X\n")
	f.Add("{\n\t\"apiVersion\": \"apps/v1beta1\", \"kind\": \"Deployment\", \"spec\": {\"replicas\": 1e400}}", "\ufeffkind: 1\r\n---\r\n")
	f.Fuzz(func(t *testing.T, manifest, hook string) {
		plain, err := json.Marshal(map[string]any{
			"name": "x", "version": 1, "manifest": manifest,
			"hooks": []any{map[string]any{"manifest": hook}},
		})
		if err != nil {
			t.Fatal(err)
		}
		checkRelease(t, configMapRecord("web", "x", 1, "deployed", encode(t, plain)))
	})
}

// checkRelease holds a record to what the package promises of every one.
func checkRelease(t *testing.T, obj map[string]any) {
	t.Helper()
	r, ok, err := Read(obj)
	if !ok {
		t.Fatal("a record is taken for none")
	}
	s := r.Summary()
	if (err == nil) != (s.Problem == "") || (err != nil && !strings.HasSuffix(err.Error(), s.Problem)) {
		t.Fatalf("the error is %v, the problem %q", err, s.Problem)
	}
	e := appbur.Evidence{Format: appbur.EvidenceFormat, HelmReleases: []appbur.HelmRelease{s}}

	written, jsonErr := json.Marshal(e)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	if _, err := appbur.ParseEvidence(written); err != nil {
		t.Fatalf("the summary is no evidence: %v", err)
	}

	verdicts := Judge(r, compat.TableTarget(appbur.KubeVersion{Major: 1, Minor: 37}))
	var judged []appbur.HelmObject
	for _, v := range verdicts {
		judged = append(judged, v.Object)
	}
	slices.SortFunc(judged, appbur.HelmObject.Compare)
	if diff := cmp.Diff(s.Objects, slices.Compact(judged)); diff != "" {
		t.Fatalf("other objects are judged than reported (-reported +judged):\n%s", diff)
	}
}
