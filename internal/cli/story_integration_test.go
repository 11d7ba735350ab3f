//go:build integration

package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	managementcluster "github.com/appbur/appbur/examples/management-cluster"
	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/pkg/restore"
)

// The main job, told to the real command line with real servers: a management
// cluster on Kubernetes 1.24 is saved to Git and rebuilt on 1.37, with version 1
// of an application's data in version 2 of the application.
func TestStory(t *testing.T) {
	s := newStory(t)
	old := testcluster.New(t, "1.24.17")
	if _, err := managementcluster.Load(t.Context(), old.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	v1 := s.serve(fleetV1, 40)

	s.ok("init", s.repo, "--keys", s.keys)
	first := s.backup(old, "--app", "fleet-system/fleet="+v1)
	if !first.Committed || first.Added < 100 {
		t.Fatalf("the first backup added %d objects", first.Added)
	}
	if first.Point.Partial {
		t.Fatalf("the point is partial: %+v", first.Coverage.Groups)
	}

	t.Run("an unchanged cluster makes no commit on main, noise included", func(t *testing.T) {
		if err := managementcluster.Noise(t.Context(), old.RESTConfig()); err != nil {
			t.Fatal(err)
		}
		again := s.backup(old, "--app", "fleet-system/fleet="+v1)
		if again.Committed || again.Commit != first.Commit {
			t.Errorf("it made commit %s: %s", again.Commit, s.git("show", "--stat", again.Commit))
		}
		if again.Point.ID == first.Point.ID {
			t.Error("it made no restore point")
		}
		if code, _, _ := s.run("points", "diff", string(first.Point.ID), "latest", "--repo", s.repo); code != ExitDone {
			t.Errorf("points diff says %d", code)
		}
	})
	t.Run("on the cluster that it was taken of, a point changes nothing", func(*testing.T) {
		s.nothingToDo(string(first.Point.ID), []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", old.Kubeconfig})
	})
	t.Run("no secret value is in any Git object", func(t *testing.T) {
		objects := s.git("cat-file", "--batch-all-objects", "--batch", "--buffer")
		if len(objects) < 100_000 {
			t.Fatalf("git printed %d bytes: nothing was searched", len(objects))
		}
		if leaks := managementcluster.Leaks([]byte(objects)); len(leaks) > 0 {
			t.Errorf("%d secret values lie in clear: %q", len(leaks), leaks)
		}
	})
	t.Run("the point holds evidence of old API versions in use", func(t *testing.T) {
		evidence, err := appbur.ParseEvidence([]byte(s.git("show", first.Point.ID.Tag()+":"+appbur.EvidenceFile)))
		if err != nil {
			t.Fatal(err)
		}
		if !evidence.RequestsReadable || len(evidence.DeprecatedRequests) == 0 || len(evidence.Definitions) == 0 {
			t.Errorf("%+v", evidence)
		}
		for _, d := range evidence.Definitions {
			if d.Kind == "" || d.Storage == "" || len(d.Served) == 0 || len(d.Stored) == 0 {
				t.Errorf("%+v", d)
			}
		}
		if _, out, _ := s.run("compat", "cluster", "latest", "--to", "1.37", "--repo", s.repo, "--keys", s.keys); !strings.Contains(out,
			"request\t") || !strings.Contains(out, "field manager\t") {
			t.Errorf("compat does not say who still uses old versions:\n%s", out)
		}
	})
	t.Run("stock git accepts the repository, its clone and its signatures", func(t *testing.T) {
		s.git("fsck", "--strict", "--full")
		clone := filepath.Join(t.TempDir(), "clone")
		if out, err := exec.Command("git", "clone", "-q", s.repo, clone).CombinedOutput(); err != nil {
			t.Fatalf("git clone: %v\n%s", err, out)
		}
		trust := []string{"-c", "gpg.ssh.allowedSignersFile=" + filepath.Join(s.keys, "allowed_signers")}
		s.git(append(trust, "verify-commit", "main")...)
		s.git(append(trust, "verify-tag", first.Point.ID.Tag())...)
	})
	t.Run("changes make one commit that says what changed", func(t *testing.T) {
		if err := managementcluster.Change(t.Context(), old.RESTConfig()); err != nil {
			t.Fatal(err)
		}
		after := s.backup(old, "--app", "fleet-system/fleet="+v1)
		if !after.Committed || after.Added+after.Removed != 0 || after.Changed != len(managementcluster.Edits()) {
			t.Errorf("%d added, %d changed, %d removed; want %d changed: %s", after.Added, after.Changed, after.Removed,
				len(managementcluster.Edits()), s.git("show", "--stat", after.Commit))
		}
		if code, out, _ := s.run("points", "diff", string(first.Point.ID), "latest", "--repo", s.repo); code != ExitDifferent ||
			strings.Count(out, "\n") != after.Changed {
			t.Errorf("points diff: exit code %d\n%s", code, out)
		}
	})

	fresh := testcluster.New(t, "1.37.1")
	target := []string{"--repo", s.repo, "--keys", s.keys, "--kubeconfig", fresh.Kubeconfig}
	v2 := s.serve(fleetV2, 0)

	t.Run("what cannot be restored is known before anything is written", func(t *testing.T) {
		code, out, _ := s.run("compat", "cluster", "latest", "--to", "1.37", "--repo", s.repo, "--keys", s.keys)
		if code != ExitIncompatible || !strings.Contains(out, "PodSecurityPolicy") {
			t.Errorf("compat: exit code %d\n%s", code, out)
		}
		code, out, _ = s.run(append([]string{"plan", "latest"}, target...)...)
		if code != ExitIncompatible || !strings.Contains(out, "PodSecurityPolicy") {
			t.Errorf("plan: exit code %d\n%s", code, out)
		}
		code, _, errs := s.run(append([]string{"restore", "latest", "--yes"}, target...)...)
		if code != ExitIncompatible || !strings.Contains(errs, "hint:") {
			t.Errorf("restore: exit code %d\n%s", code, errs)
		}
		code, out, _ = s.run(append([]string{"plan", "latest", "--json", "--allow-blocked"}, target...)...)
		if leaks := managementcluster.Leaks([]byte(out)); code != ExitDone || len(leaks) > 0 {
			t.Errorf("plan --json: exit code %d, leaks %q", code, leaks)
		}
	})
	restoring := append([]string{
		"restore", "latest", "--yes", "--allow-blocked", "--json", "--app", "fleet-system/fleet=" + v2,
		"--wait=0s", // no controller of what is restored runs here, which would make it ready
	}, target...)
	verifying := append([]string{"verify", "latest", "--json", "--app", "fleet-system/fleet=" + v2}, target...)

	t.Run("a dry run changes nothing", func(t *testing.T) {
		var empty restoreAnswer
		if err := json.Unmarshal([]byte(s.ok(append(slices.Clone(restoring), "--dry-run")...)), &empty); err != nil {
			t.Fatal(err)
		}
		if len(empty.Apps) != 1 || empty.Apps[0].Result != "created" || len(empty.Apps[0].Imported.Datasets) == 0 {
			t.Errorf("the dry run does not say what the application would import: %+v", empty.Apps)
		}
		code, _, errs := s.run(append([]string{"verify", "latest", "--app", "fleet-system/fleet=" + v2}, target...)...)
		if code != ExitDifferent {
			t.Errorf("after a dry run the application has the state: exit code %d %s", code, errs)
		}
		for want, app := range map[string][]string{
			"--app fleet-system/fleet=ADDRESS":         nil,
			"application fleet-system/fleet: failed: ": {"--app", "fleet-system/fleet=unix:///nowhere/app.sock"},
		} {
			code, out, errs := s.run(slices.Concat([]string{"restore", "latest", "--dry-run", "--allow-blocked"}, target, app)...)
			if code != ExitPartly || !strings.Contains(out+errs, want) {
				t.Errorf("dry run with %v: exit code %d\n%s%s", app, code, out, errs)
			}
		}
		if present, _, err := managementcluster.Namespaces(t.Context(), fresh.RESTConfig()); err != nil || len(present) > 0 {
			t.Errorf("a dry run left %v behind (%v)", present, err)
		}
	})
	t.Run("everything else is restored, and the application's data is taken along", func(t *testing.T) {
		report := s.foretold(restoring)
		if report.Counts.Failed != 0 || report.Counts.Created < 100 {
			t.Fatalf("%+v", report.Counts)
		}
		if len(report.Apps) != 1 || report.Apps[0].Result != "created" {
			t.Fatalf("%+v", report.Apps)
		}
		upcast := 0
		for _, d := range report.Apps[0].Imported.Datasets {
			if d.Rows == 0 {
				t.Errorf("dataset %s is empty", d.Name)
			}
			if d.SchemaFrom != d.SchemaTo {
				upcast++
			}
		}
		if upcast == 0 {
			t.Error("no dataset was upcast")
		}
	})
	t.Run("the state alone, or the manifests alone", func(t *testing.T) {
		app := "fleet-system/fleet=" + v2
		state := s.restore(append([]string{"restore", "latest", "--yes", "--only", "state", "--json", "--app", app}, target...))
		if len(state.Apps) != 1 || state.Apps[0].Result != "created" || state.Counts.Created+state.Counts.Unchanged > 0 {
			t.Errorf("--only state: %+v, %+v", state.Counts, state.Apps)
		}
		manifests := s.restore(append([]string{"restore", "latest", "--yes", "--allow-blocked", "--only", "manifests", "--json"}, target...))
		if len(manifests.Apps) > 0 || manifests.Counts.Unchanged < 100 || manifests.Counts.Created > 0 {
			t.Errorf("--only manifests: %+v, %+v", manifests.Counts, manifests.Apps)
		}

		plan := s.ok(append([]string{"plan", "latest", "--app", "fleet"}, target...)...)
		says(t, plan, "Selected: application fleet\n0 of ", "fleet-system/fleet: ")
	})
	t.Run("the restored cluster is equal, and stays so", func(t *testing.T) {
		s.equal(verifying)
		t.Log("waiting 60 s for the garbage collector to do its worst")
		select {
		case <-time.After(60 * time.Second):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
		s.equal(verifying)
	})
	t.Run("what was changed by hand is what a restore brings back, and the dry run says it", func(t *testing.T) {
		changeByHand(t, fresh)
		if c := s.foretold(restoring).Counts; c.Created != 1 || c.Configured != 1 || c.Failed != 0 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("restoring again changes nothing", func(t *testing.T) {
		report := s.restore(restoring)
		if c := report.Counts; c.Created+c.Configured+c.Failed != 0 || c.Unchanged == 0 {
			t.Errorf("%+v", c)
		}
		s.equal(verifying)
	})
	t.Run("rendered without a cluster, it is applied without appbur", func(t *testing.T) {
		s.rendered(t, "latest", []string{"verify", "latest", "--json", "--repo", s.repo, "--keys", s.keys})
	})
	t.Run("the new cluster can be saved in turn", func(t *testing.T) {
		code, _, errs := s.run("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", fresh.Kubeconfig)
		if code != ExitFailed || !strings.Contains(errs, "--adopt-cluster") {
			t.Errorf("another cluster's history was taken over: exit code %d\n%s", code, errs)
		}
		adopted := s.backup(fresh, "--adopt-cluster", "--app", "fleet-system/fleet="+v2)
		if override := s.git("log", "-1", "--format=%(trailers:key=Appbur-Override,valueonly)", adopted.Commit); !strings.Contains(override,
			"adopted") {
			t.Errorf("the override is not recorded: %q", override)
		}
	})
}

// restoreAnswer is the part of the JSON output that the story looks at, as a
// user's script would.
type restoreAnswer struct {
	Counts    struct{ Created, Configured, Unchanged, Skipped, Failed, Deleted int }
	Remaining int
	Phases    []restore.PhaseOutcome
	Apps      []struct {
		Result   string
		Imported struct {
			Datasets []struct {
				Name, SchemaFrom, SchemaTo string
				Rows                       int64
			}
		}
	}
	Outcomes json.RawMessage
}

// story runs command lines in process and keeps their repository.
type story struct {
	*testing.T
	repo, keys string
}

func newStory(t *testing.T) *story {
	dir := t.TempDir()
	return &story{T: t, repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys")}
}

func (s *story) run(args ...string) (code int, out, errs string) {
	s.Helper()
	return runCLI(s.Context(), args...)
}

func runCLI(ctx context.Context, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	e := &env{
		Streams: &Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr},
		now:     time.Now, rand: rand.Reader, getenv: func(string) string { return "" },
	}
	code = Run(ctx, e, args)
	return code, stdout.String(), stderr.String()
}

func (s *story) ok(args ...string) string {
	s.Helper()
	code, out, errs := s.run(args...)
	if code != ExitDone {
		s.Fatalf("appbur %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func (s *story) backup(c *testcluster.Cluster, more ...string) backupReport {
	s.Helper()
	out := s.ok(append([]string{"backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", c.Kubeconfig, "--json"}, more...)...)
	var report backupReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.Fatal(err)
	}
	return report
}

func (s *story) restore(args []string) restoreAnswer {
	s.Helper()
	out := s.ok(args...)
	var report restoreAnswer
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		s.Fatal(err)
	}
	return report
}

func (s *story) equal(args []string) {
	s.Helper()
	s.ok(args...)
}

func (s *story) git(args ...string) string {
	s.Helper()
	out, err := gitCommand(s.Context(), s.repo, args...).Output()
	if err != nil {
		s.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// gitCommand is stock git on the repository, without anybody's settings.
func gitCommand(ctx context.Context, repo string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", repo}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	return command
}
