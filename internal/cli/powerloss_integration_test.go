//go:build integration

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/appbur/appbur/internal/powerloss"
)

// expendable is what a power failure may take or bring back: room for deletions, locks, unfinished files.
var expendable = regexp.MustCompile(`/(appbur\.reserve|[^/]*\.lock|(appbur_)?tmp_[^/]*|[^/]*\.keep|\.appbur-[^/]*)$`)

// What a command reports as done is there after a power failure: the repository, the keys without
// which it is worth nothing, and what this machine believes of it.
func TestPowerFailureAfterACommand(t *testing.T) {
	home := t.TempDir()
	program, err := exec.LookPath("appbur")
	if err != nil {
		t.Fatal(err)
	}

	for _, args := range [][]string{
		{"init", "mgmt.git", "--keys", "keys"},
		{"config", "set", "retention", "{last: 5}", "--yes", "--repo", "mgmt.git", "--keys", "keys"},
		{"keys", "rotate", "--new-signing-key", "--new-identity", "--yes", "--repo", "mgmt.git", "--keys", "keys"},
		{"init", "second.git"},
		{"clone", "mgmt.git", "copy.git"},
	} {
		command := exec.CommandContext(t.Context(), program, args...)
		command.Args[0], command.Dir = "appbur", home
		command.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"), "PWD="+home)
		events, err := powerloss.Trace(t.Context(), command, t.TempDir())
		if err != nil {
			t.Fatalf("appbur %q: %v", args, err)
		}

		disk := powerloss.NewDisk()
		for _, e := range events {
			disk.Apply(e)
		}
		lost := slices.DeleteFunc(disk.Losses(home), func(l powerloss.Loss) bool { return expendable.MatchString(l.Path) })
		for _, l := range lost {
			t.Errorf("appbur %q: %s", args, l)
		}
		if len(events) == 0 {
			t.Errorf("appbur %q: the trace holds nothing", args)
		}
	}
}
