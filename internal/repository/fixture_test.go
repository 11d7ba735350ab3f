package repository

import (
	"cmp"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/seal"
)

// fixture is a repository with its keys and a clock that only the test moves.
type fixture struct {
	testing.TB
	repo    *Repository
	keysDir string
	keys    *keyring.Keys
	time    time.Time
}

var fixtureCluster = appbur.Cluster{ID: "c1", Version: appbur.KubeVersion{Major: 1, Minor: 24, Patch: 17}}

func newFixture(t testing.TB, recipients ...string) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{TB: t, keysDir: filepath.Join(dir, "keys"), time: time.Date(2026, 11, 21, 3, 2, 38, 500, time.UTC)}
	if _, err := Create(t.Context(), filepath.Join(dir, "repo.git"), f.keysDir, "", recipients, rand.Reader, f.now); err != nil {
		t.Fatal(err)
	}
	f.open(filepath.Join(dir, "repo.git"), f.keysDir)
	return f
}

func (f *fixture) now() time.Time { return f.time }

// open is what a new process does.
func (f *fixture) open(dir, keysDir string) {
	f.Helper()
	var err error
	if f.repo, err = Open(dir); err != nil {
		f.Fatal(err)
	}
	if f.keys, err = keyring.Load(keysDir); err != nil {
		f.Fatal(err)
	}
	f.keysDir = keysDir
}

// reopen is what the next process on the same machine does.
func (f *fixture) reopen() { f.open(f.repo.Dir(), f.keysDir) }

func (f *fixture) opener() *seal.Opener {
	f.Helper()
	opener, err := keyring.LoadOpener(f.keysDir, "")
	if err != nil {
		f.Fatal(err)
	}
	return opener
}

func (f *fixture) rules() *manifest.Rules {
	f.Helper()
	rules, err := f.repo.ManifestRules()
	if err != nil {
		f.Fatal(err)
	}
	return rules
}

// canary is in every secret value of fixtureObjects.
const canary = "CANARY"

// fixtureObjects are a Secret whose values are hard on the way through YAML, one
// that is alike, and something that is no secret.
func fixtureObjects() []map[string]any {
	object := func(kind, name string, fields map[string]any) map[string]any {
		o := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{
			"name": name, "namespace": "team",
			"annotations": map[string]any{"text": "two\nlines\n", "octal": "010", "yes": "yes", "blank": " x "},
		}}
		for key, value := range fields {
			o[key] = value
		}
		return o
	}
	return []map[string]any{
		object("Secret", "db", map[string]any{"type": "Opaque", "data": map[string]any{"password": "Q0FOQVJZ", "empty": "", "yes": "Q0FOQVJZ"}}),
		object("Secret", "same", map[string]any{"type": "Opaque", "data": map[string]any{"password": "Q0FOQVJZ"}}),
		object("ConfigMap", "settings", map[string]any{"data": map[string]any{
			"app.conf": "user = a\npassword = " + canary + "\n", "number": "010", "tail": canary + "\n\n", "key": "clear",
		}}),
	}
}

// results are what the rules make of the objects. What is secret in the ConfigMap is
// marked as a user's rule would.
func (f *fixture) results() []manifest.Result {
	f.Helper()
	var results []manifest.Result
	for _, object := range fixtureObjects() {
		result, err := f.rules().Make(object)
		if err != nil {
			f.Fatal(err)
		}
		if result.Manifest.ID.Kind == "ConfigMap" {
			result.Manifest.Sensitive, result.Manifest.SecretPaths = true, [][]string{{"data", "app.conf"}, {"data", "tail"}}
		}
		results = append(results, result)
	}
	return results
}

// backup writes all objects and returns what the commit did.
func (f *fixture) backup() Outcome {
	f.Helper()
	writer := f.begin()
	for _, result := range f.results() {
		if err := writer.Put(result); err != nil {
			f.Fatal(err)
		}
	}
	outcome, err := writer.Commit(f.Context(), f.now(), appbur.Coverage{})
	if err != nil {
		f.Fatal(err)
	}
	return outcome
}

func (f *fixture) begin() *Writer {
	f.Helper()
	writer, err := f.repo.Begin(fixtureCluster, "1", f.keys, Guards{}, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	return writer
}

// point makes a restore point of main.
func (f *fixture) point() PointRef {
	f.Helper()
	return f.savePoint(f.backup(), nil)
}

// savePoint makes a restore point of what a commit left on main.
func (f *fixture) savePoint(outcome Outcome, index map[appbur.ObjectID]manifest.Entry) PointRef {
	f.Helper()
	point, err := f.repo.SavePoint(f.Context(), outcome.Commit, PointContent{
		Created: f.now(), Cluster: fixtureCluster, Rules: "1", Objects: outcome.Objects, Index: index,
		Evidence: appbur.Evidence{Format: appbur.EvidenceFormat},
	}, f.keys, rand.Reader, f.now)
	if err != nil {
		f.Fatal(err)
	}
	ref, err := f.repo.Resolve(string(point.ID))
	if err != nil {
		f.Fatal(err)
	}
	return ref
}

func (f *fixture) rotate(opener *seal.Opener, change Rotation) (Rotated, error) {
	return f.repo.Rotate(f.Context(), f.keys, opener, change, rand.Reader, f.now)
}

func (f *fixture) mustRotate(opener *seal.Opener, change Rotation) Rotated {
	f.Helper()
	done, err := f.rotate(opener, change)
	if err != nil {
		f.Fatal(err)
	}
	return done
}

// git runs the real git in the repository.
func (f *fixture) git(args ...string) string {
	f.Helper()
	out, err := f.tryGit(args...)
	if err != nil {
		f.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (f *fixture) tryGit(args ...string) (string, error) {
	command := exec.Command("git", append([]string{"-C", f.repo.Dir()}, args...)...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := command.CombinedOutput()
	return string(out), err
}

// newKeys are the keys of somebody else.
func newKeys(t testing.TB) (seal.Keys, *seal.Opener) {
	t.Helper()
	keys, err := seal.GenerateKeys(rand.Reader, "somebody else")
	if err != nil {
		t.Fatal(err)
	}
	opener, err := seal.NewOpener(keys.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return keys, opener
}

// nextStep is what an error gives its caller to go on with: a hint, or a reason to find one by.
func nextStep(err error) string { return cmp.Or(string(ReasonOf(err)), appbur.HintOf(err)) }
