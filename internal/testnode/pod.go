//go:build linux

package testnode

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
)

// Run creates a pod and waits until it is ready, or has done its work.
func (n *Node) Run(t testing.TB, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	created, err := n.Client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	return n.Await(t, created.Namespace, created.Name)
}

// Await waits until a pod is ready, or has done its work.
func (n *Node) Await(t testing.TB, namespace, name string) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	n.Eventually(t, "the pod "+name+" runs", func() (err error) {
		if pod, err = n.Client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			return err
		}
		if Ready(pod) || pod.Status.Phase == corev1.PodSucceeded {
			return nil
		}
		return fmt.Errorf("it is %s: %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
	})
	return pod
}

// Ready reports whether a pod is ready.
func Ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// Exec runs a command in a container of a pod, as `kubectl exec -i` does. The container may be empty where there is one.
func (n *Node) Exec(t testing.TB, pod *corev1.Pod, container string, stdin io.Reader, command ...string) (out, errs string, err error) {
	t.Helper()
	request := n.Client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: command, Stdin: stdin != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(n.Cluster.RESTConfig(), "GET", request.URL().String())
	if err != nil {
		t.Fatal(err)
	}

	var stdout, stderr bytes.Buffer
	err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: stdin, Stdout: &stdout, Stderr: &stderr})
	return stdout.String(), stderr.String(), err
}

// Logs is what a container has written. It can be asked when the test is over, too.
func (n *Node) Logs(t testing.TB, pod *corev1.Pod, container string) string {
	t.Helper()
	text, err := n.Client.CoreV1().Pods(pod.Namespace).
		GetLogs(pod.Name, &corev1.PodLogOptions{Container: container}).DoRaw(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Errorf("the log of %s: %v", pod.Name, err)
	}
	return string(text)
}
