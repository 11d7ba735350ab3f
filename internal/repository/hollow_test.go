package repository

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/manifest"
)

func TestHollowed(t *testing.T) {
	full := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: a value that is long enough\n"
	for name, c := range map[string]struct {
		after string
		want  bool
	}{
		"without data": {"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n", true},
		"emptied":      {"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: a\n", true},
		"a bit less":   {"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: a value that is long\n", false},
		"equal":        {full, false},
		"no manifest":  {"{", false},
	} {
		if got := hollowed([]byte(full), []byte(c.after)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}

	labelled := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    a: a label that goes away\n"
	if hollowed([]byte(labelled), []byte("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n")) {
		t.Error("labels are no content")
	}
}

// A backup that keeps every object and drops what is in them is stopped like one that
// loses objects.
func TestGuardsCountLostContent(t *testing.T) {
	f := newFixture(t)
	put := func(n int, data any) error {
		writer := f.begin()
		for i := range n {
			object := map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap",
				"metadata": map[string]any{"name": fmt.Sprintf("c%d", i), "namespace": "team"},
			}
			if data != nil {
				object["data"] = data
			}
			result, err := manifest.Default().Make(object)
			if err != nil {
				t.Fatal(err)
			}
			if err := writer.Put(result); err != nil {
				t.Fatal(err)
			}
		}
		_, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{})
		return err
	}
	if err := put(60, map[string]any{"key": "what the team has configured"}); err != nil {
		t.Fatal(err)
	}

	if err := put(20, nil); err != nil {
		t.Errorf("a third, as teams do it: %v", err)
	}
	var guard *GuardError
	if err := put(60, nil); !errors.As(err, &guard) || !strings.Contains(err.Error(), "lost most of their content") ||
		nextStep(err) == "" {
		t.Errorf("all of them: %v", err)
	}
}
