package restore

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/manifest"
)

func TestHandedOver(t *testing.T) {
	applied := func(manager, fields string) map[string]any {
		var set map[string]any
		if err := json.Unmarshal([]byte(fields), &set); err != nil {
			t.Fatal(err)
		}
		return map[string]any{
			"manager": manager, "operation": "Apply", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
			"fieldsType": "FieldsV1", "fieldsV1": set,
		}
	}
	updated := map[string]any{
		"manager": "kubelet", "operation": "Update", "subresource": "status",
		"fieldsV1": map[string]any{"f:status": map[string]any{}},
	}
	applier := func(name, fields string) manifest.Manager {
		return manifest.Manager{Manager: name, Operation: "Apply", Fields: json.RawMessage(fields)}
	}
	ours := applied("appbur", `{"f:data":{"f:a":{},"f:b":{},"f:c":{}}}`)

	for name, c := range map[string]struct {
		live     []any
		appliers []manifest.Manager
		want     []any
		changed  bool
	}{
		"all that was theirs and is there": {
			live: []any{ours, updated}, appliers: []manifest.Manager{applier("tool", `{"f:data":{"f:a":{},"f:gone":{}}}`)},
			want: []any{updated, applied("tool", `{"f:data":{"f:a":{}}}`)}, changed: true,
		},
		"to each his own": {
			live:     []any{ours},
			appliers: []manifest.Manager{applier("one", `{"f:data":{"f:a":{}}}`), applier("two", `{"f:data":{"f:a":{},"f:b":{}}}`)},
			want:     []any{applied("one", `{"f:data":{"f:a":{}}}`), applied("two", `{"f:data":{"f:a":{},"f:b":{}}}`)}, changed: true,
		},
		"what was created is given back as what is applied": {
			live:     []any{with(applied("appbur", `{"f:data":{".":{},"f:a":{},"f:default":{}}}`), "Update", "operation"), updated},
			appliers: []manifest.Manager{applier("tool", `{"f:data":{"f:a":{}}}`)},
			want:     []any{updated, applied("tool", `{"f:data":{"f:a":{}}}`)}, changed: true,
		},
		"who has applied again knows better": {
			live: []any{ours, applied("tool", `{"f:data":{"f:new":{}}}`)}, appliers: []manifest.Manager{applier("tool", `{"f:data":{"f:a":{}}}`)},
			want: []any{applied("tool", `{"f:data":{"f:new":{}}}`)}, changed: true,
		},
		"nothing of it is left": {
			live: []any{ours}, appliers: []manifest.Manager{applier("tool", `{"f:spec":{}}`)},
		},
		"appbur owns nothing": {
			live: []any{updated}, appliers: []manifest.Manager{applier("tool", `{"f:data":{"f:a":{}}}`)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, changed, err := handedOver(c.live, c.appliers, "v1")
			if err != nil || changed != c.changed {
				t.Fatalf("changed %v, %v", changed, err)
			}
			if !changed {
				return
			}
			if diff := cmp.Diff(plainJSON(t, c.want), plainJSON(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func plainJSON(t *testing.T, value any) (plain any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(data, &plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// A restore point is not written by us alone; whatever its index says of fields, the
// worst is that they are not given back.
func FuzzHandedOver(f *testing.F) {
	for _, fields := range []string{
		`{}`, `null`, `[]`, `{"f:a":1}`, `{"v:\"x\"":{}}`, `{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}}`,
		`{"i:9999999999999":{}}`, `{"x":{}}`,
	} {
		f.Add(fields)
	}
	f.Fuzz(func(t *testing.T, fields string) {
		live := []any{map[string]any{
			"manager": "appbur", "operation": "Apply", "time": "2026-01-02T03:04:05Z",
			"fieldsV1": map[string]any{"f:spec": map[string]any{"f:a": map[string]any{}}},
		}}
		after, changed, err := handedOver(live, []manifest.Manager{{Manager: "tool", Operation: "Apply", Fields: json.RawMessage(fields)}}, "v1")
		if err == nil && changed && len(after) != 1 {
			t.Errorf("%q: %v", fields, after)
		}
	})
}
