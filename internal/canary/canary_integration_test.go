//go:build integration

package canary

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur/internal/testcluster"
)

// world is a cluster, a repository, the appbur command, and what was planted.
type world struct {
	testing.TB
	dir, binary      string
	repo, keys       string
	cluster          *testcluster.Cluster
	client           dynamic.Interface
	secret, readable map[string]string // value by what it is
	transcript       bytes.Buffer      // all that the command ever printed
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, dir: t.TempDir(), secret: map[string]string{}, readable: map[string]string{}}
	w.repo, w.keys, w.binary = filepath.Join(w.dir, "repo.git"), filepath.Join(w.dir, "keys"), filepath.Join(w.dir, "appbur")
	if out, err := exec.Command("go", "build", "-o", w.binary, "github.com/appbur/appbur/cmd/appbur").CombinedOutput(); err != nil {
		t.Fatalf("build appbur: %v\n%s", err, out)
	}
	w.cluster = testcluster.New(t, "1.24.17")
	var err error
	if w.client, err = dynamic.NewForConfig(w.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	return w
}

// hide makes a value that must be found nowhere.
func (w *world) hide(what string) string { return w.value(w.secret, what) }

// show makes a value that appbur does not protect and that must be found.
func (w *world) show(what string) string { return w.value(w.readable, what) }

func (w *world) value(into map[string]string, what string) string {
	w.Helper()
	var random [12]byte
	if _, err := rand.Read(random[:]); err != nil {
		w.Fatal(err)
	}
	if into[what] == "" {
		into[what] = "CANARY-" + strings.ReplaceAll(what, " ", "-") + "-" + hex.EncodeToString(random[:])
	}
	return into[what]
}

// run runs the command and returns its exit code and what it printed.
func (w *world) run(args ...string) (int, string) {
	w.Helper()
	command := w.command(args...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if command.ProcessState == nil {
		w.Fatal(err)
	}
	fmt.Fprintf(&w.transcript, "\n$ appbur %s\n%s", strings.Join(args, " "), out.Bytes())
	return command.ProcessState.ExitCode(), out.String()
}

func (w *world) command(args ...string) *exec.Cmd {
	command := exec.CommandContext(w.Context(), w.binary, args...)
	command.Dir = w.dir
	command.Env = []string{"HOME=" + w.dir, "PATH=" + os.Getenv("PATH")}
	return command
}

// ok runs the command, which must succeed.
func (w *world) ok(args ...string) string {
	w.Helper()
	code, out := w.run(args...)
	if code != 0 {
		w.Fatalf("appbur %s ended with %d:\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// fails runs the command, which must not succeed: a failure that does not happen
// shows nothing.
func (w *world) fails(args ...string) {
	w.Helper()
	if code, out := w.run(args...); code == 0 {
		w.Errorf("appbur %s was to fail and did not:\n%s", strings.Join(args, " "), out)
	}
}

func (w *world) git(dir string, args ...string) string {
	w.Helper()
	command := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		w.Fatalf("git %s: %v\n%.2000s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// configure edits appbur.yaml as a person may: in a clone, signed and pushed.
func (w *world) configure(rules string) {
	w.Helper()
	clone := w.TempDir()
	w.git(w.dir, "clone", "-q", w.repo, clone)
	path := filepath.Join(clone, "appbur.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, rules...), 0o600); err != nil {
		w.Fatal(err)
	}
	w.git(clone, "-c", "gpg.format=ssh", "-c", "user.signingKey="+filepath.Join(w.keys, "signing.key"), "commit", "-S", "-qam",
		"Say what is sensitive")
	w.git(clone, "push", "-q", "origin", "HEAD:main")
}

func (w *world) file(name, content string) string {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// hideHashes makes plain hashes of what is hidden values to look for: by them a short
// value could be guessed.
func (w *world) hideHashes() {
	for what, value := range maps.Clone(w.secret) {
		for _, form := range []string{value, value + "\n", base64Of(value)} {
			for name, hash := range map[string]hash.Hash{"MD5": md5.New(), "SHA-1": sha1.New(), "SHA-256": sha256.New(), "SHA-512": sha512.New()} {
				_, _ = io.WriteString(hash, form) // a hash takes everything
				w.secret[fmt.Sprintf("the %s of %s (%d bytes)", name, what, len(form))] = hex.EncodeToString(hash.Sum(nil))
			}
		}
	}
}

// search looks through every object in Git and all output. Each object is searched
// on its own, because values do not span objects and what they wrap ends with them.
func (w *world) search() {
	w.Helper()
	w.hideHashes()

	all := map[string]string{}
	for _, planted := range []map[string]string{w.secret, w.readable} {
		for what, value := range planted {
			all[value] = what
		}
	}

	values := make([]string, 0, len(all))
	for value := range all {
		values = append(values, value)
	}
	slices.Sort(values)
	seen := map[string]bool{}

	objects := 0
	for line := range strings.Lines(w.git(w.repo, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")) {
		id, kind, _ := strings.Cut(strings.TrimSpace(line), " ")
		content := w.git(w.repo, "cat-file", kind, id)
		objects++
		for value := range find([]byte(content), values) {
			seen[all[value]] = true
			if w.secret[all[value]] == value {
				w.Errorf("%s lies in Git, in %s %s:\n%.1500s", all[value], kind, id, content)
			}
		}
	}

	if objects < 50 {
		w.Errorf("only %d objects were searched", objects)
	}

	// What is not saved cannot be found; what is planted is saved, and sealed.
	for _, path := range []string{
		"secret/db", "secret/pull", "secret/watched", "secret/sh.helm.release.v1.shop.v1", "configmap/settings", "configmap/shop.v1",
		"vault.example.org/main",
	} {
		if text := w.git(w.repo, "show", "main:namespaces/team/"+path+".yaml"); !strings.Contains(text, "\nsops:\n") {
			w.Errorf("%s is not sealed:\n%.500s", path, text)
		}
	}

	w.git(w.repo, "show", "main:namespaces/going/secret/held.yaml")
	for what := range w.readable {
		if !seen[what] {
			w.Errorf("%s was not found: either it is protected, and docs/keys.md is wrong, or the search is blind", what)
		}
		if !strings.Contains(prose(w), what) {
			w.Errorf("docs/keys.md does not say that %s is not protected", what)
		}
	}

	for value := range find(w.transcript.Bytes(), values) {
		if w.secret[all[value]] == value {
			at := strings.Index(w.transcript.String(), value)
			w.Errorf("%s was printed (clear at %d): …%s…", all[value], at,
				w.transcript.Bytes()[max(0, at-1500):max(0, min(at+200, w.transcript.Len()))])
		}
	}
}

const policy = `rules:
  sensitive:
    - kinds: [ConfigMap]
      paths: ['data["*.key"]', 'binaryData["*.p12"]']
    - kinds: [Vault.example.org]
      paths: [spec.password, spec.peers, spec.numbers, status.token, 'metadata.annotations["example.org/token"]']
`

func TestSecretsStaySecret(t *testing.T) {
	w := newWorld(t)
	w.ok("init", w.repo, "--keys", w.keys)
	w.configure(policy)
	w.plantKeys()
	w.plantObjects()
	app := serveSensitive(w)
	kubeconfig := []string{"--repo", w.repo, "--keys", w.keys, "--kubeconfig", w.cluster.Kubeconfig}
	with := func(args ...string) []string { return append(args, kubeconfig...) }

	w.ok(with("backup", "--app", "team/vault="+app.address)...)
	tip := w.git(w.repo, "rev-parse", "main")
	w.ok(with("backup", "--app", "team/vault="+app.address, "--json")...)
	if again := w.git(w.repo, "rev-parse", "main"); again != tip {
		t.Errorf("an unchanged cluster made a commit:\n%.3000s", w.git(w.repo, "show", "main"))
	}
	w.look(with, app)
	w.fail(with, app)
	w.runDaemon(kubeconfig)
	w.search()
}

// plantKeys makes the keys themselves values to look for.
func (w *world) plantKeys() {
	w.Helper()
	for _, name := range []string{"identity.txt", "fingerprint.key", "signing.key"} {
		data, err := os.ReadFile(filepath.Join(w.keys, name))
		if err != nil {
			w.Fatal(err)
		}
		for i, line := range strings.Fields(string(data)) {
			if len(line) > 40 && !strings.HasPrefix(line, "age1") {
				w.secret[fmt.Sprintf("%s, word %d", name, i)] = line
			}
		}
	}

	// The public half of the signing key is in every signature, in the same words.
	for what, value := range w.secret {
		if public, err := os.ReadFile(filepath.Join(w.keys, "allowed_signers")); err == nil && strings.Contains(string(public), value) {
			delete(w.secret, what)
		}
	}

	w.secret["the token of the kubeconfig"] = w.cluster.RESTConfig().BearerToken
}

// look runs everything that shows something.
func (w *world) look(with func(...string) []string, app *sensitiveApp) {
	w.Helper()
	local := func(args ...string) []string { return append(args, "--repo", w.repo) }
	w.ok(local("points", "list")...)
	if out := w.ok(local("points", "show", "latest")...); !strings.Contains(out, "digest sealed") {
		w.Errorf("points show does not say that the digest is sealed:\n%s", out)
	}
	w.ok(local("points", "show", "latest", "--json")...)
	w.ok(local("rules", "--json")...)
	w.run(local("compat", "cluster", "latest", "--to", "1.37", "--all")...)
	w.run(local("compat", "cluster", "latest", "--to", "1.37", "--json")...)

	for _, object := range []string{"secret/db", "secret/sh.helm.release.v1.shop.v1", "configmap/settings", "deployment/web", "vault/main"} {
		w.run(with("explain", object, "-n", "team")...)
		w.run(with("explain", object, "-n", "team", "--json")...)
	}

	w.run(with("plan", "latest")...)
	w.run(with("plan", "latest", "--json")...)
	w.run(with("verify", "latest")...)
	w.ok(local("repo", "check", "--identity", filepath.Join(w.keys, "identity.txt"))...)
	w.ok(local("repo", "check", "--json")...)

	// The digest is opened to compare with, and not shown when it is another one.
	vault := "team/vault=" + app.address
	w.ok(with("verify", "latest", "--app", vault)...)
	app.changed.Store(true)

	for _, form := range [][]string{nil, {"--json"}} {
		if code, out := w.run(with(append([]string{"verify", "latest", "--app", vault}, form...)...)...); code != 4 ||
			!strings.Contains(out, "100 rows differ") {
			w.Errorf("verify of a changed application ended with %d, want 4 (differences):\n%.2000s", code, out)
		}
	}

	app.changed.Store(false)
	// Live values that differ from the saved ones are compared and not shown.
	w.change()

	for _, form := range [][]string{nil, {"--json"}} {
		if code, out := w.run(with(append([]string{"verify", "latest"}, form...)...)...); code != 4 {
			w.Errorf("verify ended with %d, want 4 (differences):\n%.2000s", code, out)
		}
		w.run(with(append([]string{"restore", "latest", "--dry-run", "--yes"}, form...)...)...)
	}

	w.run(with("restore", "latest", "--yes", "--undo-newer")...)
	w.run(with("restore", "latest", "--yes", "--undo-newer", "--force-conflicts", "--json")...)
	w.ok(with("backup", "--app", vault)...)
	w.ok(local("apps", "list")...)
	points := strings.Fields(w.git(w.repo, "tag", "--list", "restore-points/*"))
	w.run(local("points", "diff", strings.TrimPrefix(points[0], "restore-points/"), "latest")...)
}

// fail runs everything into an error.
func (w *world) fail(with func(...string) []string, app *sensitiveApp) {
	w.Helper()
	app.broken.Store(true)
	w.fails(with("backup", "--app", "team/vault="+app.address)...)
	w.fails(with("backup", "--app", "team/vault="+app.address, "--json")...)
	app.broken.Store(false)
	w.fails(with("restore", "latest", "--yes", "--undo-newer", "--app", "team/vault="+app.address)...) // it refuses imports

	other := filepath.Join(w.dir, "other-keys")
	w.ok("init", filepath.Join(w.dir, "other.git"), "--keys", other)
	wrong := filepath.Join(other, "identity.txt")
	w.fails(with("restore", "latest", "--yes", "--identity", wrong)...)
	w.fails(with("verify", "latest", "--identity", wrong)...)
	w.fails(with("verify", "latest", "--identity", w.file("no-identity.txt", "AGE-SECRET-KEY-1"+w.hide("a broken identity")+"\n"))...)
	w.fails(with("restore", "latest", "--yes", "--trust", filepath.Join(other, "allowed_signers"))...)
	w.fails("backup", "--repo", w.repo, "--keys", other+"/absent", "--kubeconfig", w.cluster.Kubeconfig)
	bad := w.file("bad-keys", "")
	w.fails("backup", "--repo", w.repo, "--keys", bad, "--kubeconfig", w.cluster.Kubeconfig)

	w.refuse(with)

	token := w.hide("a token that the server refuses")
	for name, content := range map[string]string{
		"refused.yaml": kubeconfigFor(w.cluster.Server(), token),
		"nowhere.yaml": kubeconfigFor("https://127.0.0.1:1", token),
		"broken.yaml":  "apiVersion: v1\nkind: Config\nusers: [{token: " + token + "\n",
		"password.yaml": strings.Replace(kubeconfigFor(w.cluster.Server(), token), "token: "+token,
			"{username: u, password: "+w.hide("a password that the server refuses")+"}", 1),
		"url.yaml": kubeconfigFor("https://u:"+w.hide("a password in the address of the server")+"@127.0.0.1:1", token),
		"key.yaml": strings.Replace(kubeconfigFor(w.cluster.Server(), token), "token: "+token,
			"client-certificate-data: QUFB\n    client-key-data: "+base64Of(w.hide("a client key")), 1),
		"mistyped.yaml": strings.Replace(kubeconfigFor(w.cluster.Server(), token), "token: ", "token: [", 1) +
			"]\n",
	} {
		w.fails("backup", "--repo", w.repo, "--keys", w.keys, "--kubeconfig", w.file(name, content))
		w.fails("plan", "latest", "--repo", w.repo, "--keys", w.keys, "--kubeconfig", w.file(name, content))
	}
	w.fails("run", "--repo", w.repo, "--keys", w.keys, "--kubeconfig", w.file("refused.yaml", kubeconfigFor(w.cluster.Server(), token)))

	value := w.hide("a value in a file that is explained")
	for name, content := range map[string]string{
		"no-name.yaml":   "apiVersion: v1\nkind: Secret\nstringData:\n  password: " + value + "\n",
		"no-yaml.yaml":   "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  password: [" + value + "\n",
		"bad-name.yaml":  "apiVersion: v1\nkind: Secret\nmetadata: {name: [" + value + "]}\n",
		"duplicate.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: " + value + ", a: " + value + "}\n",
	} {
		w.fails("explain", "-f", w.file(name, content))
	}
	w.ok("explain", "-f",
		w.file("last-applied.yaml",
			"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{\"data\":{\"a\":\""+value+"\"}}'\ndata: {a: "+value+"}\n"))

	// A sealed file that somebody damaged. Nobody is trusted here, so that the damage
	// is met by who decrypts.
	if _, out := w.run("plan", "latest", "--repo", w.damaged(), "--keys", w.TempDir(), "--insecure-skip-signatures", "--identity",
		filepath.Join(w.keys, "identity.txt"), "--kubeconfig", w.cluster.Kubeconfig); !strings.Contains(out, "altered or damaged") {
		w.Errorf("the damaged file was not met:\n%s", out)
	}
	w.stumble(with)
}

// damaged returns a copy of the repository with a sealed file of the latest restore
// point altered.
func (w *world) damaged() string {
	w.Helper()
	broken, clone := filepath.Join(w.dir, "broken.git"), w.TempDir()
	w.git(w.dir, "clone", "-q", "--mirror", w.repo, broken)
	w.git(w.dir, "clone", "-q", broken, clone)
	latest := strings.Fields(w.git(broken, "tag", "--list", "--sort=-refname", "restore-points/*"))[0]
	w.git(clone, "checkout", "-q", latest)
	path := filepath.Join(clone, "namespaces/team/secret/db.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte("type: Opaque"), []byte("type: Broken"), 1), 0o600); err != nil {
		w.Fatal(err)
	}
	w.git(clone, "commit", "-qa", "--amend", "-m", "damage") // still a child of the same commit of main
	w.git(clone, "tag", "-f", "-m", "damaged", latest)
	w.git(clone, "push", "-q", "--force", "origin", latest)
	return broken
}

func kubeconfigFor(server, token string) string {
	return "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: \"" + server +
		"\", insecure-skip-tls-verify: true}\n" +
		"contexts:\n- name: c\n  context: {cluster: c, user: u}\nusers:\n- name: u\n  user:\n    token: " + token + "\n"
}

// runDaemon watches while a Secret changes and the API server goes and comes back,
// and stops as a service manager does.
func (w *world) runDaemon(kubeconfig []string) {
	w.Helper()
	log, err := os.Create(filepath.Join(w.dir, "run.log"))
	if err != nil {
		w.Fatal(err)
	}
	command := w.command(append([]string{"run", "--json", "--quiet", "200ms", "--limit", "2s"}, kubeconfig...)...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()

	lines := func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			w.Fatal(err)
		}
		return string(text)
	}

	watch := func(what string, done func() bool) {
		w.eventually(what, func(context.Context) error {
			select {
			case err := <-ended:
				w.Fatalf("run ended before %s: %v\n%s", what, err, lines())
			default:
			}
			if !done() {
				return errors.New("it did not happen; the log:\n" + lines())
			}
			return nil
		})
	}

	saved := func(name string) func() bool {
		return func() bool {
			return exec.Command("git", "-C", w.repo, "cat-file", "-e", "main:namespaces/team/secret/"+name+".yaml").Run() == nil
		}
	}
	secret := func(name, value string) *unstructured.Unstructured {
		return object("v1", "Secret", "team", name, map[string]any{"stringData": map[string]any{"password": value}})
	}
	w.apply("", "v1", "secrets", secret("watched", w.hide("a Secret that changes while it is watched")))
	watch("the watched Secret is committed", saved("watched"))
	quiet := len(lines())
	w.cluster.StopAPIServer()

	watch("the log tells of the lost server", func() bool { return len(lines()) > quiet })
	if err := w.cluster.StartAPIServer(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.apply("", "v1", "secrets", secret("afterwards", w.hide("a Secret that is made after an outage")))
	watch("the Secret that is made after the outage is committed", saved("afterwards"))
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		w.Error(err)
	}
	if err := <-ended; err != nil {
		w.Errorf("run: %v\n%s", err, lines())
	}
	w.transcript.WriteString(lines())
}

// object makes an object of fields.
func object(apiVersion, kind, namespace, name string, fields map[string]any) *unstructured.Unstructured {
	content := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}
	for key, value := range fields {
		if key == "metadata" {
			for field, inner := range value.(map[string]any) {
				content["metadata"].(map[string]any)[field] = inner
			}
			continue
		}
		content[key] = value
	}
	o := &unstructured.Unstructured{Object: content}
	o.SetNamespace(namespace)
	return o
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// eventually polls for what takes the cluster a moment.
func (w *world) eventually(what string, fn func(ctx context.Context) error) {
	w.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := fn(w.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) || apierrors.IsInvalid(err) {
			w.Fatalf("%s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
