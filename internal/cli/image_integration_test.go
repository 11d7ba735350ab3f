//go:build integration

package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testcluster"
	"github.com/appbur/appbur/internal/testimage"
	"github.com/appbur/appbur/internal/testremote"
)

// The image runs as in a Pod of the restricted profile with a read-only root, and lacks nothing that a backup needs.
func TestTheImageBacksUpACluster(t *testing.T) {
	s := newImageStory(t)
	if out := s.ok("version"); !strings.Contains(out, testimage.Version) {
		t.Errorf("the image's appbur says it is\n%s", out)
	}

	// Without git, ssh and a shell it makes a repository, saves, pushes over HTTPS, and plans a restore.
	s.ok("init", "/data/mgmt.git", "--keys", "/data/keys")
	s.ok("remotes", "add", "forge", s.remote, "--repo", "/data/mgmt.git", "--keys", "/data/keys")
	var report backupReport
	out := s.ok("backup", "--repo", "/data/mgmt.git", "--keys", "/data/keys", "--kubeconfig", "/data/kubeconfig", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if got := testremote.Git(t, s.bare, "rev-parse", "main"); strings.TrimSpace(got) != report.Commit {
		t.Errorf("the remote has %s, and the backup made %s", got, report.Commit)
	}
	testremote.Fsck(t, s.bare)
	s.ok("plan", "latest", "--repo", "/data/mgmt.git", "--keys", "/data/keys", "--kubeconfig", "/data/kubeconfig")

	// It knows time zones.
	s.ok("config", "check", "/data/appbur.yaml")

	// What is not mounted cannot be written.
	code, _, errs := s.image.Run(t, s.mounts, "init", "/usr/local/mgmt.git", "--keys", "/data/more-keys")
	if code != ExitFailed || !strings.Contains(errs, "read-only file system") {
		t.Errorf("exit code %d\n%s", code, errs)
	}

	s.runsTheDaemon(string(report.Point.ID))

	// Keys that are a mounted Secret are as well kept as they can be.
	s.image.Mount(t, filepath.Join(s.data, "keys"))
	status := []string{"status", "--repo", "/data/mgmt.git", "--keys", "/data/keys", "--kubeconfig", "/data/kubeconfig"}
	if out := s.ok(status...); !strings.Contains(out, "ok\tcluster\tanswers, Kubernetes 1.37.1") {
		t.Errorf("it says\n%s", out)
	}
}

// runsTheDaemon waits until the daemon is ready and what it saves is at the remote. It ends by itself when it is told to.
func (s *imageStory) runsTheDaemon(before string) {
	said := &running{}
	daemon := s.image.Command(s, s.mounts, "run", "--config", "/data/appbur.yaml", "--listen", "0")
	daemon.Stdout, daemon.Stderr = said, said
	if err := daemon.Start(); err != nil {
		s.Fatal(err)
	}
	defer func() {
		if s.Failed() {
			s.Log(said.log())
		}
	}()

	s.eventually("it says where it serves", func() bool { return servedAt.MatchString(said.log()) })
	address := servedAt.FindStringSubmatch(said.log())[1]
	s.eventually("it is ready", func() bool {
		answer, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	s.eventually("the remote has a point of the schedule", func() bool {
		return len(strings.Fields(strings.ReplaceAll(s.git("tag"), before, ""))) > 0
	})

	daemon.Terminate(s)
	if err := daemon.Wait(); err != nil {
		s.Errorf("told to end, the daemon ended with %v", err)
	}
}

// imageStory is the image, a cluster, a Git server and what a Pod would mount.
type imageStory struct {
	*story
	image        *testimage.Image
	mounts       []testimage.Mount
	data         string
	remote, bare string
}

func newImageStory(t *testing.T) *imageStory {
	s := &imageStory{story: newStory(t), image: testimage.Build(t), data: t.TempDir(), bare: testremote.Bare(t)}
	cluster := testcluster.New(t, "1.37.1")
	kubeconfig, err := os.ReadFile(cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	s.repo = s.bare // what failures show
	git := testremote.HTTPS(t, filepath.Dir(s.bare))
	s.remote = git.Repo(filepath.Base(s.bare))

	home := t.TempDir()
	s.write("kubeconfig", string(kubeconfig))
	s.write("ca.crt", string(git.CA))
	s.write("appbur.yaml", `
apiVersion: appbur.io/v1alpha1
kind: Configuration
repository: {path: /data/mgmt.git, keys: /data/keys}
cluster: {kubeconfig: /data/kubeconfig}
points: {schedules: [{name: nightly, cron: "30 2 * * *"}], zone: Europe/Berlin}
`)
	s.mounts = []testimage.Mount{
		{Host: s.data, Path: "/data"},
		{Host: home, Path: "/home/nonroot"},
		// The company's own certificates in the place of those of the public.
		{Host: filepath.Join(s.data, "ca.crt"), Path: "/etc/ssl/certs/ca-certificates.crt", ReadOnly: true},
	}
	s.image.Give(t, s.data)
	s.image.Give(t, home)
	return s
}

func (s *imageStory) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.data, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *imageStory) ok(args ...string) string {
	s.Helper()
	code, out, errs := s.image.Run(s, s.mounts, args...)
	if code != ExitDone {
		s.Fatalf("appbur %s in the image: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}
