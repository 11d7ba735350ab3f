//go:build integration

package cli

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/appbur/appbur"
)

// ask runs `appbur backup --in-cluster`.
func (s *replicas) ask(more ...string) (code int, out, errs string) {
	s.Helper()
	return s.run(append([]string{"backup", "--in-cluster", "-n", "default", "--kubeconfig", s.cluster.Kubeconfig}, more...)...)
}

// asked runs it, and it has to make a point.
func (s *replicas) asked(more ...string) daemonPoint {
	s.Helper()
	code, out, errs := s.ask(append(more, "--json")...)
	var made daemonPoint
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != ExitDone || errs != "" {
		s.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if !slices.ContainsFunc(s.points(s.T), func(p appbur.RestorePoint) bool { return p.ID == made.Point.ID && len(p.Schedules) == 0 }) {
		s.Errorf("%s is not in the repository", made.Point.ID)
	}
	return made
}

// annotations are those of the Lease.
func (s *replicas) annotations() map[string]string {
	s.Helper()
	lease, err := s.client.CoordinationV1().Leases("default").Get(s.Context(), "appbur", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return lease.Annotations
}

// Who may change the Lease has the daemon make a restore point, and hears what became of it. Nobody else does.
func TestTheDaemonMakesARestorePointForWhoAsks(t *testing.T) {
	s := newReplicas(t, "1.24.17")
	if code, _, errs := s.ask(); code != ExitNotFound {
		t.Errorf("without a Lease: exit code %d\n%s", code, errs)
	} else {
		says(t, errs, "there is no such Lease", "hint: name the Lease with --namespace and --lease")
	}

	broken := s.replica(s.repo, s.keys, "--leader-elect-identity", "broken", "--app", "shop/orders=127.0.0.1:1", "--app-insecure")
	s.eventually("it leads", broken.leads)
	code, out, errs := s.ask()
	if code != ExitFailed || out != "" {
		t.Errorf("a daemon that cannot: exit code %d\n%s", code, out)
	}
	says(t, errs, "Waiting for broken, which leads by the Lease default/appbur", "hint: ",
		"the daemon broken made no restore point", "shop/orders")
	broken.stop()

	alone := s.replica(s.repo, s.keys, "--leader-elect-identity", "alone", "--durability", "pushed",
		"--remote", "gone="+filepath.Join(t.TempDir(), "gone.git"))
	s.eventually("it leads", alone.leads)
	code, out, errs = s.ask()
	if code != ExitPartly {
		t.Errorf("a point that is not pushed: exit code %d\n%s%s", code, out, errs)
	}
	says(t, errs, "the restore point does not count yet: the restore point is not durable: 0 of 1 remotes hold it", "hint: ")
	says(t, out, "restore point  ", "made by        alone, Lease default/appbur")
	code, out, _ = s.ask("--json")
	if code != ExitPartly || !strings.Contains(out, `"error": "the restore point is not durable`) {
		t.Errorf("in JSON: exit code %d\n%s", code, out)
	}
	alone.stop()
	s.ok("remotes", "remove", "gone", "--yes", "--repo", s.repo)

	first := s.replica(s.repo, s.keys, "--leader-elect-identity", "first")
	s.eventually("the first leads", first.leads)
	if made := s.asked(); made.Leader != "first" || made.Lease != "default/appbur" || made.Point.Partial {
		t.Errorf("%+v", made)
	}
	code, out, _ = s.ask()
	if code != ExitDone {
		t.Errorf("exit code %d", code)
	}
	says(t, out, "restore point  ", "(complete)", "made by        first, Lease default/appbur")
	t.Run("rights", func(*testing.T) { s.askWithRights() })

	before := len(s.points(t))
	var together sync.WaitGroup
	for range 3 {
		together.Go(func() { s.asked() })
	}
	together.Wait()
	if made := len(s.points(t)) - before; made < 1 || made > 3 {
		t.Errorf("3 who asked at once got %d points", made)
	}
	s.eventually("nothing is left on the Lease", func() bool { return len(s.annotations()) == 0 })
	t.Run("hand-over", func(*testing.T) { s.askWhileHandingOver(first) })
}

// askWithRights asks with an account that gets and patches the Lease, and nothing else.
func (s *replicas) askWithRights() {
	s.Helper()
	asker := actingAs(s.T, s.cluster, "asker")
	code, _, errs := s.ask("--kubeconfig", asker)
	if code != ExitCredentials {
		s.Errorf("without rights: exit code %d", code)
	}
	says(s.T, errs, "hint: the account needs the verbs get and patch on leases/appbur of coordination.k8s.io in the namespace default")

	var role rbacv1.Role
	err := yaml.Unmarshal([]byte(`{metadata: {name: asker}, rules: [
		{apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [appbur], verbs: [get, patch]}]}`), &role)
	if err == nil {
		_, err = s.client.RbacV1().Roles("default").Create(s.Context(), &role, metav1.CreateOptions{})
	}
	if err == nil {
		_, err = s.client.RbacV1().RoleBindings("default").Create(s.Context(), &rbacv1.RoleBinding{
			ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "asker"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "asker"}},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		s.Fatal(err)
	}
	s.eventually("it may ask", func() bool {
		code, _, _ := s.ask("--kubeconfig", asker)
		return code == ExitDone
	})
}

// askWhileHandingOver has the leader stopped while somebody asks. The next leader answers, once.
func (s *replicas) askWhileHandingOver(first *replica) {
	s.Helper()
	second := s.replica(s.repo, s.keys, "--leader-elect-identity", "second")
	s.eventually("the second stands by", func() bool { return strings.Contains(second.log(), "leader=first") })
	first.signal(s.T, syscall.SIGSTOP)
	code, _, errs := s.ask("--timeout", "2s")
	if code != ExitFailed {
		s.Errorf("a daemon that says nothing: exit code %d", code)
	}
	says(s.T, errs, "the daemon did not answer in time", "hint: the request was taken back")
	if left := s.annotations(); len(left) > 0 {
		s.Errorf("left on the Lease: %v", left)
	}

	before := len(s.points(s.T))
	if made := s.asked(); made.Leader != "second" {
		s.Errorf("%+v", made)
	}
	first.signal(s.T, syscall.SIGCONT)
	s.eventually("the first stands by", func() bool { return strings.Contains(first.log(), "does not write any more, and stands by") })
	s.eventually("nothing is left on the Lease", func() bool { return len(s.annotations()) == 0 })
	if made := len(s.points(s.T)) - before; made != 1 {
		s.Errorf("who asked once got %d points", made)
	}

	first.signal(s.T, syscall.SIGKILL)
	second.signal(s.T, syscall.SIGKILL)
	code, _, errs = s.ask()
	if code != ExitFailed {
		s.Errorf("without a daemon: exit code %d", code)
	}
	says(s.T, errs, "no daemon leads: second has not renewed the Lease for", "hint: look at the pods of appbur")
	if left := s.annotations(); len(left) > 0 {
		s.Errorf("left on the Lease: %v", left)
	}
}
