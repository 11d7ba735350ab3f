package restore

import (
	"testing"

	"github.com/appbur/appbur/pkg/manifest"
)

func TestWhatIsSettledGetsNoWrite(t *testing.T) {
	const deployment = `{"metadata":{"name":"a"},"spec":{"ports":[{"port":53,"name":"x"}],"set":["p","q"]}}`
	managed := func(fields string) string {
		return `{"metadata":{"name":"a","managedFields":[{"manager":"appbur","operation":"Apply","fieldsV1":` + fields + `}]},
			"spec":{"ports":[{"port":53,"name":"x","protocol":"TCP"}],"set":["p","q"],"replicas":1}}`
	}
	tests := []struct {
		name, live string
		want       bool
	}{
		{"equal", deployment, true},
		{"defaults on top", managed(`{}`), true},
		{
			"all that is ours is planned",
			managed(`{"f:spec":{"f:ports":{"k:{\"port\":53,\"protocol\":\"TCP\"}":{".":{},"f:name":{}}},"f:set":{"v:\"p\"":{}}}}`), true,
		},
		{"a field of ours would go", managed(`{"f:spec":{"f:replicas":{}}}`), false},
		{"an element of ours would go", managed(`{"f:spec":{"f:ports":{"k:{\"port\":80}":{}}}}`), false},
		{"a value of ours would go", managed(`{"f:spec":{"f:set":{"v:\"z\"":{}}}}`), false},
		{"a place of ours would go", managed(`{"f:spec":{"f:set":{"i:2":{}}}}`), false},
		{"ownership that is not readable", managed(`{"f:spec":{"f:set":{"k:{":{},"?":null}}}`), false},
		{"another value", `{"metadata":{"name":"a"},"spec":{"ports":[{"port":54,"name":"x"}],"set":["p","q"]}}`, false},
		{"an element more", `{"metadata":{"name":"a"},"spec":{"ports":[{"port":53,"name":"x"}],"set":["p","q","r"]}}`, false},
	}

	w := &worker{rules: manifest.Default()}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := w.settled(t.Context(), &stepResult{step: &Step{}}, decode(t, deployment), decode(t, tt.live))
			if err != nil || got != tt.want {
				t.Errorf("got %t %v", got, err)
			}
		})
	}

	if got, err := w.settled(t.Context(), &stepResult{step: &Step{}}, decode(t, deployment), nil); got || err != nil {
		t.Errorf("what is not there is settled (%v)", err)
	}
}

// Who the owners are is the plan's; the form of their references is their controller's.
func TestOwnerReferencesAreNotFoughtOver(t *testing.T) {
	const planned = `{"metadata":{"name":"a","finalizers":["f/one"],"ownerReferences":[
		{"apiVersion":"x.io/v1","kind":"Set","name":"s","uid":"1","controller":true},{"apiVersion":"x.io/v1","kind":"Set","name":"t","uid":"2"}]}}`
	live := func(manager, references string) string {
		return `{"metadata":{"name":"a","finalizers":["f/two","f/one"],"ownerReferences":[` + references + `],"managedFields":[
			{"manager":"` + manager + `","operation":"Update","fieldsV1":{"f:metadata":{"f:ownerReferences":{
			"k:{\"uid\":\"1\"}":{},"k:{\"uid\":\"2\"}":{}}}}}]}}`
	}
	const (
		first  = `{"apiVersion":"x.io/v1","kind":"Set","name":"s","uid":"1","controller":true}`
		older  = `{"apiVersion":"x.io/v1alpha4","kind":"Set","name":"s","uid":"1","controller":true,"blockOwnerDeletion":true}`
		second = `{"apiVersion":"x.io/v1","kind":"Set","name":"t","uid":"2"}`
		third  = `{"apiVersion":"x.io/v1","kind":"Set","name":"u","uid":"3"}`
	)
	for _, tt := range []struct {
		name, live string
		want       bool
	}{
		{"in another order", live("manager", second+","+first), true},
		{"of another version and with other flags", live("manager", older+","+second), true},
		{"with one more", live("manager", third+","+second+","+first), true},
		{"one is missing", live("manager", first), false},
		{"of another version, and ours", live(FieldManager, older+","+second), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			is, w := decode(t, tt.live), &worker{rules: manifest.Default()}
			got, err := w.settled(t.Context(), &stepResult{step: &Step{}}, withLiveOwners(decode(t, planned), is), is)
			if err != nil || got != tt.want {
				t.Errorf("got %t %v", got, err)
			}
		})
	}
}

// An object that is what was saved, and not what conversion makes of it, is right; one that
// is neither is not.
func TestWhatWasSavedIsRight(t *testing.T) {
	const saved, planned = `{"metadata":{"name":"a"},"spec":{"ref":"old/v1","n":1}}`, `{"metadata":{"name":"a"},"spec":{"ref":"new/v1","n":1}}`
	for live, want := range map[string]bool{
		saved:   true,
		planned: true,
		`{"metadata":{"name":"a"},"spec":{"ref":"third/v1","n":1}}`: false,
		`{"metadata":{"name":"a"},"spec":{"ref":"old/v1","n":2}}`:   false,
		`{"metadata":{"name":"a"},"spec":{"n":1}}`:                  false,
	} {
		w := &worker{rules: manifest.Default()}
		a := &stepResult{step: &Step{details: &StepDetails{original: &original{content: ContentOf(decode(t, saved))}}}}
		got, err := w.settled(t.Context(), a, decode(t, planned), decode(t, live))
		if err != nil || got != want || a.asSaved != (live == saved) {
			t.Errorf("%s: got %t, as saved %t (%v)", live, got, a.asSaved, err)
		}
	}
}

// A dry run moves no resource version, and a server may store nothing but a new time: what is
// in the object decides, and only where it was not read, versions and our own entry do.
func TestWhatAWriteChanged(t *testing.T) {
	object := func(version, time, replicas string) map[string]any {
		return decode(t, `{"metadata":{"name":"a","uid":"1","resourceVersion":"`+version+`","generation":`+version+`,"managedFields":[
			{"manager":"appbur","operation":"Apply","time":"`+time+`","fieldsV1":{"f:spec":{"f:replicas":{}}}}]},"spec":{"replicas":`+replicas+`}}`)
	}
	before := object("7", "noon", "1")
	for _, tt := range []struct {
		name      string
		live      map[string]any
		answer    map[string]any
		full      bool
		unchanged bool
	}{
		{"a dry run that would change a value", before, object("7", "noon", "2"), true, false},
		{"a dry run that would change a time", before, object("7", "later", "1"), true, true},
		{"a write that moved the version and the time", before, object("8", "later", "1"), true, true},
		{"a write in the same second", before, object("8", "noon", "2"), true, false},
		{"unread, and the same version", nil, object("7", "noon", "1"), false, true},
		{"unread, and another manager wrote", nil, object("8", "noon", "1"), false, true},
		{"unread, and we wrote", nil, object("8", "later", "1"), false, false},
		{"unread, and a dry run of ours", nil, object("7", "later", "2"), true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := Applied{Identity: identityOf(tt.answer)}
			if tt.full {
				answer.Object = tt.answer
			}
			if got := wroteNothing(identityOf(before), tt.live, answer, false); got != tt.unchanged {
				t.Errorf("unchanged: %t", got)
			}
		})
	}
}
