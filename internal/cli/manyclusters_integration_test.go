//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/fleetcopies"
	"github.com/appbur/appbur/internal/testremote"
)

// sizeOfFleet is how many repositories there are in the test of a fleet.
const sizeOfFleet = 200

// The backup of a real cluster, 200 times over: half of the repositories are directories, half are parts of one remote at a Git
// server. Each is told, in the order of the list, also where one is gone, one is damaged, and the server is down. What is at
// the server is cloned once, and fetched again only where something is new. A cluster is restored from its part alone.
func TestAFleetOfTwoHundred(t *testing.T) {
	s := newObservedStory(t)
	s.create("kept")
	s.ok("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig)
	forge := strings.Fields(s.ok("remotes", "list", "--repo", s.repo, "--keys", s.keys, "--no-headers"))
	url := forge[len(forge)-1]

	dir := t.TempDir()
	bare := s.bare
	share(t, bare, "c-%03d", sizeOfFleet)
	var list strings.Builder
	list.WriteString("apiVersion: appbur.io/v1alpha1\nkind: Fleet\nclusters:\n")
	for i := range sizeOfFleet {
		place := fmt.Sprintf("%s#clusters/c-%03d", url, i)
		if i%2 == 0 {
			place = fmt.Sprintf("%03d.git", i)
			if err := os.CopyFS(filepath.Join(dir, place), os.DirFS(s.repo)); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&list, "- {name: c-%03d, repository: %q, keys: %q}\n", i, place, s.keys)
	}
	file := filepath.Join(dir, "fleet.yaml")
	writeFile(t, file, list.String())

	cache := []string{"--cache", filepath.Join(dir, "cache")}
	says(t, s.ok(append([]string{"fleet", file, "--to", "1.37"}, cache...)...), "c-000", "c-199", "all of it")
	testremote.Git(t, bare, "tag", "-d", "clusters/c-007/"+testremote.Git(t, bare, "tag", "--list", "restore-points/*"))
	answer := s.fleet(t, ExitPartly, append(cache, file)...)
	for i, c := range answer.Clusters {
		state, came := diagnosis.OK, fleetcopies.Unchanged
		switch {
		case i == 7: // its only point is gone
			state, came = diagnosis.Failing, fleetcopies.Fetched
		case i%2 == 0:
			came = ""
		}
		if c.State != state || c.Copy != came {
			t.Errorf("%s is %s, and its copy was %q: %s %v", c.Name, c.State, c.Copy, c.Error, c.Wrong)
		}
	}
	s.restoredFromOnePart(t, url+"#clusters/c-009")

	if err := os.RemoveAll(filepath.Join(dir, "010.git")); err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{filepath.Join(dir, "020.git")} {
		testremote.Git(t, damaged, "update-ref", "refs/heads/main", "main~1")
	}
	answer = s.fleet(t, ExitPartly, append(cache, file)...)
	for i, c := range answer.Clusters {
		want := diagnosis.OK
		switch i {
		case 7, 10:
			want = diagnosis.Failing
		case 20:
			want = c.State // its history is another one: whatever that is, the others are told
		}
		if c.Name != fmt.Sprintf("c-%03d", i) || c.State != want {
			t.Errorf("%s is %s, want %s: %s %v", c.Name, c.State, want, c.Error, c.Wrong)
		}
	}
	if gone := answer.Clusters[10]; gone.Error == "" || gone.Hint == "" {
		t.Errorf("nothing says what is wrong with %+v", gone)
	}

	s.down.Store(true)
	for i, c := range s.fleet(t, ExitPartly, append(cache, file, "--parallel", "32", "--patience", "2m")...).Clusters {
		if c.State != diagnosis.Failing {
			t.Errorf("%s is %s while the server is down", c.Name, c.State)
		}
		if i%2 == 0 && i != 10 && i != 20 && (c.LastGoodPoint == nil || len(c.Wrong) != 1 || c.Wrong[0].Check != "remote") {
			t.Errorf("%s has a copy here: %+v", c.Name, c)
		}
	}
}

// share makes parts of a remote that have what the whole remote has.
func share(t *testing.T, bare, name string, size int) {
	t.Helper()
	var updates strings.Builder
	for line := range strings.Lines(testremote.Git(t, bare, "for-each-ref", "--format=%(refname) %(objectname)")) {
		ref, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		for i := range size {
			part := "clusters/" + fmt.Sprintf(name, i) + "/"
			there := strings.NewReplacer("refs/heads/", "refs/heads/"+part, "refs/tags/", "refs/tags/"+part).Replace(ref)
			fmt.Fprintf(&updates, "create %s %s\n", there, id)
		}
	}
	command := exec.Command("git", "-C", bare, "update-ref", "--stdin")
	command.Stdin = strings.NewReader(updates.String())
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// restoredFromOnePart deletes an object of the cluster, and has it again from a part of a remote alone.
func (s *observedStory) restoredFromOnePart(t *testing.T, url string) {
	t.Helper()
	if err := s.client.CoreV1().ConfigMaps("default").Delete(t.Context(), "kept", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.git")
	s.ok("clone", url, copied, "--keys", s.keys)
	s.ok("restore", "latest", "--repo", copied, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig, "--yes", "--undo-newer")
	if _, err := s.client.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func (s *observedStory) fleet(t *testing.T, code int, args ...string) fleetAnswer {
	t.Helper()
	got, out, errs := s.run(append([]string{"fleet", "--json"}, args...)...)
	if got != code {
		t.Fatalf("exit code %d, want %d\n%s", got, code, errs)
	}
	var answer fleetAnswer
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Clusters) != sizeOfFleet {
		t.Fatalf("%d clusters", len(answer.Clusters))
	}
	return answer
}
