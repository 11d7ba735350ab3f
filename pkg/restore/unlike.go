package restore

import (
	"github.com/appbur/appbur/pkg/manifest"
)

// Plan, dry run, restore and verify judge a live object by one question: where is it not as
// the plan says? What differs is what a restore writes, and what verify finds.

// unlikePlan returns where a live object does not have what a step has. Where the two differ
// as they are, they are compared as the rules save them: what a cluster gives its objects by
// itself, such as the default tolerations of a Pod, is no difference. What the rules take out
// of both, such as an address that the plan sets on purpose, is compared as it is.
func unlikePlan(rules *manifest.Rules, step *Step, content, live map[string]any) []difference {
	plain := differences(grown(step, content, live), live)
	if len(plain) == 0 {
		return nil
	}
	want, errWant := normalOf(rules, content)
	got, errGot := normalOf(rules, live)
	if errWant != nil || errGot != nil || !got.saved {
		return plain // rules say nothing about it
	}

	want.content = grown(step, want.content, got.content)
	found := differences(want.content, got.content)
	for _, d := range plain {
		if !has(want.content, d.path) {
			found = append(found, d)
		}
	}
	return found
}

// normal is what the rules leave of an object, and where it is secret.
type normal struct {
	content map[string]any
	saved   bool
	secrets [][]string
}

// normalOf applies the rules. What they do not save is returned as it is.
func normalOf(rules *manifest.Rules, object map[string]any) (normal, error) {
	reduced, err := rules.Reduce(object)
	if err != nil {
		return normal{}, err
	}
	if !reduced.Decision.Saved {
		return normal{content: object}, nil
	}
	return normal{content: reduced.Content, saved: true, secrets: reduced.SecretPaths}, nil
}
