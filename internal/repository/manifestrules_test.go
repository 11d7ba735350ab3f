package repository

import (
	"slices"
	"strings"
	"testing"
)

// The rules in appbur.yaml are in force, their mistakes name the line of the file, and
// writing the file keeps them.
func TestManifestRulesComeFromTheFile(t *testing.T) {
	text := edited + `rules:
  sensitive: # what the teams told us
    - kinds: [ConfigMap]
      paths: ['data["*.key"]']
`
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := (&Repository{config: c}).ManifestRules()
	if err != nil {
		t.Fatal(err)
	}
	result, err := rules.Make(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "namespace": "y"},
		"data": map[string]any{"tls.key": "a", "other": "b"},
	})
	if err != nil || !result.Manifest.Sensitive ||
		!slices.EqualFunc(result.Manifest.SecretPaths, [][]string{{"data", "tls.key"}}, slices.Equal) {
		t.Errorf("%+v, %v", result.Manifest, err)
	}
	c.Rules = "3"
	if written, err := c.encode(); err != nil || !strings.Contains(string(written), "sensitive: # what the teams told us") {
		t.Errorf("%v\n%s", err, written)
	}

	if c, err = ParseConfig([]byte(edited + "rules:\n  sensitive:\n    - kind: [ConfigMap]\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Repository{config: c}).ManifestRules(); err == nil || !strings.Contains(err.Error(), "line 15") {
		t.Errorf("%v, want an error about line 15", err)
	}
	if rules, err = (&Repository{}).ManifestRules(); err != nil || rules == nil {
		t.Errorf("without a section: %v", err)
	}
}
