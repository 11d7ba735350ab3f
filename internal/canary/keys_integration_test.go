//go:build integration

package canary

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const keysPage = "../../docs/keys.md"

// prose is the page about keys with its line breaks taken out.
func prose(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(keysPage)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// block is one fenced block of the page.
type block struct{ heading, language, text string }

func blocks(t testing.TB) []block {
	t.Helper()
	text, err := os.ReadFile(keysPage)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var current *block
	heading := ""

	for line := range strings.Lines(string(text)) {
		switch fence, isFence := strings.CutPrefix(line, "```"); {
		case isFence && current == nil:
			current = &block{heading: heading, language: strings.TrimSpace(fence)}
		case isFence:
			all = append(all, *current)
			current = nil
		case current != nil:
			current.text += line
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
		}
	}

	return all
}

// otherPrograms builds the programs that read what appbur encrypts.
func otherPrograms(t testing.TB, dir string) {
	t.Helper()
	build := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "github.com/getsops/sops/v3/cmd/sops", "filippo.io/age/cmd/age",
		"filippo.io/age/cmd/age-keygen")
	build.Dir = "../../hack/sops"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build sops and age from hack/sops: %v (it needs the Go module proxy once)\n%s", err, out)
	}
}

// reader is a person at a keyboard with the page before them.
type reader struct {
	*world
	prefix string // what every shell begins with
	vault  string
}

func (r *reader) shell(script string) (string, error) {
	command := exec.CommandContext(r.Context(), "bash", "-euo", "pipefail", "-c", r.prefix+script)
	command.Dir = r.dir
	command.Env = []string{
		"HOME=" + r.dir, "PATH=" + r.dir + ":" + os.Getenv("PATH"), "KUBECONFIG=" + r.cluster.Kubeconfig, "VAULT=" + r.vault,
		"SOPS_DISABLE_VERSION_CHECK=true",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

func (r *reader) must(script string) string {
	r.Helper()
	out, err := r.shell(script)
	if err != nil {
		r.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// reads reports whether sops decrypts the Secret in a revision with an identity.
func (r *reader) reads(identity, revision string) bool {
	r.Helper()
	r.must("git -C mgmt.git show " + revision + ":namespaces/team/secret/db.yaml > read.yaml")
	out, err := r.shell("SOPS_AGE_KEY_FILE=" + identity + " sops decrypt read.yaml")
	if err != nil && !strings.Contains(out, "identity did not match") {
		r.Fatalf("sops failed for another reason: %v\n%s", err, out)
	}
	return err == nil
}

func (r *reader) wantReaders(revision string, want map[string]bool) {
	r.Helper()
	for identity, can := range want {
		if got := r.reads(identity, revision); got != can {
			r.Errorf("%s decrypts %s: %v, want %v", identity, revision, got, can)
		}
	}
}

// restores deletes what is secret from the cluster and gets it back with one identity.
func (r *reader) restores(identity string) {
	r.Helper()
	secrets := r.client.Resource(resource("", "v1", "secrets")).Namespace("team")
	if err := secrets.Delete(r.Context(), "db", metav1.DeleteOptions{}); err != nil {
		r.Fatal(err)
	}
	r.must("appbur restore latest --yes --undo-newer --identity " + identity)
	live, err := secrets.Get(r.Context(), "db", metav1.GetOptions{})
	if err != nil {
		r.Fatal(err)
	}
	if got := live.Object["data"].(map[string]any)["password"]; got != base64Of(r.secret["the password"]) {
		r.Errorf("with %s, %v comes back", identity, got)
	}
}

// unchanged makes a backup, which must not commit anything.
func (r *reader) unchanged() {
	r.Helper()
	if out := r.must("appbur backup --json 2>/dev/null"); !strings.Contains(out, `"committed": false`) {
		r.Errorf("the next backup makes a commit: %.2000s\n%s", out, r.must("git -C mgmt.git show main"))
	}
}

// Every command of docs/keys.md, in its order, does what the page says.
func TestKeysPage(t *testing.T) {
	w := newWorld(t)
	otherPrograms(t, w.dir)
	app := serveSensitive(w)
	value := w.hide("the password")
	w.apply("", "v1", "namespaces", object("v1", "Namespace", "", "team", nil))
	w.apply("", "v1", "secrets", object("v1", "Secret", "team", "db", map[string]any{"data": map[string]any{"password": base64Of(value)}}))
	r := &reader{world: w, vault: app.address}

	// What must hold after a block, by its heading and place below it.
	after := map[string]func(out string){
		"Make them, with several recipients 2": func(string) {
			r.wantReaders("main", map[string]bool{"keys/identity.txt": true, "second.txt": true})
		},
		"Keep the identity away from where backups run 1": func(string) {
			r.restores("safe/identity.txt")
			r.restores("second.txt")
			r.must("cp second.txt thief.txt && cp safe/identity.txt old.txt && git -C mgmt.git tag before main")
		},
		"Decrypt by hand 1": func(out string) {
			if !strings.HasSuffix(out, value) || !strings.Contains(out, "password: "+base64Of(value)) {
				t.Errorf("sops printed\n%s", out)
			}
		},
		"Decrypt by hand 2": func(string) {
			if rows := r.must("cat logins.ndjson"); strings.Count(rows, app.value) != 100 {
				t.Errorf("age printed\n%.500s", rows)
			}
			r.must("appbur apps retire vault --yes") // the rest of the page goes without it
		},
		"Rotate 1": func(string) {
			r.wantReaders("main", map[string]bool{"safe/identity.txt": true, "second.txt": true})
			if n := strings.Count(r.must("cat safe/identity.txt"), "AGE-SECRET-KEY-1"); n != 2 {
				t.Errorf("%d identities are in the safe", n)
			}
			r.unchanged()
		},
		"Rotate 2": func(string) {
			r.wantReaders("main", map[string]bool{"third.txt": true})
			r.wantReaders("before", map[string]bool{"third.txt": false})
			r.unchanged()
		},
		"Rotate 3": func(string) {
			r.wantReaders("main", map[string]bool{"third.txt": true, "thief.txt": false})
			r.wantReaders("before", map[string]bool{"thief.txt": true})
			r.unchanged()
		},
		"Rotate 4":             func(string) { r.unchanged() },
		"When a key is lost 1": func(string) { r.unchanged() },
		"When a key is lost 2": func(string) { r.unchanged() },
		"When a key is lost 3": func(string) {
			r.wantReaders("main", map[string]bool{"new.txt": true, "third.txt": false, "old.txt": false})
		},
		"Erase a secret from history 1": func(string) {
			r.wantReaders("main", map[string]bool{"after.txt": true, "thief.txt": false, "old.txt": false})
			r.restores("after.txt")
		},
	}
	place := map[string]int{}
	var documents []map[string]any
	for _, b := range blocks(t) {
		switch b.language {
		case "yaml":
			var document map[string]any
			if err := yaml.Unmarshal([]byte(b.text), &document); err != nil {
				t.Fatalf("%s: %v", b.heading, err)
			}
			documents = append(documents, document)
			continue
		case "sh":
		default:
			t.Fatalf("a block in %q below %q is not tried", b.language, b.heading)
		}
		place[b.heading]++
		if r.prefix == "" {
			r.prefix = b.text
			continue
		}
		out := r.must(b.text)
		at := fmt.Sprintf("%s %d", b.heading, place[b.heading])
		check, ok := after[at]
		if !ok {
			t.Errorf("nothing is checked after %q", at)
			continue
		}
		check(out)
		delete(after, at)
	}
	for at := range after {
		t.Errorf("the page has no block %q", at)
	}
	checkFlux(t, documents)
	if out := r.must("git -C mgmt.git fsck --strict --full 2>&1"); strings.Contains(out, "error") {
		t.Error(out)
	}
}

// checkFlux compares the two objects with what kustomize-controller reads: the keys of
// the Secret that spec.decryption names and that end in .agekey.
func checkFlux(t *testing.T, documents []map[string]any) {
	t.Helper()
	if len(documents) != 2 {
		t.Fatalf("%d YAML documents, want the Secret and the Kustomization", len(documents))
	}
	secret, kustomization := documents[0], documents[1]
	decryption, ok := kustomization["spec"].(map[string]any)["decryption"].(map[string]any)
	if !ok || decryption["provider"] != "sops" {
		t.Fatalf("spec.decryption is %v", decryption)
	}
	if named, name := decryption["secretRef"].(map[string]any)["name"], secret["metadata"].(map[string]any)["name"]; named != name {
		t.Errorf("it names the Secret %v, the page makes %v", named, name)
	}
	for key := range secret["stringData"].(map[string]any) {
		if !strings.HasSuffix(key, ".agekey") {
			t.Errorf("Flux does not read the key %s", key)
		}
	}
}
