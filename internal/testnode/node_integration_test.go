//go:build integration && linux

package testnode_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/appbur/appbur/internal/testnode"
)

// A pod with an address runs a command of an image, and what it says is read. Commands run in it with input and output,
// and it reaches the API server as every pod does.
func TestPodsAreReal(t *testing.T) {
	node := testnode.New(t)
	node.Import(t, testnode.NewImage("appbur.test/tools:1").Program(t, "/bin/sh", "/bin/cat", "/bin/sleep", "/usr/bin/curl"))
	pod := func(name, script string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "main", Image: "appbur.test/tools:1", Command: []string{"/bin/sh", "-c", script},
			}}},
		}
	}
	one := node.Run(t, pod("one", "echo hello from $HOSTNAME; sleep 1000"))

	node.Eventually(t, "what it says is read", func() error {
		if got := node.Logs(t, one, ""); got != "hello from one\n" {
			return fmt.Errorf("it has said %q", got)
		}
		return nil
	})
	out, errs, err := node.Exec(t, one, "main", strings.NewReader("some input"), "sh", "-c", "cat; echo and more >&2")
	if err != nil || out != "some input" || errs != "and more\n" {
		t.Errorf("out %q, err %q, %v", out, errs, err)
	}
	if _, _, err := node.Exec(t, one, "", nil, "sh", "-c", "exit 7"); err == nil || !strings.Contains(err.Error(), "exit code 7") {
		t.Errorf("a command that fails: %v", err)
	}

	// Its account, which it has by itself, is known to the API server by the address of the Service kubernetes.
	const ask = `cd /var/run/secrets/kubernetes.io/serviceaccount && curl -sS --cacert ca.crt \
		-H "Authorization: Bearer $(cat token)" "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/default/pods"`
	out, errs, err = node.Exec(t, one, "", nil, "sh", "-c", ask)
	if err != nil || !strings.Contains(out, `User \"system:serviceaccount:default:default\" cannot list resource \"pods\"`) {
		t.Errorf("the API server says %s, %s, %v", out, errs, err)
	}
}
