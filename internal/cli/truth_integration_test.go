//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur/internal/testcluster"
)

// foretold makes a plan and a dry run, and then the restore that they are of, and wants all to
// say the same.
func (s *story) foretold(args []string) restoreAnswer {
	s.Helper()
	results := func(args []string) (restoreAnswer, map[string]string) {
		s.Helper()
		_, out, errs := s.run(args...)
		var report struct {
			restoreAnswer
			Outcomes []struct{ Object, Result, Reason string }
		}
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			s.Fatalf("%v\n%s", err, errs)
		}
		said := make(map[string]string)
		for _, o := range report.Outcomes {
			said[o.Object] = fmt.Sprintf("%s %s", o.Result, o.Reason)
		}
		return report.restoreAnswer, said
	}

	_, said := results(append([]string{args[0], args[1], "--dry-run"}, args[2:]...))
	planning := append([]string{"plan"}, slices.DeleteFunc(slices.Clone(args[1:]), func(arg string) bool {
		return arg == "--yes" || strings.HasPrefix(arg, "--wait=") // what it does after it was agreed to
	})...)
	var plan struct{ Foretold foretold }
	if err := json.Unmarshal([]byte(s.ok(planning...)), &plan); err != nil {
		s.Fatal(err)
	}
	report, done := results(args)
	if f, c := plan.Foretold, report.Counts; f.Create != c.Created || f.Change != c.Configured || f.Leave != c.Unchanged || f.Unknown != 0 {
		s.Errorf("the plan said %+v, the run did %+v", f, c)
	}
	if len(said) != len(done) || len(done) == 0 {
		s.Errorf("the dry run had %d objects, the run %d", len(said), len(done))
	}
	for object, result := range done {
		if said[object] != result {
			s.Errorf("%s: the dry run said %q, the run did %q", object, said[object], result)
		}
	}
	return report
}

// nothingToDo wants a cluster to be as the point says: for a dry run, a restore and verify.
func (s *story) nothingToDo(point string, target []string) {
	s.Helper()
	report := s.foretold(append([]string{"restore", point, "--yes", "--json"}, target...))
	if c := report.Counts; c.Created+c.Configured+c.Failed+c.Skipped != 0 || c.Unchanged < 100 {
		s.Errorf("%+v", c)
	}
	s.ok(append([]string{"verify", point}, target...)...)
	s.ok(append([]string{"plan", point, "--exit-code", "--only", "manifests"}, target...)...) // nothing would change
}

// changeByHand changes what a restore has made, as people do.
func changeByHand(t *testing.T, c *testcluster.Cluster) {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	by := metav1.PatchOptions{FieldManager: "kubectl-edit"}
	if _, err := client.AppsV1().StatefulSets("team-search").Patch(t.Context(), "query-cache", types.MergePatchType,
		[]byte(`{"spec":{"replicas":9}}`), by); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().ServiceAccounts("team-search").Patch(t.Context(), "deployer", types.MergePatchType,
		[]byte(`{"automountServiceAccountToken":false}`), by); err != nil {
		t.Fatal(err)
	}
	if err := client.NetworkingV1().NetworkPolicies("team-search").Delete(t.Context(), "default-deny", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
