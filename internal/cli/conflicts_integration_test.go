//go:build integration

package cli

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What becomes of a field that another manager owns is told before, with the manager, and follows --conflicts.
func (c *town) conflicts(t *testing.T) {
	settings := []string{"configmap/settings", "-n", "shop"}
	field := `data.colour: should be "red", is "green"`
	for _, test := range []struct{ policy, says string }{
		{"fail", field + " (conflict: cli.test manages it)"},
		{"skip", field + " (conflict: cli.test manages it)"},
		{"force", field + " (taken from cli.test)"},
	} {
		says(t, c.ok(c.on("plan", append(settings, "--diff", "--conflicts", test.policy)...)...), test.says)
	}

	for _, test := range []struct {
		policy, says string
		code         int
	}{
		{"fail", `conflict with "cli.test"`, ExitPartly}, {"skip", `left as it is: Apply failed with 1 conflict: conflict with "cli.test"`, ExitDone},
	} {
		for _, more := range [][]string{{"--dry-run"}, {"--yes", "--undo-newer", "--no-undo"}} {
			code, out, errs := c.run(c.on("restore", append(append(settings, "--conflicts", test.policy), more...)...)...)
			if code != test.code {
				t.Errorf("%s %q: exit code %d\n%s%s", test.policy, more, code, out, errs)
			}
			says(t, out, test.says)
		}
		live := c.get(t, "ConfigMap", "shop", "settings")
		if colour, _, _ := unstructured.NestedString(live.Object, "data", "colour"); colour != "green" {
			t.Errorf("%s: the colour is %s", test.policy, colour)
		}
	}

	for _, words := range [][]string{{"--conflicts", "ask"}, {"--conflicts", "skip", "--force-conflicts"}} {
		if code, _, _ := c.run(c.on("plan", append(settings, words...)...)...); code != ExitUsage {
			t.Errorf("%q: exit code %d", words, code)
		}
	}
}
