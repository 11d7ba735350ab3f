package manifest

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	compareGolden(t, "render.txt", []byte(Default().Render()))
	list, err := json.MarshalIndent(Default().List(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "list.json", append(list, '\n'))
}

// TestSources checks that no rule is without a source that can be looked up.
func TestSources(t *testing.T) {
	for _, rule := range Default().List() {
		if len(rule.Source) < 8 || !strings.ContainsAny(rule.Source, "/-,#") {
			t.Errorf("rule %s: source %q says too little", rule.ID, rule.Source)
		}
	}
}

// TestDeliberate checks that what has no rule has a reason, is listed once, and has no
// rule indeed.
func TestDeliberate(t *testing.T) {
	seen := make(map[string]bool)
	rules := make(map[string]bool)
	for _, rule := range Default().List() {
		rules[rule.ID] = true
	}
	for _, choice := range Deliberate() {
		if choice.What == "" || choice.Why == "" || seen[choice.What] {
			t.Errorf("choice %q is empty or listed twice", choice.What)
		}
		seen[choice.What] = true
		if _, named, ok := strings.Cut(choice.Why, "rule "); ok {
			id, _, _ := strings.Cut(named, " ")
			if !rules[id] {
				t.Errorf("%s: there is no rule %s", choice.What, id)
			}
		}
	}
}
