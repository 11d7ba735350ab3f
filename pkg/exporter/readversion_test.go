package exporter

import (
	"testing"

	"github.com/appbur/appbur/pkg/manifest"
)

// TestReadVersion shows at which version custom resources are read: "" is the most
// stable one that is served.
func TestReadVersion(t *testing.T) {
	t.Parallel()
	const (
		few  = `{type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}`
		many = `{type: object, properties: {spec: {type: object, properties: {a: {type: string}, b: {type: string}}}}}`
		othr = `{type: object, properties: {spec: {type: object, properties: {c: {type: string}}}}}`
	)
	version := func(name, flags, schema string) string {
		return "{name: " + name + ", " + flags + ", schema: {openAPIV3Schema: " + schema + "}}"
	}
	const stored, served, gone = "served: true, storage: true", "served: true, storage: false", "served: false, storage: true"

	for _, tt := range []struct {
		name, spec, versions, storedVersions string
		want                                 string
		lossy                                bool
	}{
		{"one version", "", version("v1", stored, few), "v1", "v1", false},
		{"the storage version has all", "", version("v1", stored, many) + ", " + version("v1beta1", served, few), "v1beta1, v1", "v1", false},
		{
			"it has fewer, and nothing is stored at the other", "", version("v1", stored, few) + ", " + version("v1beta1", served, many), "v1", "v1",
			false,
		},
		{
			"it has fewer than what may be stored", "", version("v1", stored, few) + ", " + version("v1beta1", served, many), "v1beta1, v1",
			"v1beta1", false,
		},
		{
			"the most stable one of those that have all", "",
			version("v1", stored, few) + ", " + version("v1beta1", served, many) + ", " + version("v1beta2", served, many), "v1beta1, v1", "v1beta2",
			false,
		},
		{
			"it is not served, and one has all", "",
			version("v3", gone, many) + ", " + version("v2", served, few) + ", " + version("v1", served, many), "v3", "v1", false,
		},
		{"it is not served, and none has all", "", version("v3", gone, many) + ", " + version("v2", served, few), "v3", "", true},
		{"neither has all", "", version("v1", stored, few) + ", " + version("v1beta1", served, othr), "v1beta1, v1", "v1", true},
		{
			"a webhook converts", "conversion: {strategy: Webhook}", version("v1", stored, few) + ", " + version("v1beta1", served, many),
			"v1beta1, v1", "v1", false,
		},
		{
			"nothing is pruned", "preserveUnknownFields: true", version("v1", stored, few) + ", " + version("v1beta1", served, many), "v1beta1, v1",
			"v1", false,
		},
		{"a stored version that is not in the definition", "", version("v1", stored, few), "v0, v1", "v1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			crd, err := manifest.Decode([]byte("{spec: {group: a.b, names: {plural: things, kind: Thing}, versions: [" + tt.versions + "], " +
				tt.spec +
				"}, status: {storedVersions: [" + tt.storedVersions + "]}}"))
			if err != nil {
				t.Fatal(err)
			}
			_, d, ok := definitionOf(crd)
			if got := d.readAt(); !ok || got != tt.want || d.lossy != tt.lossy {
				t.Errorf("read at %q, want %q; lossy %t", got, tt.want, d.lossy)
			}
		})
	}
}
