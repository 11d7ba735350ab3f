package findings

import (
	"bytes"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func sealed(list ...Finding) Report {
	r := Report{Tool: Tool{Name: "check"}, Findings: list}
	r.Seal()
	return r
}

// What a team has when it begins does not fail; what comes later does, and what goes is told.
func TestBaseline(t *testing.T) {
	old := Finding{
		Rule: "api-removed", Level: Error, Subject: "Ingress/a/old", Detail: "extensions/v1beta1", File: "a.yaml", Line: 3, Message: "x",
	}
	gone := Finding{Rule: "api-removed", Level: Error, Subject: "Ingress/a/gone", Message: "x"}
	data, err := sealed(old, gone).Baseline().Encode()
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ParseBaseline(data, "check")
	if err != nil {
		t.Fatal(err)
	}

	moved := old
	moved.File, moved.Line, moved.Message, moved.Versions = "elsewhere/b.yaml", 70, "other words", []string{"1.37"}
	r := sealed(moved)
	r.Apply(accepted)
	if r.Fails() || !r.Findings[0].Known {
		t.Errorf("a finding that moved is not known: %+v", r.Findings)
	}
	if len(r.Gone) != 1 || r.Gone[0].Subject != "Ingress/a/gone" {
		t.Errorf("gone: %+v", r.Gone)
	}

	for name, fresh := range map[string]Finding{
		"another rule":       {Rule: "api-other", Level: Error, Subject: old.Subject, Detail: old.Detail},
		"another subject":    {Rule: old.Rule, Level: Error, Subject: "Ingress/a/new", Detail: old.Detail},
		"another detail":     {Rule: old.Rule, Level: Error, Subject: old.Subject, Detail: "networking.k8s.io/v1beta1"},
		"the same once more": old,
	} {
		r := sealed(old, fresh)
		r.Apply(accepted)
		if !r.Fails() {
			t.Errorf("%s is known", name)
		}
		if all, known := r.Count(Error); all != 2 || known != 1 {
			t.Errorf("%s: %d known of %d", name, known, all)
		}
	}
}

// The order in which a check finds things changes neither the file nor the fingerprints.
func TestBaselineIsStable(t *testing.T) {
	a := Finding{Rule: "r", Level: Error, Subject: "a", File: "1"}
	b := Finding{Rule: "r", Level: Error, Subject: "b", File: "2"}
	one, err := sealed(a, b, a).Baseline().Encode()
	if err != nil {
		t.Fatal(err)
	}
	other, err := sealed(a, a, b).Baseline().Encode()
	if err != nil || !bytes.Equal(one, other) {
		t.Errorf("%s\n%s", one, other)
	}
	if lines := strings.Count(string(one), "\n"); lines != 5 {
		t.Errorf("%d lines, want one for each finding and two around them:\n%s", lines, one)
	}
}

func TestBadBaseline(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "ends too early",
		"{":                     "ends too early",
		"[]":                    "array stands where something else is wanted",
		"nonsense":              "invalid character",
		`{"format": 2}`:         "has format 2",
		`{"format": 1, "x": 1}`: "unknown field",
		`{"format": 1, "tool": "appbur compat payload"}`:              "is of `appbur compat payload`",
		`{"format": 1, "tool": "check", "findings": [{"rule": "r"}]}`: "without fingerprint",
	} {
		_, err := ParseBaseline([]byte(text), "check")
		if err == nil || !strings.Contains(err.Error(), want) || appbur.HintOf(err) == "" {
			t.Errorf("%q: %v, hint %q", text, err, appbur.HintOf(err))
		}
	}
}
