package exec

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// What keeps a command from running is reported with what to do, and is never taken for
// what a command says of a payload.
func TestFailuresHaveAdvice(t *testing.T) {
	for name, c := range map[string]struct{ command, want, hint string }{
		"no such program":       {"{argv: [appbur-no-such-program]}", "there is no such program", "complete path"},
		"no such path":          {"{argv: [DIR/none]}", "there is no such program", "complete path"},
		"not executable":        {"{argv: [DIR/data]}", "may not execute it", "chmod +x"},
		"a directory":           {"{argv: [DIR]}", "may not execute it", "chmod +x"},
		"no program":            {"{argv: [DIR/text]}", "no program for this machine", "#!/bin/sh"},
		"no directory":          {"{argv: ['true'], dir: DIR/none}", "its directory cannot be entered", "dir:"},
		"not in the shell":      {"{shell: appbur-no-such-program}", "exit status 127", "127"},
		"it says no":            {"{shell: exit 3}", "exit status 3", "by hand"},
		"it takes its time":     {"{argv: [sleep, '60'], timeout: 50ms}", "did not end within 50ms", "timeout:"},
		"nothing in the middle": {"{argv: [cat, DIR/none]}", "exit status 1", "by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sensitive := range []string{"false", "true"} {
				text := strings.Replace(one(c.command), "sensitive: false", "sensitive: "+sensitive, 1)
				a, dir := open(t, text, map[string]string{"data": "x"})
				if err := os.WriteFile(filepath.Join(dir, "text"), []byte("words\n"), 0o700); err != nil {
					t.Fatal(err)
				}
				_, err := export(t, a, "a")
				if contract.ReasonOf(err) != contract.ReasonAppFailed || !strings.Contains(err.Error(), c.want) ||
					!strings.Contains(appbur.HintOf(err), c.hint) {
					t.Errorf("sensitive %s: got %v, hint %q", sensitive, err, appbur.HintOf(err))
				}
			}
		})
	}
}

// A check that cannot run says nothing of the payload.
func TestACheckThatCannotRunRefusesNoPayload(t *testing.T) {
	for command, want := range map[string]contract.Reason{
		"{argv: [appbur-no-such-program]}": contract.ReasonAppFailed,
		"{shell: exit 3}":                  contract.ReasonPayloadInvalid,
	} {
		a, _ := open(t, strings.TrimSuffix(one("{argv: ['true']}"), "}\n")+", check: "+command+"}\n", nil)
		if err := load(t.Context(), t, a, "a", "x"); contract.ReasonOf(err) != want {
			t.Errorf("%s: got %v, want %s", command, err, want)
		}
	}
}

func TestAWorkDirThatIsNone(t *testing.T) {
	config, err := ParseConfig([]byte("workDir: /proc/none\n"+one("{argv: ['true']}")), getenv)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := export(t, a, "a"); contract.ReasonOf(err) != contract.ReasonAppFailed || !strings.Contains(appbur.HintOf(err), "workDir:") {
		t.Errorf("got %v, hint %q", err, appbur.HintOf(err))
	}
}
