package cli

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/repository"
)

// trustStory is a repository with one point, and one commit of main after it.
type trustStory struct {
	*testing.T
	repo, keys string
}

func newTrustStory(t *testing.T) *trustStory {
	t.Helper()
	dir := t.TempDir()
	s := &trustStory{T: t, repo: filepath.Join(dir, "mgmt.git"), keys: filepath.Join(dir, "keys")}
	if code, _, errs := s.run("init", s.repo); code != ExitDone {
		t.Fatal(errs)
	}
	e, _, _ := testEnv(false)

	repo, err := repository.Open(s.repo)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Load(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := repo.ManifestRules()
	if err != nil {
		t.Fatal(err)
	}
	cluster := appbur.Cluster{ID: "c1", Version: appbur.KubeVersion{Major: 1, Minor: 37}}

	for n, name := range []string{"first", "second"} {
		writer, err := repo.Begin(cluster, rules.Version(), keys, repository.Guards{}, rand.Reader, e.now)
		if err != nil {
			t.Fatal(err)
		}
		result, err := rules.Make(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": name, "namespace": "team"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Put(result); err != nil {
			t.Fatal(err)
		}
		outcome, err := writer.Commit(t.Context(), e.now(), appbur.Coverage{})
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			continue
		}
		content := repository.PointContent{
			Created: e.now(), Cluster: cluster, Rules: rules.Version(), Objects: outcome.Objects,
			Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
		}
		if _, err := repo.SavePoint(t.Context(), outcome.Commit, content, keys, rand.Reader, e.now); err != nil {
			t.Fatal(err)
		}
	}

	return s
}

// run is one command line.
func (s *trustStory) run(args ...string) (code int, out, errs string) {
	s.Helper()
	e, o, x := testEnv(false)
	e.rand = rand.Reader
	e.getenv = func(name string) string { return map[string]string{envRepository: s.repo, envKeys: s.keys}[name] }
	code = Run(s.Context(), e, args)
	return code, o.String(), x.String()
}

func (s *trustStory) git(args ...string) {
	s.Helper()
	command := exec.Command("git", append([]string{"-C", s.repo}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := command.CombinedOutput(); err != nil {
		s.Fatalf("git %v: %v: %s", args, err, out)
	}
}

// want demands an exit code and texts.
func (s *trustStory) want(code int, texts []string, args ...string) {
	s.Helper()
	got, out, errs := s.run(args...)
	if got != code {
		s.Errorf("%v: exit code %d, want %d\n%s%s", args, got, code, out, errs)
	}
	for _, text := range texts {
		if !strings.Contains(out+errs, text) {
			s.Errorf("%v does not say %q:\n%s%s", args, text, out, errs)
		}
	}
}

// points show says who signed and how far the history can be believed.
func TestPointsShowSaysWhatCanBeBelieved(t *testing.T) {
	s := newTrustStory(t)
	anchor := filepath.Join(t.TempDir(), "anchor")
	s.want(ExitDone, []string{"signature      good, by appbur", "history        unbroken since", ", 0 commits"}, "points", "show", "latest")
	s.want(ExitDone, nil, "repo", "anchor", "--out", anchor)
	s.want(ExitDone, []string{"anchor         good, holds the one of 2026-11-21T12:00:00Z"}, "points", "show", "latest", "--anchor", anchor)

	// A machine that sees it for the first time says that, and remembers from then on.
	seen := filepath.Join(s.keys, "seen")
	if err := os.Remove(seen); err != nil {
		t.Fatal(err)
	}
	s.want(ExitDone, []string{"seen for the first time"}, "points", "show", "latest")
	if _, err := os.Stat(seen); err != nil {
		t.Error(err)
	}
	s.want(ExitDone, []string{"unbroken since"}, "points", "show", "latest")

	// A machine without keys trusts nobody, and can be told whom.
	keys := s.keys
	s.keys = filepath.Join(t.TempDir(), "none")
	s.want(ExitCredentials, []string{"nobody is trusted yet", "hint: pass --trust FILE"}, "points", "show", "latest")
	s.want(ExitDone, []string{"was not checked", "signature      not checked"}, "points", "show", "latest", "--insecure-skip-signatures")
	s.want(ExitDone, []string{"signature      good, by appbur"}, "points", "show", "latest", "--trust", filepath.Join(keys, "allowed_signers"))
	if _, err := os.Stat(s.keys); err == nil {
		t.Error("a look at a point made a key directory")
	}
	s.keys = keys

	// Main goes back: the signature of the point is still good, and that is not enough.
	s.git("update-ref", "refs/heads/main", "main~1")
	s.want(ExitDamaged, []string{"the history was rewritten or cut off", "hint: compare with another copy"}, "points", "show", "latest")
	s.want(ExitDamaged, []string{"rewritten"}, "compat", "cluster", "latest", "--to", "1.37")
	s.want(ExitDone, []string{"warning:", "history        accepted: the history was rewritten"}, "points", "show", "latest",
		"--accept-history")
	s.want(ExitDamaged, []string{"rewritten"}, "points", "show", "latest") // once is not for ever
	code, out, _ := s.run("points", "show", "latest", "--accept-history", "--json")
	var shown struct {
		SignedBy string
		History  pointHistory
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != ExitDone || shown.SignedBy != "appbur" ||
		shown.History.State != "accepted" {
		t.Errorf("%d %v %+v", code, err, shown)
	}
}

// A check names what is wrong, what that affects and what to do.
func TestRepoCheckSaysWhatIsAffected(t *testing.T) {
	s := newTrustStory(t)
	s.want(ExitDone, []string{": sound: ", "3 commits (3 signed), 1 restore points, 0 datasets"}, "repo", "check")
	s.want(ExitDone, []string{": sound: "}, "repo", "check", "--identity", filepath.Join(s.keys, "identity.txt"))
	s.git("-c", "user.name=eve", "-c", "user.email=e@example.com", "tag", "-fam", "mine now", "restore-points/20261121T120000Z", "main")
	s.want(ExitPartly, []string{"unsigned\tsignature", "20261121T120000Z", "is not signed"}, "repo", "check")
	s.want(ExitCredentials, []string{"is not signed"}, "points", "show", "20261121T120000Z")
}
