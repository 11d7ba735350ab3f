//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/diagnosis"
	"github.com/appbur/appbur/internal/testremote"
)

// sizeOfFleet is how many repositories there are in the test of a fleet.
const sizeOfFleet = 200

// The backup of a real cluster, 200 times over: half of the repositories are directories, half are at a Git server. Each is
// told, in the order of the list, also where one is gone, one is damaged, and the server is down.
func TestAFleetOfTwoHundred(t *testing.T) {
	s := newObservedStory(t)
	s.create("kept")
	s.ok("backup", "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig)
	forge := strings.Fields(s.ok("remotes", "list", "--repo", s.repo, "--keys", s.keys, "--no-headers"))
	url := forge[len(forge)-1]

	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("apiVersion: appbur.io/v1alpha1\nkind: Fleet\nclusters:\n")
	for i := range sizeOfFleet {
		place := url
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

	says(t, s.ok("fleet", file, "--to", "1.37"), "c-000", "c-199", "all of it")
	if answer := s.fleet(t, ExitDone, file); answer.State != diagnosis.OK {
		t.Errorf("it is %s", answer.State)
	}

	if err := os.RemoveAll(filepath.Join(dir, "010.git")); err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{filepath.Join(dir, "020.git")} {
		testremote.Git(t, damaged, "update-ref", "refs/heads/main", "main~1")
	}
	answer := s.fleet(t, ExitPartly, file)
	for i, c := range answer.Clusters {
		want := diagnosis.OK
		switch i {
		case 10:
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
	for i, c := range s.fleet(t, ExitPartly, file, "--parallel", "32", "--patience", "2m").Clusters {
		if c.State != diagnosis.Failing {
			t.Errorf("%s is %s while the server is down", c.Name, c.State)
		}
		if i%2 == 0 && i != 10 && i != 20 && (c.LastGoodPoint == nil || len(c.Wrong) != 1 || c.Wrong[0].Check != "remote") {
			t.Errorf("%s has a copy here: %+v", c.Name, c)
		}
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
