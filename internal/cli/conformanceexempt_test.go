package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// An application that has nothing for a case to be about shows that it keeps the
// contract, and what is missing is told by flags, not by fields of Go types.
func TestConformanceTellsWhatDoesNotApply(t *testing.T) {
	address := serveApp(t, "unix://"+filepath.Join(t.TempDir(), "s"),
		contracttest.NewMemory(map[string][]contract.Row{"notes": {contract.Row(`{"id":1}`)}}), contract.Options{
			ID: "notes", Version: "1", Datasets: []contract.Dataset{{Name: "notes", Schema: "1.0", Key: []string{"id"}}},
		})
	// What needs a hook, and one case that is run although it is exempted.
	run := func(more ...string) (string, int) {
		e, out, errs := testEnv(false)
		command := newConformance(e)
		command.SetArgs(append([]string{
			address, "--destructive", "--idle", "0", "--run",
			"INFO-001|EXP-012|EXP-015|IMP-007|IMP-026|NET-005|NET-009",
		}, more...))
		command.SilenceErrors, command.SilenceUsage = true, true
		err := command.ExecuteContext(t.Context())
		return out.String() + errs.String(), exitCode(err)
	}

	out, code := run()
	if code != ExitPartly {
		t.Errorf("exit code %d, want %d", code, ExitPartly)
	}
	for id, needs := range map[string]string{
		"EXP-012": "--kill-cmd and --restart-cmd", "EXP-015": "--slow-cmd", "IMP-007": "--kill-cmd and --restart-cmd",
		"IMP-026": "--mutate-cmd", "NET-005": "--idle: minutes of pings", "NET-009": "--stop-cmd and --restart-cmd",
	} {
		if line := lineOf(out, id); !strings.HasPrefix(line, "not run") || !strings.Contains(line, "needs "+needs) {
			t.Errorf("%s does not say that it needs %s: %q", id, needs, line)
		}
	}

	const reason = "it is all in memory"
	out, code = run("--not-applicable", "EXP-012,EXP-015,IMP-007,IMP-026,NET-005="+reason, "--not-applicable", "NET-009="+reason,
		"--not-applicable", "INFO-001="+reason)
	if code != ExitDone {
		t.Errorf("exit code %d, want %d:\n%s", code, ExitDone, out)
	}
	for _, id := range []string{"EXP-012", "EXP-015", "IMP-007", "IMP-026", "NET-005", "NET-009"} {
		if line := lineOf(out, id); !strings.HasPrefix(line, "not applicable") || !strings.HasSuffix(line, reason) {
			t.Errorf("%s is not told as not applicable: %q", id, line)
		}
	}
	if line := lineOf(out, "INFO-001"); !strings.HasPrefix(line, "passed") {
		t.Errorf("a case that can be run was not: %q", line)
	}
}

func lineOf(text, id string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, fmt.Sprintf(" %s ", id)) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
