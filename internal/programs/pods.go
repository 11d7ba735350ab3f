package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/podexec"
)

// ErrNoPod is the error of an application none of whose pods can be taken now.
var ErrNoPod = errors.New("no pod is ready for its commands")

// ErrNoContainer is the error of a pod in which no container is meant.
var ErrNoContainer = errors.New("the container is not there")

// pods finds the pods of a namespace.
type pods struct {
	config    *rest.Config
	core      *typedcorev1.CoreV1Client
	namespace string
	random    io.Reader
}

// choose takes one pod for the commands of a declaration.
func (p pods) choose(ctx context.Context, d Declaration) (podexec.Runner, error) {
	all, err := p.of(ctx, d)
	if err != nil {
		return podexec.Runner{}, err
	}
	var ready []corev1.Pod
	for _, pod := range all {
		if isReady(&pod) {
			ready = append(ready, pod)
		}
	}
	if len(ready) == 0 {
		return podexec.Runner{}, appbur.WithHint(
			fmt.Errorf("%w: of %s in the namespace %s there are %d, and none is ready", ErrNoPod, d, p.namespace, len(all)),
			"look at the pods of the application")
	}

	var last error
	for _, pod := range ready {
		name, err := containerOf(&pod, d.Container)
		if err != nil {
			return podexec.Runner{}, err
		}
		runner := podexec.Runner{
			Executor: podexec.NewContainer(p.config, p.core, &pod, name), Shell: d.Shell, PayloadDir: strings.TrimSuffix(d.PayloadDir, "/"),
			Lease: d.Lease, RestLimit: d.RestLimit, Random: p.random,
		}
		switch chosen, err := d.Chosen(ctx, runner); {
		case err != nil:
			last = err
		case chosen:
			return runner, nil
		}
	}
	if last != nil {
		return podexec.Runner{}, last
	}
	return podexec.Runner{}, appbur.WithHint(fmt.Errorf("%w: %d of %s are ready, and in none the command that chooses ends well", ErrNoPod,
		len(ready), d), "run the command choose: of in: in the pods, to see why")
}

// of lists the pods that a declaration means, by name.
func (p pods) of(ctx context.Context, d Declaration) ([]corev1.Pod, error) {
	options := metav1.ListOptions{}
	switch {
	case d.pods != nil:
		options.LabelSelector = d.pods.String()
	case d.Pod != "":
		options.FieldSelector = "metadata.name=" + d.Pod
	}
	list, err := p.core.Pods(p.namespace).List(ctx, options)
	if apierrors.IsForbidden(err) {
		err = appbur.WithHint(err, "the account needs the rights to get and list pods and to create pods/exec in the namespace (docs/programs.md)")
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s in the namespace %s: %w", d, p.namespace, err)
	}
	all := slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !d.means(&pod) })
	slices.SortFunc(all, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// means reports whether a pod is one of those that are meant. A pod names the object that made it, so that no right is
// needed to read that.
func (d Declaration) means(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	switch {
	case d.StatefulSet != "":
		return owner != nil && owner.Kind == "StatefulSet" && owner.Name == d.StatefulSet &&
			(d.Ordinal == nil || pod.Name == fmt.Sprintf("%s-%d", d.StatefulSet, *d.Ordinal))
	case d.Deployment != "":
		hash := pod.Labels["pod-template-hash"]
		return owner != nil && owner.Kind == "ReplicaSet" && hash != "" && owner.Name == d.Deployment+"-"+hash
	}
	return true
}

func isReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning &&
		slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
}

// containerOf is the container that is meant.
func containerOf(pod *corev1.Pod, name string) (string, error) {
	names := make([]string, len(pod.Spec.Containers))
	for i, c := range pod.Spec.Containers {
		names[i] = c.Name
	}
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case slices.Contains(names, name):
		return name, nil
	case name == "":
		return "", appbur.WithHint(fmt.Errorf("%w: the pod %s/%s has several, and none is named", ErrNoContainer, pod.Namespace, pod.Name),
			"container: of in: names one of "+strings.Join(names, ", "))
	}
	return "", appbur.WithHint(fmt.Errorf("%w: the pod %s/%s has no container %s", ErrNoContainer, pod.Namespace, pod.Name, name),
		"container: of in: names one of "+strings.Join(names, ", "))
}
