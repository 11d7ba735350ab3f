package podexec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// Container is an [Executor]: one container of one pod, as it was when it was chosen.
type Container struct {
	config *rest.Config
	core   *typedcorev1.CoreV1Client
	pod    *corev1.Pod
	name   string
	id     string
}

// NewContainer returns a container of a pod that was read.
func NewContainer(config *rest.Config, core *typedcorev1.CoreV1Client, pod *corev1.Pod, name string) Container {
	return Container{config: config, core: core, pod: pod, name: name, id: idOf(pod, name)}
}

// idOf is that of a container that runs, "" if it does not.
func idOf(pod *corev1.Pod, name string) string {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == name && status.State.Running != nil {
			return status.ContainerID
		}
	}
	return ""
}

// String names the container.
func (c Container) String() string {
	return fmt.Sprintf("the container %s of the pod %s/%s", c.name, c.pod.Namespace, c.pod.Name)
}

// same makes sure that the name leads still to what was chosen.
func (c Container) same(ctx context.Context) error {
	now, err := c.core.Pods(c.pod.Namespace).Get(ctx, c.pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w: it is gone", ErrReplaced)
	case err != nil:
		return err
	case now.UID != c.pod.UID:
		return fmt.Errorf("%w: another one has its name", ErrReplaced)
	case idOf(now, c.name) != c.id:
		return fmt.Errorf("%w: its container was started again, or has ended", ErrReplaced)
	}
	return nil
}

// Exec implements [Executor], by WebSocket, or SPDY where the way to the cluster does not take that.
func (c Container) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := c.same(ctx); err != nil {
		return err
	}
	request := c.core.RESTClient().Post().Resource("pods").Namespace(c.pod.Namespace).Name(c.pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: c.name, Command: argv, Stdin: stdin != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)

	spdy, err := remotecommand.NewSPDYExecutor(c.config, http.MethodPost, request.URL())
	if err != nil {
		return err
	}
	websocket, err := remotecommand.NewWebSocketExecutor(c.config, http.MethodGet, request.URL().String())
	if err != nil {
		return err
	}
	executor, err := remotecommand.NewFallbackExecutor(websocket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: stdin, Stdout: stdout, Stderr: stderr})
	var refused *httpstream.UpgradeFailureError
	if errors.As(err, &refused) && refused.Cause != nil {
		return refused.Cause // that of the API server, which says more
	}
	return err
}
