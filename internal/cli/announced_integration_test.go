//go:build integration

package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/announce"
)

// What is wrong with points and remotes is an Event on the daemon's Lease, and so is its end. An account that may not
// make Events works as well, and says nothing of it.
func TestEventsTellWhatIsWrong(t *testing.T) {
	s := newObservedStory(t)
	elected := []string{"--leader-elect", "--leader-elect-resource-namespace", "default"}

	t.Run("with the right", func(t *testing.T) {
		// An application that was named does not answer.
		gone := []string{"--schedule", "hourly=@every 1h", "--app", "shop/gone=127.0.0.1:1", "--app-insecure"}
		s.serve(s.cluster.Kubeconfig, time.Now, append(gone, elected...)...)
		s.told("Warning", announce.PointFailed, "application shop/gone: ")
		s.down.Store(true)
		s.create("unpushed")
		s.told("Warning", announce.RemoteNotUpToDate, "Remote forge is not up to date: ")
		s.down.Store(false)
		s.create("pushed")
		s.told("Normal", announce.RemoteUpToDate, "Remote forge has everything again")
		if code := s.daemon.stop(); code != ExitDone {
			t.Errorf("it ended with %d", code)
		}
	})

	t.Run("without", func(t *testing.T) {
		before := len(s.events())
		s.serve(s.silent(), time.Now, elected...)
		s.down.Store(true)
		s.create("unpushed-silently")
		s.eventually("the push fails", func() bool { return strings.Contains(s.daemon.log(), "a remote is not up to date") })
		s.down.Store(false)
		s.create("pushed-silently")
		s.eventually("it works on", func() bool {
			return s.tryGit("show", "main:namespaces/default/configmap/pushed-silently.yaml") != "" && strings.Contains(s.daemon.log(), "msg=pushed")
		})
		if code := s.daemon.stop(); code != ExitDone {
			t.Errorf("it ended with %d", code)
		}
		if strings.Contains(s.daemon.log(), "forbidden") {
			t.Errorf("it speaks of Events:\n%s", s.daemon.log())
		}
		if after := len(s.events()); after != before {
			t.Errorf("there were %d Events, and are %d", before, after)
		}
	})
}

// silent is the kubeconfig of an account that may do all that a daemon does but make Events.
func (s *observedStory) silent() string {
	s.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "silent"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list", "watch"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create", "update", "patch"}},
	}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "silent"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "silent"}},
	}
	if _, err := s.client.RbacV1().ClusterRoles().Create(s.Context(), role, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	if _, err := s.client.RbacV1().ClusterRoleBindings().Create(s.Context(), binding, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
	return actingAs(s.T, s.cluster, "silent")
}

// events are those of appbur.
func (s *observedStory) events() []eventsv1.Event {
	s.Helper()
	list, err := s.client.EventsV1().Events("default").List(s.Context(), metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(e eventsv1.Event) bool { return e.ReportingController != announce.Controller })
}

// told waits for an Event on the Lease, as `kubectl describe` looks for them.
func (s *observedStory) told(kind, reason, note string) {
	s.Helper()
	lease, err := s.client.CoordinationV1().Leases("default").Get(s.Context(), "appbur", metav1.GetOptions{})
	if err != nil {
		s.Fatal(err)
	}
	s.eventually(reason, func() bool {
		return slices.ContainsFunc(s.events(), func(e eventsv1.Event) bool {
			return e.Type == kind && e.Reason == reason && strings.Contains(e.Note, note) && e.Regarding.UID == lease.UID
		})
	})
}
