package cli

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

// A copy of the program named kubectl-appbur is a plugin of kubectl, and speaks as one.
func TestAProgramNamedForKubectlSpeaksAsItsPlugin(t *testing.T) {
	for arg0, want := range map[string]string{
		"appbur":                         "appbur",
		"/usr/local/bin/appbur":          "appbur",
		"kubectl-appbur":                 "kubectl appbur",
		"/root/.krew/bin/kubectl-appbur": "kubectl appbur",
		`C:\krew\bin\kubectl-appbur.exe`: "kubectl appbur",
		"./kubectl-appbur-old":           "appbur",
		"":                               "appbur",
	} {
		if got := programName(arg0); got != want {
			t.Errorf("started as %q it is called %q, and should be %q", arg0, got, want)
		}
	}
}

// What help and hints tell to type works in the shell of somebody who has the plugin only.
func TestAPluginTellsWhatToType(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"\n  kubectl appbur [command]", "\n  kubectl appbur init ./mgmt.git", `Use "kubectl appbur [command] --help"`}},
		{[]string{"points", "list", "--help"}, []string{"\n  kubectl appbur points list [flags]"}},
		{[]string{"clone", "--help"}, []string{"\n  kubectl appbur clone "}},
		{[]string{"points", "list", "--nonsense"}, []string{"kubectl appbur points list --help"}},
	} {
		var out bytes.Buffer
		e := &env{
			Streams: &Streams{In: strings.NewReader(""), Out: &out, Err: &out},
			now:     time.Now, rand: rand.Reader, getenv: func(string) string { return "" },
			program: "kubectl appbur",
		}
		Run(t.Context(), e, c.args)

		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q does not say %q:\n%s", c.args, want, out.String())
			}
		}
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(strings.TrimSpace(line), "appbur ") && !strings.HasPrefix(line, "appbur saves") {
				t.Errorf("%q says %q", c.args, line)
			}
		}
	}
}
