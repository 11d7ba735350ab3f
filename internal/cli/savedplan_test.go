package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/restore"
)

func TestWhatIsNoSavedPlan(t *testing.T) {
	for _, test := range []struct{ name, data, says string }{
		{"nothing", "", "no JSON of this form"},
		{"another file", `{"kind": "Config"}`, "no JSON of this form"},
		{"a later format", `{"format": 2}`, "its format is 2, this release reads 1"},
		{"no point", `{"format": 1, "options": []}`, "it lacks the restore point"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parseSavedPlan([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Error(err)
			}
		})
	}
}

func TestASavedPlanSaysWhichStepsAreOthers(t *testing.T) {
	id := func(name string) appbur.ObjectID {
		return appbur.ObjectID{Kind: "ConfigMap", Namespace: "a", Name: name}
	}
	step := func(action restore.Action, name, content string) *restore.Step {
		return &restore.Step{Action: action, Object: id(name), Digest: appbur.DigestOf([]byte(content))}
	}
	saved := savedPlan{Steps: []savedStep{
		{restore.ActionApply, id("same"), appbur.DigestOf([]byte("1"))},
		{restore.ActionApply, id("there"), appbur.DigestOf([]byte("1"))},
		{restore.ActionApply, id("gone"), appbur.DigestOf([]byte("1"))},
	}}
	now := &restore.Plan{Steps: []*restore.Step{
		step(restore.ActionApply, "same", "1"), step(restore.ActionKeep, "there", ""), step(restore.ActionBarrier, "", ""),
	}}

	got := saved.difference(now)
	for _, want := range []string{"ConfigMap/a/there is now keep", "ConfigMap/a/there was apply", "ConfigMap/a/gone was apply"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if strings.Contains(got, "same") {
		t.Errorf("%q names what is the same", got)
	}
}

// Whatever is in the file, it is a plan as it would be written, or refused.
func FuzzSavedPlan(f *testing.F) {
	commit, err := gitsync.ParseHash(strings.Repeat("a", 40))
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(savedPlan{
		Format: savedPlanFormat, Point: "20261121T030238Z", Commit: commit, Digest: appbur.DigestOf([]byte("plan")),
		Options: []string{"--namespace=a"},
	})
	if err != nil {
		f.Fatal(err)
	}

	f.Add(good)
	f.Add([]byte(`{"format": 1}`))

	f.Fuzz(func(t *testing.T, data []byte) {
		saved, err := parseSavedPlan(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(saved)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseSavedPlan(again); err != nil {
			t.Errorf("%s is read, and %s is not: %v", data, again, err)
		}
	})
}
