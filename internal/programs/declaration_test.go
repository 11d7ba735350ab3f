package programs

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur"
)

func declare(in string) string {
	return "app: a\nversion: '1'\nin: {" + in + `}
rollback: none
datasets: [{name: d, schema: "1.0", mediaType: text/plain, export: {argv: [a]}, import: {argv: [b]}}]
`
}

// A declaration means pods by their name, their controller or their labels.
func TestADeclarationMeansPods(t *testing.T) {
	yes := true
	owned := func(name, kind, owner string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"pod-template-hash": "x1"},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, Controller: &yes}},
		}}
	}
	for _, c := range []struct {
		in, text string
		pod      *corev1.Pod
		want     bool
	}{
		{"statefulSet: db", "the StatefulSet db", owned("db-0", "StatefulSet", "db"), true},
		{"statefulSet: db", "the StatefulSet db", owned("db-0", "StatefulSet", "other"), false},
		{"statefulSet: db", "the StatefulSet db", owned("db-0", "Job", "db"), false},
		{"statefulSet: db, ordinal: 1", "the pod db-1", owned("db-0", "StatefulSet", "db"), false},
		{"statefulSet: db, ordinal: 1", "the pod db-1", owned("db-1", "StatefulSet", "db"), true},
		{"deployment: web", "the Deployment web", owned("web-x1-abc", "ReplicaSet", "web-x1"), true},
		{"deployment: web", "the Deployment web", owned("web-b-x1-abc", "ReplicaSet", "web-b-x1"), false},
		{"deployment: web", "the Deployment web", &corev1.Pod{}, false},
	} {
		d, err := Parse([]byte(declare(c.in)))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.means(c.pod); got != c.want || !strings.Contains(d.String(), c.text) {
			t.Errorf("%s means %s: %v, said is %s", c.in, c.pod.Name, got, d)
		}
	}

	for _, selector := range []string{`"app in"`, `","`, `"a=b=c"`} {
		if _, err := Parse([]byte(declare("selector: " + selector))); err == nil || appbur.HintOf(err) == "" {
			t.Errorf("the selector %s: %v", selector, err)
		}
	}
}

// A file and a ConfigMap are told apart from addresses of servers.
func TestAddressesOfPrograms(t *testing.T) {
	for address, want := range map[string]string{
		"commands:/etc/a.yaml": "/etc/a.yaml", "commands-of-configmap:a": "", "orders.example:7443": "none", "unix:///commands:x": "none",
	} {
		file, ok := File(address)
		if ok == (want == "none") || ok && file != want {
			t.Errorf("%s: %q, %v", address, file, ok)
		}
	}
}
