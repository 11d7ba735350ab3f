package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/actor"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/manifest"
)

// proofs are a ledger: who wrote which version.
type proofs map[string]string

func (p proofs) Who(c audit.Change) ([]audit.Fact, bool) {
	user, known := p[c.ResourceVersion]
	return []audit.Fact{{ID: "event-" + c.ResourceVersion, Verb: "patch", Actor: audit.Actor{User: user}}}, known
}

// write commits what was seen of web in the order of versions, each with its number of replicas, and returns the commits.
func (s *auditStory) write(at time.Time, ledger proofs, versions ...string) []repository.MadePart {
	s.Helper()
	s.time = at
	repo, keys := s.open()
	rules, err := repo.ManifestRules()
	if err != nil {
		s.Fatal(err)
	}
	writer, err := repo.Begin(s.cluster(), "1", keys, repository.Guards{}, nil, s.now)
	if err != nil {
		s.Fatal(err)
	}
	writer.Follow()
	writer.Attribute(ledger)
	for i, version := range versions {
		result, err := rules.Make(map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web", "namespace": "team-a"},
			"spec": map[string]any{"replicas": int64(10 + i), "strategy": map[string]any{"type": "v" + version}},
		})
		if err != nil {
			s.Fatal(err)
		}
		result.Revision = manifest.Revision{UID: "u", ResourceVersion: version, Event: audit.Modified}
		if err := writer.Put(result); err != nil {
			s.Fatal(err)
		}
	}
	outcome, err := writer.Commit(s.Context(), at, appbur.Coverage{})
	if err != nil {
		s.Fatal(err)
	}
	return outcome.Parts
}

// Who changed an object is the same in the log, in show, in blame and in git; what was learned later is marked.
func TestLateFactsInTheLog(t *testing.T) {
	a := newAuditor(t)
	story := &auditStory{TB: t, repoDir: filepath.Join(a.dir, "mgmt.git"), keysDir: filepath.Join(a.dir, "keys")}
	story.version = appbur.KubeVersion{Major: 1, Minor: 26}
	parts := story.write(day(21, 9), proofs{"7": "alice", "8": "bob\x1b[31m", "9": "system:serviceaccount:flux:source"}, "7", "8", "9", "10")
	if len(parts) != 4 {
		t.Fatalf("%d commits", len(parts))
	}
	repo, keys := story.open()
	who := actor.Proven(audit.Modified, []audit.Fact{{ID: "late", Actor: audit.Actor{User: "dora"}}})
	facts := []repository.LateFact{{Commit: parts[3].Commit, Path: "namespaces/team-a/deployment.apps/web.yaml", Who: who}}
	if err := repo.Annotate(t.Context(), keys, "c1", facts, day(21, 10)); err != nil {
		t.Fatal(err)
	}

	authors := columnOf(a.ask(ExitDone, "log", "deployment/web", "-n", "team-a", "--limit", "4"), 2)
	if want := "appbur (later known: dora)\nsystem:serviceaccount:flux:source (audit)\nbob?[31m (audit)\nalice (audit)\n"; authors != want {
		t.Errorf("the log names\n%swant\n%s", authors, want)
	}
	for _, name := range []string{"alice", "bob", "serviceaccount:flux", "dora"} {
		if got := strings.Count(a.ask(ExitDone, "log", "--author", name), "\n"); got != 2 { // with the header
			t.Errorf("log --author %s has %d lines", name, got)
		}
	}
	ours, found := a.ask(ExitDone, "log", "--author", "alice", "--json"), a.git("log", "--author=alice", "--format=%H", "main")
	if !strings.Contains(ours, strings.TrimSpace(found)) {
		t.Errorf("git log --author finds %s", found)
	}

	shown := a.ask(ExitDone, "show", "main")
	for _, want := range []string{
		"actor source   unresolved",
		"later known    dora <dora@audit.c1.invalid> (audit): namespaces/team-a/deployment.apps/web.yaml",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("show lacks %q:\n%s", want, shown)
		}
	}
	if shown := a.ask(ExitDone, "show", "main~3"); !strings.Contains(shown, "author         alice <alice@audit.c1.invalid>") ||
		!strings.Contains(shown, "audit event    event-7") {
		t.Errorf("show main~3:\n%s", shown)
	}
	blamed := a.ask(ExitDone, "blame", "deployment/web", "-n", "team-a")
	gits := a.git("blame", "-l", "main", "--", "namespaces/team-a/deployment.apps/web.yaml")
	if strings.Count(blamed, "appbur (later known: dora)") != strings.Count(gits, parts[3].Commit.String()) ||
		strings.Count(blamed, "alice (audit)") != strings.Count(gits, "(alice ") {
		t.Errorf("blame:\n%sgit blame:\n%s", blamed, gits)
	}

	var commits []commitJSON
	if err := json.Unmarshal([]byte(a.ask(ExitDone, "log", "--author", "dora", "--show-signature", "--json")), &commits); err != nil {
		t.Fatal(err)
	}
	if len(commits) != 1 || len(commits[0].Notes) != 1 || commits[0].NotesSignature.State != "good" {
		t.Errorf("%+v", commits)
	}
	a.git("-c", "user.name=m", "-c", "user.email=m@m", "notes", "--ref=appbur-actors", "add", "-f", "-m",
		"Appbur-Path: namespaces/team-a/deployment.apps/web.yaml\nAppbur-Actor: mallory <mallory@audit.c1.invalid>", "main")
	a.ask(ExitCredentials, "log", "--author", "mallory", "--show-signature")
	a.ask(ExitDone, "log", "--author", "alice", "--show-signature")
}
