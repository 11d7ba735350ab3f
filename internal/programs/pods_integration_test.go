//go:build integration && linux

package programs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/apps/services"
	"github.com/appbur/appbur/internal/cli"
	"github.com/appbur/appbur/internal/programs"
	"github.com/appbur/appbur/internal/testnode"
	"github.com/appbur/appbur/pkg/contract"
)

// envAppbur makes this program appbur, so that a test can run and kill it.
const envAppbur = "APPBUR_TEST_IS_APPBUR"

func TestMain(m *testing.M) {
	if os.Getenv(envAppbur) != "" {
		os.Exit(cli.Main())
	}
	klog.SetLogger(logr.Discard()) // as appbur does
	os.Exit(m.Run())
}

var notes = appbur.AppKey{Namespace: "default", Name: "notes"}

// saved is the state of an application in memory.
type saved map[string]*bytes.Buffer

func (s saved) Dataset(_ appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	s[d.Name] = &bytes.Buffer{}
	return closing{s[d.Name]}, nil
}

func (s saved) Payload(_ appbur.AppKey, d appbur.Dataset) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s[d.Name].Bytes())), nil
}

type closing struct{ io.Writer }

func (closing) Close() error { return nil }

func dialer(config *rest.Config) apps.Dialer {
	return apps.Dialer{Programs: programs.Opener{Config: func() (*rest.Config, error) { return config, nil }, Random: rand.Reader}}
}

func export(ctx context.Context, config *rest.Config, file string) (appbur.AppState, saved, error) {
	store := saved{}
	state, err := apps.Export(ctx, dialer(config), apps.Target{AppKey: notes, Address: "commands:" + file}, store, rand.Reader)
	return state, store, err
}

// commands declare an application that keeps notes in a file. Later words replace earlier ones.
func commands(t *testing.T, replace ...string) string {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(`
app: notes
versionCommand: {shell: 'echo "4.2 of $FLAVOUR"'}
in: {pod: one, container: db, payloadDir: /tmp, lease: 5s}
ready: {shell: test -d /state}
quiesce: {shell: 'echo rest >> /state/log'}
release: {shell: 'echo go >> /state/log'}
rollback: restore-previous
datasets:
  - name: notes
    schema: "1.0"
    mediaType: text/plain
    export: {shell: 'cat /state/notes'}
    check: {shell: 'test "$(dd bs=4 count=1)" = good'}
    import: {shell: 'cat > /state/new && mv /state/new /state/notes'}
  - name: blob
    schema: "1.0"
    mediaType: application/octet-stream
    sensitive: false
    export: {argv: [cp, /state/blob, "{payload}"]}
    import: {argv: [cp, "{payload}", /state/blob]}
`)
	file := filepath.Join(t.TempDir(), "commands.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stage is a node with the pods of an application.
type stage struct {
	*testnode.Node
	one, two *corev1.Pod
}

func (s stage) pod(t *testing.T, name string) *corev1.Pod {
	t.Helper()
	const start = `mkdir -p /state; echo "good notes of $HOSTNAME" > /state/notes; dd if=/dev/zero of=/state/blob bs=1M count=9; sleep 100000`
	second := int64(1)
	return s.Run(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "notes"}},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &second,
			Containers: []corev1.Container{{
				Name: "db", Image: "appbur.test/notes:1", Command: []string{"/bin/sh", "-c", start},
				Env: []corev1.EnvVar{{Name: "FLAVOUR", Value: "vanilla"}},
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
					Exec: &corev1.ExecAction{Command: []string{"test", "-e", "/state/blob"}},
				}},
			}, {Name: "side", Image: "appbur.test/notes:1", Command: []string{"sleep", "100000"}}},
		},
	})
}

func (s stage) sh(t *testing.T, pod *corev1.Pod, text string) string {
	t.Helper()
	out, errs, err := s.Exec(t, pod, "db", nil, "sh", "-c", text)
	if err != nil {
		t.Fatalf("%s: %v, %s", text, err, errs)
	}
	return out
}

// log is what quiesce and release have written, and begins again.
func (s stage) log(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	return strings.ReplaceAll(s.sh(t, pod, "cat /state/log; rm -f /state/log"), "\n", " ")
}

// Programs without a contract are saved and restored by commands in real pods, under a kubelet and containerd.
func TestProgramsInRealPods(t *testing.T) {
	s := stage{Node: testnode.New(t)}
	s.Import(t, testnode.NewImage("appbur.test/notes:1").
		Program(t, "/bin/sh", "cat", "sleep", "mkdir", "dd", "mv", "cp", "rm", "grep", "test", "touch"))
	s.one, s.two = s.pod(t, "one"), s.pod(t, "two")
	config := s.Cluster.RESTConfig()

	t.Run("what is exported from one pod is imported into another", s.roundTrip)
	t.Run("the pod is chosen by a command", func(t *testing.T) {
		s.sh(t, s.two, "touch /primary")
		_, got, err := export(t.Context(), config, commands(t, "pod: one", "selector: app=notes, choose: {argv: [test, -e, /primary]}"))
		if err != nil || !strings.Contains(got["notes"].String(), "notes of") || s.log(t, s.two) != "rest go " {
			t.Errorf("got %q, %v", got["notes"], err)
		}
	})
	t.Run("what does not fit is told", s.misfits)
	t.Run("a ConfigMap declares an application where that is allowed", s.declared)
	t.Run("restore points hold programs", s.restorePoint)
	t.Run("a command that goes on too long is ended in the pod", func(t *testing.T) {
		_, _, err := export(t.Context(), config, commands(t, "cat /state/notes'", "exec sleep 7777', timeout: 1s"))
		if contract.ReasonOf(err) != contract.ReasonAppFailed || !strings.Contains(err.Error(), "did not end within 1s") {
			t.Errorf("got %v", err)
		}
		s.gone(t, s.one, "7777")
		if got := s.log(t, s.one); got != "rest go " {
			t.Errorf("the application has %q", got)
		}
	})
	t.Run("the application goes on when appbur is killed", func(t *testing.T) { s.struck(t, syscall.SIGKILL) })
	t.Run("the application goes on when appbur is paused", func(t *testing.T) { s.struck(t, syscall.SIGSTOP) })
	t.Run("a pod that ends in the middle is not one that failed", s.dies)
}

// roundTrip exports from the first pod, and imports into the second.
func (s stage) roundTrip(t *testing.T) {
	config := s.Cluster.RESTConfig()
	state, got, err := export(t.Context(), config, commands(t))
	if err != nil || got["notes"].String() != "good notes of one\n" || got["blob"].Len() != 9<<20 || state.Version != "4.2 of vanilla" {
		t.Fatalf("%+v, %v", state, err)
	}
	if log := s.log(t, s.one); log != "rest go " {
		t.Errorf("the application has %q", log)
	}

	target := apps.Target{AppKey: notes, Address: "commands:" + commands(t, "pod: one", "pod: two")}
	d := dialer(config)
	checker := apps.Checker{Dialer: d, Payloads: got, Random: rand.Reader}
	if differences, err := checker.Check(t.Context(), target, state); err != nil || len(differences) != 1 {
		t.Errorf("before the import there is %q, %v", differences, err)
	}
	importer := &apps.Importer{
		Dialer: d, Targets: []apps.Target{target}, Payloads: got, Random: rand.Reader, ReadyTimeout: time.Minute, DryRun: true,
	}
	if _, err := importer.Import(t.Context(), state); err != nil || s.sh(t, s.two, "cat /state/notes") != "good notes of two\n" {
		t.Errorf("a dry run changed something, or failed: %v", err)
	}
	importer.DryRun = false
	if _, err := importer.Import(t.Context(), state); err != nil || s.sh(t, s.two, "cat /state/notes") != "good notes of one\n" {
		t.Errorf("the import: %v", err)
	}
	if differences, err := checker.Check(t.Context(), target, state); err != nil || len(differences) > 0 {
		t.Errorf("after the import there is %q, %v", differences, err)
	}

	s.sh(t, s.one, "echo bad > /state/notes")
	worse, bad, err := export(t.Context(), config, commands(t))
	if err != nil {
		t.Fatal(err)
	}
	importer.Payloads = bad
	if _, err := importer.Import(t.Context(), worse); contract.ReasonOf(err) != contract.ReasonPayloadInvalid {
		t.Errorf("a payload that the check refuses: %v", err)
	}
	s.sh(t, s.one, "echo good > /state/notes; rm /state/log")
	s.log(t, s.two)
}

// misfits are declarations that lead nowhere, and commands that fail.
func (s stage) misfits(t *testing.T) {
	cases := map[string]struct {
		replace []string
		want    string
	}{
		"no such container":    {[]string{"container: db", "container: none"}, "has no container none"},
		"which container":      {[]string{"container: db,", ""}, "db, side"},
		"no such pod":          {[]string{"pod: one", "pod: none"}, "no pod is ready"},
		"no pod of that owner": {[]string{"pod: one", "statefulSet: one"}, "no pod is ready"},
		"no such shell":        {[]string{"container: db", "container: db, shell: /bin/fish"}, "/bin/fish could not be started"},
		"nobody is chosen":     {[]string{"pod: one", "pod: one, choose: {shell: exit 1}"}, "the command that chooses"},
		"a secret in an error": {[]string{"cat /state/notes", "echo the-secret >&2; exit 3"}, "exit status 3"},
		"a failing quiesce":    {[]string{"echo rest >> /state/log", "echo rest >> /state/log; exit 4"}, "exit status 4"},
	}
	t.Run("each", func(t *testing.T) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, _, err := export(t.Context(), s.Cluster.RESTConfig(), commands(t, c.replace...))
				if err == nil || !strings.Contains(err.Error()+" "+appbur.HintOf(err), c.want) || strings.Contains(err.Error(), "the-secret") {
					t.Errorf("got %v, hint %q", err, appbur.HintOf(err))
				}
				if appbur.HintOf(err) == "" {
					t.Error("it has no hint")
				}
			})
		}
	})
	if log := s.log(t, s.one); strings.Count(log, "rest ") != 2 || strings.Count(log, "go ") != 2 {
		t.Errorf("the application has %q", log)
	}
}

// declared finds the commands in a ConfigMap, in a namespace that was named for it.
func (s stage) declared(t *testing.T) {
	text, err := os.ReadFile(commands(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Client.CoreV1().ConfigMaps(notes.Namespace).Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "how-to-save", Labels: map[string]string{services.LabelApp: notes.Name}},
		Data:       map[string]string{programs.Key: string(text)},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	opener := programs.Opener{Config: func() (*rest.Config, error) { return s.Cluster.RESTConfig(), nil }, Random: rand.Reader}
	if _, err := (programs.Finder{Opener: opener}).Find(t.Context(), notes); !errors.Is(err, programs.ErrNotDeclared) {
		t.Errorf("it is found although nobody asked: %v", err)
	}
	finder := programs.Finder{Opener: opener, Namespaces: []string{notes.Namespace}}
	all, err := finder.All(t.Context())
	if err != nil || len(all) != 1 || all[0].AppKey != notes || all[0].Err != nil {
		t.Fatalf("found are %+v, %v", all, err)
	}
	store := saved{}
	if _, err := apps.Export(t.Context(), apps.Dialer{Programs: opener}, all[0].Target, store, rand.Reader); err != nil {
		t.Error(err)
	}
	s.log(t, s.one)
}

// appbur is a process of appbur in a directory of the test.
func (s stage) appbur(t *testing.T, args ...string) *osexec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := osexec.Command(self, args...)
	process.Env = append(os.Environ(), envAppbur+"=1", "KUBECONFIG="+s.Cluster.Kubeconfig)
	return process
}

// restorePoint saves an application that a ConfigMap declares with the cluster, and brings its state back.
func (s stage) restorePoint(t *testing.T) {
	dir := t.TempDir()
	repo, keys := filepath.Join(dir, "repo.git"), filepath.Join(dir, "keys")
	where := []string{"--repo", repo, "--keys", keys}
	found := append([]string{"--find-app-commands", notes.Namespace}, where...)
	run := func(want int, args ...string) string {
		t.Helper()
		process := s.appbur(t, args...)
		out, err := process.CombinedOutput()
		if process.ProcessState == nil || process.ProcessState.ExitCode() != want {
			t.Fatalf("%q: %v, want exit code %d\n%s", args, err, want, out)
		}
		return string(out)
	}
	run(0, "init", repo, "--keys", keys)
	was := s.sh(t, s.one, "cat /state/notes")
	if out := run(0, append([]string{"backup"}, found...)...); !strings.Contains(out, "default/notes 4.2 of vanilla") {
		t.Errorf("the backup says %s", out)
	}

	s.sh(t, s.one, "echo good but new > /state/notes")
	run(4, append([]string{"apps", "compare", "default/notes", "--point", "latest"}, found...)...)
	run(4, append([]string{"verify", "latest"}, found...)...)
	run(0, append([]string{"apps", "import", "default/notes", "--point", "latest", "--yes"}, found...)...)
	if now := s.sh(t, s.one, "cat /state/notes"); now != was {
		t.Errorf("the application has %q, want %q", now, was)
	}

	// A restore brings the declaration back, and then finds it.
	s.sh(t, s.one, "echo good but new > /state/notes")
	if err := s.Client.CoreV1().ConfigMaps(notes.Namespace).Delete(t.Context(), "how-to-save", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if out := run(0, append([]string{"plan", "latest"}, found...)...); !strings.Contains(out, "no ConfigMap declares its commands") {
		t.Errorf("the plan says %s", out)
	}
	run(0, append([]string{"restore", "latest", "--yes", "--undo-newer"}, found...)...)
	if now := s.sh(t, s.one, "cat /state/notes"); now != was {
		t.Errorf("the application has %q, want %q", now, was)
	}
	run(0, append([]string{"verify", "latest"}, found...)...)
	run(0, append([]string{"apps", "compare", "default/notes", "--point", "latest"}, found...)...)
	if out := run(0, "apps", "describe", "default/notes", "--find-app-commands", notes.Namespace); !strings.Contains(out, "4.2 of vanilla") {
		t.Errorf("it is described as %s", out)
	}

	s.scheduled(t, found, func() string { return run(0, append([]string{"points", "list", "--json"}, where...)...) })
	s.log(t, s.one)
}

// scheduled has a daemon save the program by itself.
func (s stage) scheduled(t *testing.T, flags []string, list func() string) {
	daemon := s.appbur(t, append([]string{"run", "--schedule", "often=@every 1s", "--even-unchanged"}, flags...)...)
	var log bytes.Buffer
	daemon.Stdout, daemon.Stderr = &log, &log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill() }) // of one that has ended nothing is left
	s.Eventually(t, "a point is made on schedule", func() error {
		var points []appbur.RestorePoint
		if err := json.Unmarshal([]byte(list()), &points); err != nil {
			return err
		}
		if newest := points[0]; len(newest.Schedules) == 0 || newest.Partial || len(newest.Apps) != 1 || newest.Apps[0].AppKey != notes {
			return fmt.Errorf("%s is of %v, partial %t, and holds %v", newest.ID, newest.Schedules, newest.Partial, newest.Apps)
		}
		return nil
	})
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, &log)
	}
}

// struck exports in another process, which a signal strikes while the application rests.
func (s stage) struck(t *testing.T, signal syscall.Signal) {
	file := commands(t, "cat /state/notes", "touch /state/reads; exec sleep 8888")
	process := s.appbur(t, "apps", "export", "default/notes=commands:"+file, "--plain-sensitive", "--out", filepath.Join(t.TempDir(), "out"))
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}()
	s.Eventually(t, "the export begins", func() error {
		_, _, err := s.Exec(t, s.one, "db", nil, "test", "-e", "/state/reads")
		return err
	})

	if got := s.sh(t, s.one, "cat /state/log; rm /state/reads"); got != "rest\n" {
		t.Errorf("during the export the application has %q", got)
	}
	if err := process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	s.Eventually(t, "the application goes on", func() error {
		if got := s.sh(t, s.one, "cat /state/log"); got != "rest\ngo\n" {
			return fmt.Errorf("it has %q", got)
		}
		return nil
	})
	_ = process.Process.Kill()
	s.gone(t, s.one, "8888")
	s.log(t, s.one)
}

// gone waits until no process of a pod has a word among its arguments.
func (s stage) gone(t *testing.T, pod *corev1.Pod, word string) {
	t.Helper()
	s.Eventually(t, "the command is ended", func() error {
		look := "grep -l '" + word[:2] + "[" + word[2:3] + "]" + word[3:] + "' /proc/[0-9]*/cmdline"
		if out, _, err := s.Exec(t, pod, "db", nil, "sh", "-c", look); err == nil {
			return fmt.Errorf("there is still %s", out)
		}
		return nil
	})
}

// dies deletes a pod while a command runs in it.
func (s stage) dies(t *testing.T) {
	s.pod(t, "three")
	file := commands(t, "pod: one", "pod: three", "cat /state/notes", "touch /state/reads; exec sleep 9999")
	result := make(chan error, 1)
	go func() {
		_, _, err := export(t.Context(), s.Cluster.RESTConfig(), file)
		result <- err
	}()
	three := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "three"}}
	s.Eventually(t, "the export begins", func() error {
		_, _, err := s.Exec(t, three, "db", nil, "test", "-e", "/state/reads")
		return err
	})

	now := int64(0)
	if err := s.Client.CoreV1().Pods("default").Delete(t.Context(), "three", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	err := <-result
	if err == nil || strings.Contains(err.Error(), "exit status") ||
		!strings.Contains(err.Error(), "not the one that was chosen") && !strings.Contains(err.Error(), "connection") {
		t.Errorf("got %v", err)
	}
}
