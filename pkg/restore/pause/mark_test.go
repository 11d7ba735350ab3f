package pause

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/restore"
)

func TestMarksAreReadAsTheyWereWritten(t *testing.T) {
	m := mark{Controller: "argo-cd", Stage: 1, Await: "Ready", Fields: []kept{
		{Path: []string{"spec", "replicas"}, Paused: int64(0), Was: int64(3)},
		{Path: []string{"spec", "syncPolicy", "automated"}, Was: map[string]any{"prune": true, "share": 0.5, "limits": []any{int64(1) << 60}}},
		{Path: []string{"spec", "suspend"}, Paused: true, Was: false},
	}}
	text, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseMark(text); err != nil || !cmp.Equal(m, got) {
		t.Errorf("%v\n%s", err, cmp.Diff(m, got))
	}
}

// Whatever somebody writes as a mark, what a release sends changes no identity, no status and no label
// but that of the mark.
func FuzzMark(f *testing.F) {
	f.Add(`{"controller":"flux","stage":1,"fields":[{"path":["spec","suspend"],"paused":true,"was":false}]}`)
	f.Add(`{"controller":"argo-cd","stage":1,"fields":[{"path":["operation"],"was":{"sync":{}}}]}`)
	f.Add(`{"controller":"x","stage":1,"fields":[{"path":["metadata","annotations","a"],"was":"b"},{"path":["metadata","name"],"was":"b"}]}`)
	f.Add(`{"controller":"x","stage":-1,"fields":[{"path":["spec"],"was":{"a":[1,{"b":null}]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		o := objectOf(t, `{apiVersion: batch/v1, kind: CronJob, metadata: {name: a, namespace: b}, spec: {suspend: true}}`)
		live := marked(o.Content, text)
		release, found := ReleaseOf(o.ID, live)
		if !found {
			t.Fatal("the mark is not seen")
		}
		m, _, err := markOf(live)
		if (err == nil) != (release.Problem == "") {
			t.Fatalf("%v, but the release says %q", err, release.Problem)
		}
		if err != nil {
			return
		}

		sent := patch(o.ID, live, m)
		if _, err := json.Marshal(sent); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"apiVersion", "kind"} {
			if sent[key] != o.Content[key] {
				t.Errorf("%s becomes %v", key, sent[key])
			}
		}
		metadata, _ := sent["metadata"].(map[string]any)
		labels, _ := metadata["labels"].(map[string]any)
		delete(metadata, "annotations")
		if sent["status"] != nil || len(labels) != 1 || len(metadata) != 4 || metadata["name"] != "a" || metadata["namespace"] != "b" {
			t.Errorf("it changes more than it may: %v", sent)
		}
		if _, stays := labels[restore.PausedKey]; !stays {
			t.Errorf("the label of the mark stays: %v", labels)
		}
	})
}
