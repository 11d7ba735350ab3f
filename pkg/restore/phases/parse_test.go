package phases

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/selection"
)

func TestParse(t *testing.T) {
	declared, err := Parse([]byte(`
phases:
- name: databases
  objects: [statefulset/db]
  timeout: 10m
- name: operators
  namespaces: [operators]
  kinds: [deployment]
  excludeNames: [old-*]
- name: clusters
  kinds: ["*.cluster.x-k8s.io"]
  wait: false
- name: rows
  labels: tier=rows
  condition: Ready
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		words, condition string
		wait             bool
		timeout          time.Duration
	}{
		{"statefulset/db", "", true, 10 * time.Minute},
		{"namespace operators, kind deployment, without name old-*", "", true, DefaultTimeout},
		{"kind *.cluster.x-k8s.io", "", false, DefaultTimeout},
		{"labels tier=rows", "Ready", true, DefaultTimeout},
	} {
		p := declared[i]
		if p.Words.String() != want.words || p.Wait != want.wait || p.Timeout != want.timeout || p.Condition != want.condition {
			t.Errorf("phase %d: %s, %t, %s, %q", i+1, p.Words, p.Wait, p.Timeout, p.Condition)
		}
	}
}

// Every mistake names its phase and what is wrong with it.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "empty",
		"phases: []":                            "it has no phases",
		"stages: []":                            "stages",
		"phases: [{objects: [deployment/web]}]": "phase 1: name is missing",
		"phases: [{name: a}]":                   "phase 1: it chooses everything",
		"phases: [{name: a, names: [x]}, {name: a, names: [y]}]":                         `phase 2: there is another phase "a"`,
		"phases: [{name: a, names: [x], timeout: soon}]":                                 `timeout "soon" is no duration`,
		"phases: [{name: a, names: [x], timeout: -1s}]":                                  `timeout "-1s" is no duration`,
		"phases: [{name: a, names: [x], wait: false, timeout: 1s}]":                      "timeout has no meaning",
		"phases: [{name: a, names: [x], wait: false, condition: Ready}]":                 "condition has no meaning",
		"phases: [{name: a, names: ['[']}]":                                              "not understood",
		"phases: [{name: a, names: [x], namespace: y}]":                                  "namespace",
		"phases: [{name: a, names: [x], objects: [web]}]":                                "web",
		"phases: [{name: a, names: [x]}]\n---\nphases: [{name: a, names: [x], wait: 1}]": "second document",
	} {
		_, err := Parse([]byte(text))
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	_, err := Parse([]byte("phases: [{name: a, names: ['[']}]"))
	var word *selection.WordError
	if !errors.As(err, &word) {
		t.Errorf("%v names no word", err)
	}
}
