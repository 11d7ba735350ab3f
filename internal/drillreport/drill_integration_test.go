//go:build integration

package drillreport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/appbur/appbur"
	managementcluster "github.com/appbur/appbur/examples/management-cluster"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/testcluster"
)

// lab is a management cluster on Kubernetes 1.24 that was saved once, with version 1 of fleet, and the programs of a drill.
type lab struct {
	*testing.T
	dir, appbur, fleet1, fleet2 string
	old                         *testcluster.Cluster
	bare                        string
}

func newLab(t *testing.T) *lab {
	dir := t.TempDir()
	l := &lab{T: t, dir: dir}
	l.appbur, l.fleet1, l.fleet2 = l.path("appbur"), l.path("fleet-v1"), l.path("fleet-v2")
	programs := map[string]string{
		l.appbur: "cmd/appbur", l.fleet1: "examples/fleet/cmd/fleet-v1", l.fleet2: "examples/fleet/cmd/fleet-v2",
	}
	for binary, pkg := range programs {
		build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "github.com/appbur/appbur/"+pkg)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	l.old = testcluster.New(t, "1.24.17")
	if _, err := managementcluster.Load(t.Context(), l.old.RESTConfig()); err != nil {
		t.Fatal(err)
	}

	socket := l.path("v1.sock")
	fleet := exec.Command(l.fleet1, "--db", l.path("v1.db"), "--http", "", "--contract", "unix://"+socket, "--seed", "40")
	if err := fleet.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = fleet.Process.Kill(), fleet.Wait() })
	l.until("fleet serves", func() bool { _, err := os.Stat(socket); return err == nil })
	l.bare = l.path("remote.git")
	if out, err := exec.Command("git", "init", "-q", "--bare", "-b", "main", l.bare).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.ok("init", l.path("mgmt.git"), "--keys", l.path("keys"))
	l.ok("remotes", "add", "far", "file://"+l.bare, "--repo", l.path("mgmt.git"))
	l.ok("backup", "--repo", l.path("mgmt.git"), "--kubeconfig", l.old.Kubeconfig, "--app", "fleet-system/fleet=unix://"+socket)
	return l
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(l.Context(), l.appbur, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+l.scratch(), "KUBECONFIG="+l.path("none"), "APPBUR_KEYS="+l.path("keys"))
	return cmd
}

// scratch is where appbur puts what it starts; nothing may be left in it.
func (l *lab) scratch() string {
	l.Helper()
	dir := l.path("s")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		l.Fatal(err)
	}
	return dir
}

func (l *lab) run(args ...string) (code int, out, errs string) {
	l.Helper()
	var stdout, stderr bytes.Buffer
	cmd := l.command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		l.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func (l *lab) ok(args ...string) string {
	l.Helper()
	code, out, errs := l.run(args...)
	if code != 0 {
		l.Fatalf("appbur %v: %d\n%s\n%s", args, code, out, errs)
	}
	return out
}

func (l *lab) until(what string, is func() bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 4*time.Minute) // machines are not quiet
	defer cancel()
	for !is() {
		if err := backoff.Sleep(ctx, 20*time.Millisecond); err != nil {
			l.Fatalf("%s: %v", what, err)
		}
	}
}

// drill runs a drill and reads its report.
func (l *lab) drill(want int, args ...string) drillreport.Report {
	l.Helper()
	code, out, errs := l.run(append([]string{"drill", "latest", "--repo", l.path("mgmt.git"), "--allow-blocked", "--json"}, args...)...)
	if code != want {
		l.Fatalf("exit code %d, want %d\n%s\n%s", code, want, out, errs)
	}
	var report drillreport.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		l.Fatalf("%v\n%s", err, out)
	}
	return report
}

func (l *lab) write(name, text string, args ...any) string {
	l.Helper()
	if err := os.WriteFile(l.path(name), fmt.Appendf(nil, text, args...), 0o600); err != nil {
		l.Fatal(err)
	}
	return l.path(name)
}

func (l *lab) nothingLeft() {
	l.Helper()
	entries, err := os.ReadDir(l.scratch())
	if err != nil || len(entries) > 0 {
		l.Errorf("left behind: %v %v", entries, err)
	}
}

// A point of Kubernetes 1.24 with the state of version 1 of an application is restored into 1.37 and into version 2, and what
// is kept says so; a release that loses rows, and somebody who changes what was restored, are found; and whatever happens to
// the drill, nothing of it is left.
func TestDrill(t *testing.T) {
	l := newLab(t)
	t.Run("on schedule", l.with((*lab).onSchedule))
	t.Run("passes", l.with((*lab).passes))
	t.Run("is kept", l.with((*lab).isKept))
	t.Run("never into its own cluster", l.with((*lab).neverIntoItsOwn))
	t.Run("fails", l.with((*lab).fails))
	t.Run("blocked", l.with((*lab).blocked))
	t.Run("killed", l.with((*lab).killed))
}

func (l *lab) with(test func(*lab)) func(*testing.T) {
	return func(t *testing.T) {
		inner := *l
		inner.T = t
		test(&inner)
	}
}

// onSchedule is a daemon of a repository that was never drilled: it drills at once, and measures what came out.
func (l *lab) onSchedule() {
	file := l.write("scheduled.yaml", "applications: [{name: fleet-system/fleet, command: [%q, --db, '{dir}/db', --http, '', --contract, '{address}']}]\n",
		l.fleet2)
	log, err := os.Create(l.path("daemon.log"))
	if err != nil {
		l.Fatal(err)
	}
	daemon := l.command("run", "--repo", l.path("mgmt.git"), "--kubeconfig", l.old.Kubeconfig, "--listen", "127.0.0.1:0", "--json",
		"--drill-schedule", "0 5 * * 0", "--drill-kubernetes", "1.37", "--drill-file", file, "--drill-allow-blocked")
	daemon.Stderr = log
	if err := daemon.Start(); err != nil {
		l.Fatal(err)
	}
	text := func() string {
		data, _ := os.ReadFile(log.Name())
		return string(data)
	}
	defer func() {
		if l.Failed() {
			l.Log(text())
		}
	}()
	l.until("the daemon has drilled", func() bool {
		return strings.Contains(text(), `"a drill passed"`) || strings.Contains(text(), `"level":"ERROR"`)
	})

	address := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).FindString(text())
	l.until("it measures the drill", func() bool {
		answer, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return false
		}
		defer func() { _ = answer.Body.Close() }()
		body, _ := io.ReadAll(answer.Body)
		return strings.Contains(string(body), "\nappbur_last_drill_passed 1\n")
	})
	_ = daemon.Process.Signal(syscall.SIGTERM)
	if err := daemon.Wait(); err != nil {
		l.Errorf("the daemon ended: %v", err)
	}
	if history := l.ok("drill", "history", "--repo", l.path("mgmt.git"), "--json"); !strings.Contains(history, `"trigger": "on schedule"`) {
		l.Errorf("the history is %s", history)
	}
	l.nothingLeft()
}

func (l *lab) passes() {
	file := l.write("drill.yaml", `
applications:
- name: fleet-system/fleet
  command: [%q, --db, "{dir}/fleet.db", --http, "127.0.0.1:{port:http}", --contract, "{address}"]
  checks:
  - name: its API answers
    command: [curl, -fsS, "http://127.0.0.1:{port:http}/v2/clusters"]
checks:
- name: the kubeconfig leads to the target
  command: [grep, kubernetes-1.37, "{kubeconfig}"]
`, l.fleet2)
	r := l.drill(0, "--kubernetes", "1.37", "--drill", file, "--report", l.path("drill.html"), "--report", l.path("drill.md"))
	if r.Outcome != drillreport.Passed || r.Target.Kubernetes.MinorString() != "1.37" || !r.Target.Started || !*r.Target.Controllers {
		l.Errorf("%+v", r.Target)
	}
	if r.Objects.Created < 100 || r.Objects.Compared < r.Objects.Created || r.Objects.Different != 0 || r.Objects.Converted == 0 {
		l.Errorf("%+v", r.Objects)
	}
	app := r.Apps[0]
	if !app.Equal || app.Result != "imported" || app.Saved != "fleet 1.4.0" || app.Now != "fleet 2.0.0" || len(app.Datasets) != 4 {
		l.Errorf("%+v", app)
	}
	if len(r.Checks) != 2 || !r.Checks[0].Passed || !r.Checks[1].Passed {
		l.Errorf("%+v", r.Checks)
	}

	var recovery float64
	names := []string{}
	for _, phase := range r.Phases {
		names = append(names, phase.Name)
		if phase.Recovery {
			recovery += phase.Seconds
		}
	}
	for _, want := range []string{"verifying signatures", "starting the control plane", "plan", "objects", "state of applications", "checks"} {
		if !slices.Contains(names, want) {
			l.Errorf("no phase %q in %v", want, names)
		}
	}
	if r.RecoverySeconds < recovery || r.RecoveryPointSeconds <= 0 {
		l.Errorf("recovery time %v, of its phases %v; recovery point %v", r.RecoverySeconds, recovery, r.RecoveryPointSeconds)
	}
	l.nothingLeft()
}

// isKept looks at the report where others do.
func (l *lab) isKept() {
	for _, file := range []string{"drill.html", "drill.md"} {
		l.ok("drill", "check", l.path(file), "--repo", l.path("mgmt.git"))
		text, err := os.ReadFile(l.path(file))
		if err != nil {
			l.Fatal(err)
		}
		edited := l.write("edited-"+file, "%s", bytes.Replace(text, []byte("passed"), []byte("PASSED"), 1))
		if err := os.Rename(l.path(file+".sig"), edited+".sig"); err != nil {
			l.Fatal(err)
		}
		if code, _, _ := l.run("drill", "check", edited, "--repo", l.path("mgmt.git")); code != 12 {
			l.Errorf("an edited %s is answered with %d", file, code)
		}
	}

	l.ok("clone", "file://"+l.bare, l.path("copy.git"), "--keys", l.path("keys"))
	for _, repo := range []string{"mgmt.git", "copy.git"} {
		var history struct {
			Drills []drillreport.Earlier `json:"drills"`
		}
		err := json.Unmarshal([]byte(l.ok("drill", "history", "--repo", l.path(repo), "--json")), &history)
		if err != nil || len(history.Drills) != 2 {
			l.Fatalf("%s has %+v, %v", repo, history, err)
		}
		if list := l.ok("points", "list", "--repo", l.path(repo)); !strings.Contains(list, "\tpassed ") {
			l.Errorf("%s lists\n%s", repo, list)
		}
		page := l.ok("drill", "show", history.Drills[0].ID, "--repo", l.path(repo), "--form", "md")
		if !strings.Contains(page, "exported again and compared") {
			l.Errorf("%s shows\n%s", repo, page)
		}
	}
}

func (l *lab) neverIntoItsOwn() {
	code, _, errs := l.run("drill", "latest", "--repo", l.path("mgmt.git"), "--allow-blocked", "--occupied", "--kubeconfig", l.old.Kubeconfig)
	if code != 64 || !strings.Contains(errs, "is the one that the restore point, or the history, is of") {
		l.Errorf("%d %s", code, errs)
	}
}

// fails restores into a cluster that is given.
func (l *lab) fails() {
	target := testcluster.New(l.T, "1.37.1")
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	file := l.write("worse.yaml", `
applications:
- name: fleet-system/fleet
  command: [%q, --db, "{dir}/fleet.db", --http, "", --contract, "{address}"]
  environment: {%s: "{kubeconfig}"}
  checks:
  - {name: never well, command: ["false"]}
`, self, worseVariable)
	r := l.drill(27, "--kubeconfig", target.Kubeconfig, "--drill", file)
	why := strings.Join(r.Why, "\n")
	for _, want := range []string{
		"fleet-system/fleet differs from what was saved", "finding in the target", "never well failed: it ended with 1",
	} {
		if !strings.Contains(why, want) {
			l.Errorf("%q does not say %q", why, want)
		}
	}
	if r.Outcome != drillreport.Failed || r.Target.Started || r.Objects.Different != 1 || r.Apps[0].Equal || len(r.Apps[0].Differences) == 0 {
		l.Errorf("%+v\n%+v\n%+v", r.Target, r.Objects, r.Apps[0])
	}
	findings := slices.IndexFunc(r.Lists, func(list drillreport.List) bool { return strings.HasPrefix(list.Title, "Findings") })
	if findings < 0 {
		l.Fatalf("%+v", r.Lists)
	}
	finding := r.Lists[findings].Objects[0]
	if finding.Object != "ConfigMap/fleet-system/fleet-config" || !strings.Contains(finding.What[0], "somebody") {
		l.Errorf("%+v", finding)
	}
	if len(r.Earlier) != 2 || r.Earlier[0].Outcome != drillreport.Passed {
		l.Errorf("%+v", r.Earlier)
	}

	code, _, errs := l.run("drill", "latest", "--repo", l.path("mgmt.git"), "--allow-blocked", "--kubeconfig", target.Kubeconfig)
	if code != 64 || !strings.Contains(errs, "it is not empty") {
		l.Errorf("a cluster that is in use: %d %s", code, errs)
	}
	l.nothingLeft()
}

// blocked is a drill of a point that the target cannot take: it has the code that a restore has, and is on record.
func (l *lab) blocked() {
	assets := l.path("assets")
	if err := os.MkdirAll(assets, 0o755); err != nil {
		l.Fatal(err)
	}
	programs := testcluster.Locate(l.T, appbur.KubeVersion{Major: 1, Minor: 37, Patch: 1})
	for name, path := range map[string]string{"etcd": programs.Etcd, "kube-apiserver": programs.APIServer} {
		if err := os.Symlink(path, filepath.Join(assets, name)); err != nil {
			l.Fatal(err)
		}
	}

	code, out, errs := l.run("drill", "latest", "--repo", l.path("mgmt.git"), "--json", "--kubernetes", "1.37", "--servers", assets)
	if code != 20 || !strings.Contains(errs, "has no kube-controller-manager") ||
		!strings.Contains(out, "PodSecurityPolicy.policy/restricted") {
		l.Errorf("%d %s\n%s", code, out, errs)
	}
	if history := l.ok("drill", "history", "--repo", l.path("mgmt.git")); strings.Count(history, "\tfailed\t") != 2 {
		l.Errorf("the history is\n%s", history)
	}
	l.nothingLeft()
}

// killed is a drill that is stopped, and one that gets no chance to stop what it has started.
func (l *lab) killed() {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		started := l.path("started-" + strconv.Itoa(int(signal)))
		cmd := l.command("drill", "latest", "--repo", l.path("mgmt.git"), "--allow-blocked", "--kubernetes", "1.37",
			"--app-command", "fleet-system/fleet=sh "+l.write("wait.sh", "touch $1; exec sleep 600")+" "+started)
		if err := cmd.Start(); err != nil {
			l.Fatal(err)
		}
		l.until("the application is started", func() bool { _, err := os.Stat(started); return err == nil })
		children := childrenOf(cmd.Process.Pid)
		if runtime.GOOS == "linux" && len(children) != 4 {
			l.Errorf("it has started the processes %v", children)
		}

		if err := cmd.Process.Signal(signal); err != nil {
			l.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); signal == syscall.SIGINT && code != 130 {
			l.Errorf("it ended with %d", code)
		}
		for _, child := range children {
			l.until(fmt.Sprintf("process %d is gone", child), func() bool { return len(stateOf(child)) == 0 || stateOf(child) == "Z" })
		}
		if signal == syscall.SIGINT {
			l.nothingLeft()
		}
	}

	// The next one removes what the killed one could not.
	code, _, _ := l.run("drill", "latest", "--repo", l.path("mgmt.git"), "--kubernetes", "1.37", "--app-command", "fleet-system/fleet=false")
	if code != 27 {
		l.Errorf("an application that ends at once: %d", code)
	}
	l.nothingLeft()
}

// childrenOf are the processes that a process has started.
func childrenOf(parent int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			children = append(children, pid)
		}
	}
	return children
}

// stateOf is the state of a process, "" for none.
func stateOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:min(1, len(rest))]
}
