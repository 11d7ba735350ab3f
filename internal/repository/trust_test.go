package repository

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/gitsync"
	"github.com/appbur/appbur/pkg/manifest"
)

func (f *fixture) trusted() []byte {
	f.Helper()
	data, err := keyring.TrustRoot(f.keysDir, "")
	if err != nil || data == nil {
		f.Fatalf("trust root: %q %v", data, err)
	}
	return data
}

func (f *fixture) judge(ref PointRef) (TrustStatus, error) {
	f.Helper()
	return f.repo.VerifyTrust(ref, Trust{KeysDir: f.keysDir, Signers: f.trusted()})
}

// foreignFile makes a commit on main that appbur did not make, of a file of no concern.
func (f *fixture) foreignFile(name, text string) {
	f.Helper()
	work := filepath.Join(f.TempDir(), "work")
	f.git("clone", "-q", f.repo.Dir(), work)
	if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
	f.git("-C", work, "add", name)
	f.git("-C", work, "-c", "user.name=eve", "-c", "user.email=eve@example.com", "commit", "-qm", "Somebody's file")
	f.git("-C", work, "push", "-q", "origin", "HEAD:main")
	f.reopen()
}

// foreign makes a commit on main that appbur did not make, of an appbur.yaml that a
// function changes.
func (f *fixture) foreign(change func(config string) string) {
	f.Helper()
	work := filepath.Join(f.TempDir(), "work")
	f.git("clone", "-q", f.repo.Dir(), work)
	path := filepath.Join(work, appbur.RepositoryFile)
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(change(string(data))), 0o644); err != nil {
		f.Fatal(err)
	}
	f.git("-C", work, "-c", "user.name=eve", "-c", "user.email=eve@example.com", "commit", "-qam", "Somebody's change")
	f.git("-C", work, "push", "-q", "origin", "HEAD:main")
	f.reopen()
}

func TestAPointIsJudged(t *testing.T) {
	f := newFixture(t)
	ref := f.point()
	s, err := f.judge(ref)
	if err != nil || s.Signer != keyring.Principal || s.Seen.IsZero() || s.Commits != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	// Stock git says the same of the tag, of its commit and of all of main.
	allowed := "gpg.ssh.allowedSignersFile=" + filepath.Join(f.keysDir, keyring.AllowedSignersFile)
	f.git("-c", allowed, "verify-tag", ref.ID.Tag())
	for _, commit := range strings.Fields(f.git("rev-list", ref.ID.Tag())) {
		f.git("-c", allowed, "verify-commit", commit)
	}
}

func TestARewrittenHistoryIsRefused(t *testing.T) {
	for name, rewrite := range map[string]func(*fixture){
		"cut off": func(f *fixture) { f.git("update-ref", "refs/heads/main", "main~1") },
		"replaced": func(f *fixture) {
			f.git("update-ref", "refs/heads/main",
				strings.TrimSpace(f.git("-c", "user.name=eve", "-c", "user.email=e@example.com", "commit-tree", "-p", "main~1", "-m", "x",
					"main^{tree}")))
		},
		"begun anew": func(f *fixture) {
			f.git("update-ref", "refs/heads/main",
				strings.TrimSpace(f.git("-c", "user.name=eve", "-c", "user.email=e@example.com", "commit-tree", "-m", "x", "main^{tree}")))
		},
		"cut off and collected": func(f *fixture) {
			f.git("update-ref", "refs/heads/main", "main~1")
			f.git("reflog", "expire", "--expire=now", "--all")
			f.git("gc", "-q", "--prune=now")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			old := f.point()
			f.time = f.time.Add(time.Hour)
			f.change("1")
			rewrite(f)
			f.reopen()
			if _, err := f.judge(old); !errors.Is(err, ErrRewritten) || nextStep(err) == "" {
				t.Errorf("a point of it: %v", err)
			}
			if _, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{}, rand.Reader, f.now); !errors.Is(err, ErrRewritten) {
				t.Errorf("a backup on it: %v", err)
			}
			if _, err := f.rotate(f.opener(), Rotation{Signing: true}); !errors.Is(err, ErrRewritten) {
				t.Errorf("a rotation on it: %v", err)
			}
			report := f.check(CheckOptions{})
			if !report.has(findHistory) {
				t.Errorf("the check says nothing: %+v", report.Findings)
			}
			s, err := f.repo.VerifyTrust(old, Trust{KeysDir: f.keysDir, Signers: f.trusted(), AcceptHistory: true})
			if err != nil || s.Accepted == "" || s.Signer == "" {
				t.Errorf("accepted: %+v %v", s, err)
			}

			// A history begun anew by nobody trusted has an appbur.yaml of nobody trusted.
			if name == "begun anew" {
				if _, err := f.repo.AdoptConfig(t.Context(), f.keys, false, f.now()); !errors.Is(err, ErrRewritten) {
					t.Errorf("adopted without a word about the history: %v", err)
				}
				if _, err := f.repo.AdoptConfig(t.Context(), f.keys, true, f.now()); err != nil {
					t.Fatal(err)
				}
				return
			}

			// A backup that accepts it says so in its commit, and is the new start.
			writer, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{AcceptHistory: true}, rand.Reader, f.now)
			if err != nil {
				t.Fatal(err)
			}
			if err := writer.Put(f.configMap("2")); err != nil {
				t.Fatal(err)
			}
			if outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil || !outcome.Committed || outcome.Unseen != nil {
				t.Fatalf("%+v %v", outcome, err)
			}
			if log := f.git("log", "-1", "--format=%(trailers:key=Appbur-Override)", "main"); !strings.Contains(log, "accepted the history at") {
				t.Errorf("the commit does not record it: %s", log)
			}
			if _, err := f.repo.History(f.keysDir); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// configMap is an object of which every value is another commit.
func (f *fixture) configMap(value string) manifest.Result {
	f.Helper()
	result, err := f.rules().Make(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "changes", "namespace": "team"},
		"data": map[string]any{"value": value},
	})
	if err != nil {
		f.Fatal(err)
	}
	return result
}

// change makes one commit on main.
func (f *fixture) change(value string) {
	f.Helper()
	writer := f.begin()
	if err := writer.Put(f.configMap(value)); err != nil {
		f.Fatal(err)
	}
	if outcome, err := writer.Commit(f.Context(), f.now(), appbur.Coverage{}); err != nil || !outcome.Committed || outcome.Unseen != nil {
		f.Fatalf("%+v %v", outcome, err)
	}
}

// An acceptance that nothing was committed after is recorded in the point.
func TestAnAcceptanceWithoutAChangeIsRecordedInThePoint(t *testing.T) {
	f := newFixture(t)
	f.point()
	f.change("1")
	f.git("update-ref", "refs/heads/main", "main~1")
	f.reopen()
	writer, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{AcceptHistory: true}, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}

	outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{})
	if err != nil || outcome.Committed {
		t.Fatalf("%+v %v", outcome, err)
	}
	f.time = f.time.Add(time.Minute)
	point, err := f.repo.SavePoint(t.Context(), outcome.Commit, PointContent{
		Created: f.now(), Cluster: fixtureCluster, Rules: "1", Objects: outcome.Objects, Overrides: writer.Overrides(),
	}, f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	if log := f.git("log", "-1", "--format=%(trailers:key=Appbur-Override)", point.ID.Tag()); !strings.Contains(log, "accepted the history") {
		t.Errorf("the point does not record it: %q", log)
	}
}

// Nothing of appbur.yaml is obeyed without a trusted signature, with or without what
// was seen.
func TestForeignCommits(t *testing.T) {
	keys, _ := newKeys(t)
	begin := func(f *fixture) error {
		_, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{AcceptHistory: true}, rand.Reader, f.now)
		return err
	}
	for name, change := range map[string]func(string) string{
		"a recipient": func(c string) string {
			return strings.Replace(c, "recipients:\n", "recipients:\n  - "+keys.Recipient+"\n", 1)
		},
		"rules": func(c string) string {
			return c + "rules:\n  fields:\n    - {kinds: [ConfigMap], path: data, effect: drop, reason: x}\n"
		},
		"guards":    func(c string) string { return c + "guards: {share: 1}\n" },
		"retention": func(c string) string { return c + "retention: {last: 1}\n" },
		"a remark":  func(c string) string { return c + "# a remark\n" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.point()
			f.foreign(change)
			if err := begin(f); !errors.Is(err, ErrPolicy) || !errors.Is(err, ErrUntrusted) || nextStep(err) == "" {
				t.Errorf("a backup: %v", err)
			}
			if _, err := f.rotate(nil, Rotation{Signing: true}); !errors.Is(err, ErrPolicy) {
				t.Errorf("a rotation: %v", err)
			}
			if err := f.repo.CheckPolicy(f.trusted()); !errors.Is(err, ErrPolicy) {
				t.Errorf("checked: %v", err)
			}
			if _, err := f.judge(ref); !errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), "Somebody's change") {
				t.Errorf("a point, with an unsigned commit after what was seen: %v", err)
			}
			if report := f.check(CheckOptions{}); !report.has(findSignature) || report.Signed != report.Commits-1 {
				t.Errorf("check: %+v", report)
			}

			// A machine that remembers nothing is no easier to deceive.
			if err := os.Remove(filepath.Join(f.keysDir, keyring.SeenFile)); err != nil {
				t.Fatal(err)
			}
			if err := begin(f); !errors.Is(err, ErrPolicy) {
				t.Errorf("a backup without what was seen: %v", err)
			}

			// Other commits above change nothing about it, and adopting it does.
			f.foreignFile("remark.md", "nothing to see here")
			if err := begin(f); !errors.Is(err, ErrPolicy) {
				t.Errorf("hidden below another commit: %v", err)
			}
			if _, err := f.repo.AdoptConfig(t.Context(), f.keys, false, f.now()); err != nil {
				t.Fatal(err)
			}
			if err := begin(f); err != nil {
				t.Errorf("adopted: %v", err)
			}
			if got := f.git("-C", f.repo.Dir(), "log", "-1", "--format=%(trailers)", "main"); !strings.Contains(got, "adopted appbur.yaml at") {
				t.Errorf("nothing records it: %q", got)
			}
		})
	}

	// A commit that leaves the file alone needs no signature here: the cluster decides.
	f := newFixture(t)
	f.point()
	f.foreignFile("remark.md", "hello")
	if err := begin(f); err != nil {
		t.Errorf("a file of no concern: %v", err)
	}
}

// A merge with an old commit does not bring back a policy that was signed once.
func TestAMergeBringsNoOldPolicyBack(t *testing.T) {
	for _, parents := range [][2]string{{"old", "now"}, {"now", "old"}} {
		f := newFixture(t)
		f.point()
		f.git("-C", f.repo.Dir(), "branch", "old", "main")
		config := append(f.repo.Config().Text(), "guards: {share: 0.1}\n"...)
		if _, err := f.repo.SetConfig(t.Context(), f.keys, config, f.now()); err != nil {
			t.Fatal(err)
		}
		f.git("-C", f.repo.Dir(), "branch", "now", "main")
		merge := f.git("-C", f.repo.Dir(), "-c", "user.name=eve", "-c", "user.email=e@example.com", "commit-tree", "-m", "merged", "-p",
			parents[0], "-p", parents[1], "old^{tree}")
		f.git("-C", f.repo.Dir(), "update-ref", "refs/heads/main", strings.TrimSpace(merge))
		f.reopen()
		if _, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{}, rand.Reader, f.now); !errors.Is(err, ErrPolicy) {
			t.Errorf("parents %v: %v", parents, err)
		}
	}
}

// What somebody trusted has signed is obeyed, unless it gives something up that nobody
// here has agreed to.
func TestWhatAPolicyGivesUpIsAgreedTo(t *testing.T) {
	const base = "format: 1\nrepository: 0011223344556677\nrecipients: [age1x]\n"
	for _, c := range []struct{ name, before, after, says string }{
		{"nothing", "", "", ""},
		{"seals more", "", "rules: {sensitive: [{kinds: [ConfigMap], paths: [data.a]}]}\n", ""},
		{"seals less", "rules: {sensitive: [{kinds: [ConfigMap], paths: [data.a]}]}\n", "", "seals no longer"},
		{
			"seals another", "rules: {sensitive: [{kinds: [ConfigMap], paths: [data.a]}]}\n",
			"rules: {sensitive: [{kinds: [ConfigMap], paths: [data.b]}]}\n", "data.a",
		},
		{"leaves out", "", "rules: {exclude: [{kinds: [Deployment.apps], reason: x}]}\n", "leaves out"},
		{"leaves out no longer", "rules: {exclude: [{kinds: [Deployment.apps], reason: x}]}\n", "", ""},
		{"drops a field", "", "rules: {fields: [{path: spec, effect: drop, reason: x}]}\n", "takes out of manifests"},
		{"saves only", "", "rules: {include: [{namespaces: [team]}]}\n", "saves only what include names"},
		{
			"saves fewer", "rules: {include: [{namespaces: [team]}, {namespaces: [ops]}]}\n", "rules: {include: [{namespaces: [team]}]}\n",
			"saves no longer",
		},
		{"saves all", "rules: {include: [{namespaces: [team]}]}\n", "", ""},
		{"looser guards", "", "guards: {kindFloor: 1000}\n", "guards.kindFloor is 1000, it was 20"},
		{
			"retires an application", "", "applications: {retired: [{name: team/fleet, sequence: 3}]}\n",
			"complete without the application team/fleet",
		},
		{
			"retires one that came back", "applications: {retired: [{name: team/fleet, sequence: 3}]}\n",
			"applications: {retired: [{name: team/fleet, sequence: 4}]}\n", "complete without the application team/fleet",
		},
		{"retires no more", "applications: {retired: [{name: team/fleet, sequence: 3}]}\n", "", ""},
		{"tighter guards", "", "guards: {share: 0.1}\n", ""},
	} {
		before, err := ParseConfig([]byte(base + c.before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := ParseConfig([]byte(base + c.after))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(PolicyLosses(before, after), "; ")
		if c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", c.name, got, c.says)
		}
	}
}

// What a rotation judges is what it uses, whatever was pushed since it was opened.
func TestARotationJudgesWhatItUses(t *testing.T) {
	eve, _ := newKeys(t)
	f := newFixture(t)
	f.point()
	opened := f.repo
	f.foreign(func(c string) string {
		return strings.Replace(c, "recipients:\n", "recipients:\n  - "+eve.Recipient+"\n", 1)
	})
	_, err := opened.Rotate(t.Context(), f.keys, f.opener(), Rotation{Fingerprint: true}, rand.Reader, f.now)
	if !errors.Is(err, ErrPolicy) {
		t.Errorf("a recipient that was pushed between the question and the answer: %v", err)
	}
}

// A point whose commit does not hang on main as it says is no point of ours.
func TestAPointMustHangOnMain(t *testing.T) {
	f := newFixture(t)
	f.point()
	f.time = f.time.Add(time.Hour)
	f.change("1")
	tip, err := f.repo.git.Tip(gitsync.MainRef)
	if err != nil {
		t.Fatal(err)
	}
	point, err := f.repo.SavePoint(t.Context(), tip, PointContent{Created: f.now(), Cluster: fixtureCluster, Rules: "1", Objects: 4}, f.keys,
		rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}

	// Main goes back behind it, on a machine that never saw it.
	f.git("update-ref", "refs/heads/main", "main~1")
	if err := os.Remove(filepath.Join(f.keysDir, keyring.SeenFile)); err != nil {
		t.Fatal(err)
	}
	f.reopen()

	ref, err := f.repo.Resolve(string(point.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.judge(ref); !errors.Is(err, ErrRewritten) {
		t.Errorf("judge: %v", err)
	}
	if report := f.check(CheckOptions{}); !report.has(findHistory) {
		t.Errorf("check: %+v", report.Findings)
	}
}

func TestSeen(t *testing.T) {
	f := newFixture(t)
	path := filepath.Join(f.keysDir, keyring.SeenFile)
	if err := os.WriteFile(path, []byte("rubbish\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var key *keyring.Error
	if _, err := f.repo.History(f.keysDir); !errors.As(err, &key) {
		t.Errorf("rubbish counts as nothing seen: %v", err)
	}

	elsewhere := keyring.Seen{Name: SeenMain, Commit: gitsync.Hash(bytes.Repeat([]byte{0x11}, 20)), At: f.now(), Repository: "other"}
	if err := keyring.WriteSeen(f.keysDir, []keyring.Seen{elsewhere}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.repo.History(f.keysDir); !errors.Is(err, ErrOtherRepository) || !strings.Contains(err.Error(), "other") {
		t.Errorf("the keys of another repository: %v", err)
	}

	// A commit that cannot be remembered is done nevertheless.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	writer := f.begin()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writer.Put(f.configMap("1")); err != nil {
		t.Fatal(err)
	}
	if outcome, err := writer.Commit(t.Context(), f.now(), appbur.Coverage{}); err != nil || !outcome.Committed || outcome.Unseen == nil {
		t.Errorf("%+v %v", outcome, err)
	}
}

// Signatures of somebody else do not count, whoever they say they are.
func TestAForgedPointIsRefused(t *testing.T) {
	f := newFixture(t)
	ref := f.point()
	forged, _ := newKeys(t)
	if err := os.WriteFile(filepath.Join(f.keysDir, keyring.SigningFile), forged.SigningKey, 0o600); err != nil {
		t.Fatal(err)
	}
	f.git("update-ref", "-d", "refs/tags/"+ref.ID.Tag())
	f.reopen()

	again := f.point()
	if again.ID != ref.ID {
		t.Fatalf("%s is not %s", again.ID, ref.ID)
	}
	if _, err := f.judge(again); !errors.Is(err, ErrUntrusted) {
		t.Errorf("judge: %v", err)
	}
	if report := f.check(CheckOptions{}); !report.has(findSignature) {
		t.Errorf("check: %+v", report.Findings)
	}
}
